/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest itself, as the runner knows it. Called by unikernel.c. */

#include "daemon/state/guest.h"

#include <glib.h>

#include "common/paths.h"
#include "unikernel/liveness.h"
#include "unikernel/run-state.h"

void guest_clear(Guest *guest)
{
        g_free(guest->invocation_id);
        g_free(guest->paused);
        g_free(guest->health);
        *guest = (Guest){};
}

void guest_read(const char *name, Guest *ret_guest)
{
        g_autofree char *dir = paths_unikernel_runtime(name);
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;

        *ret_guest = (Guest){};
        if (run_state_read(dir, &state) < 0 || !state.started || !liveness_is_active(name))
                return;

        *ret_guest = (Guest){
                        .lives = true,
                        .ready = run_state_is_ready(&state),
                        .invocation_id = g_strdup(state.invocation_id ?: ""),
                        .started_at = state.started_at,
                        .changed_at = state.changed_at ?: state.started_at,
                        .paused = g_steal_pointer(&state.paused),
                        .health = g_steal_pointer(&state.health),
        };
}
