/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which callers wait for which reload of systemd, and when the next one may begin. systemd.c requests it on
 * the bus. */

#include "daemon/state/reload.h"

#include <stdbool.h>

#include "common/log.h"

typedef struct Waiter {
        ReloadDone done;
        void *userdata;
} Waiter;

struct Reload {
        sd_event *event;
        ReloadAsk ask;
        void *userdata;
        GArray *now, *next; /* Waiter */
        bool asked;
        gint64 asked_at;
        sd_event_source *rest; /* While it is set, no reload is requested. */
};

static void reload_start(Reload *reload)
{
        _cleanup_error_ Error error = ERROR_INIT;
        GArray *empty = reload->now;
        int r;

        if (reload->next->len == 0 || reload->asked || reload->rest)
                return;

        reload->now = reload->next;
        reload->next = empty;
        reload->asked = true;
        reload->asked_at = g_get_monotonic_time();
        r = reload->ask(reload, reload->userdata);
        if (r < 0) {
                r = error_set_errno(&error, r, "Cannot make systemd reload its units");
                reload_answered(reload, r, &error);
        }
}

static int on_reload_rested(sd_event_source *source, uint64_t usec, void *userdata)
{
        Reload *reload = userdata;

        reload->rest = sd_event_source_disable_unref(reload->rest);
        reload_start(reload);
        return 0;
}

static void reload_rest(Reload *reload)
{
        gint64 now = g_get_monotonic_time();
        gint64 rest = CLAMP(now - reload->asked_at, RELOAD_REST_MIN, RELOAD_REST_MAX);
        int r = sd_event_add_time(reload->event, &reload->rest, CLOCK_MONOTONIC, (uint64_t) (now + rest),
                        G_TIME_SPAN_MILLISECOND, on_reload_rested, reload);

        if (r < 0)
                log_warning("Cannot delay the next reload of systemd: %s", g_strerror(-r));
}

void reload_answered(Reload *reload, int r, const Error *error)
{
        g_autoptr(GArray) waiters = g_steal_pointer(&reload->now);

        /* Before the waiters are told: they may ask again. */
        reload->now = g_array_new(FALSE, FALSE, sizeof(Waiter));
        reload->asked = false;
        reload_rest(reload);
        for (guint i = 0; i < waiters->len; i++) {
                Waiter *waiter = &g_array_index(waiters, Waiter, i);
                _cleanup_error_ Error own = ERROR_INIT;

                waiter->done(r < 0 ? error_set(&own, error->code, "%s", error->message) : 0, &own,
                                waiter->userdata);
        }
        reload_start(reload);
}

void reload_wait(Reload *reload, ReloadDone done, void *userdata)
{
        Waiter waiter = {.done = done, .userdata = userdata};

        g_array_append_val(reload->next, waiter);
        reload_start(reload);
}

Reload *reload_new(sd_event *event, ReloadAsk ask, void *userdata)
{
        Reload *reload = g_new0(Reload, 1);

        *reload = (Reload){.event = sd_event_ref(event),
                        .ask = ask,
                        .userdata = userdata,
                        .now = g_array_new(FALSE, FALSE, sizeof(Waiter)),
                        .next = g_array_new(FALSE, FALSE, sizeof(Waiter))};
        return reload;
}

Reload *reload_free(Reload *reload)
{
        if (!reload)
                return NULL;

        sd_event_source_disable_unref(reload->rest);
        sd_event_unref(reload->event);
        g_array_unref(reload->now);
        g_array_unref(reload->next);
        g_free(reload);
        return NULL;
}
