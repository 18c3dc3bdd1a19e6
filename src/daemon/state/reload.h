/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-event.h>

#include "common/error.h"

/* Decides when systemd is asked to reload its units: one reload at a time for all waiters, and a rest after
 * each. A reload blocks PID 1 for everybody, and users can cause as many as they like. */

/* A rest is as long as the reload took, within these limits. */
#define RELOAD_REST_MIN (100 * G_TIME_SPAN_MILLISECOND)
#define RELOAD_REST_MAX (5 * G_TIME_SPAN_SECOND)

typedef struct Reload Reload;

/* Requests a reload; reload_answered() is called later, unless this fails. */
typedef int (*ReloadAsk)(Reload *reload, void *userdata);
/* error belongs to the callee, which may move it. */
typedef void (*ReloadDone)(int r, Error *error, void *userdata);

Reload *reload_new(sd_event *event, ReloadAsk ask, void *userdata);
Reload *reload_free(Reload *reload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reload, reload_free)

/* Calls done after a reload that was requested after this call; at once if it cannot be requested. */
void reload_wait(Reload *reload, ReloadDone done, void *userdata);

/* Passes the answer to the requested reload. */
void reload_answered(Reload *reload, int r, const Error *error);
