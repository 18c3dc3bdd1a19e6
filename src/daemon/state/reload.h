/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-event.h>

#include "common/error.h"

/* When systemd is asked to read its units again: one reload at a time for all who wait, and a rest after
 * each. A reload stops PID 1 for everybody, and users can cause as many as they like. */

/* A rest is as long as the reload took, within these. */
#define RELOAD_REST_MIN (100 * G_TIME_SPAN_MILLISECOND)
#define RELOAD_REST_MAX (5 * G_TIME_SPAN_SECOND)

typedef struct Reload Reload;

/* Asks for a reload; reload_answered() is called later, unless this fails. */
typedef int (*ReloadAsk)(Reload *reload, void *userdata);
/* error belongs to the callee, who may move it. */
typedef void (*ReloadDone)(int r, Error *error, void *userdata);

Reload *reload_new(sd_event *event, ReloadAsk ask, void *userdata);
Reload *reload_free(Reload *reload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reload, reload_free)

/* done is called after a reload that was asked for after this call; at once when it cannot be asked for. */
void reload_wait(Reload *reload, ReloadDone done, void *userdata);

/* The answer to what was asked. */
void reload_answered(Reload *reload, int r, const Error *error);
