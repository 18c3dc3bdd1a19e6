/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Hears from shruthi-antispoof, which sees the host's network, that taps have lost their bridge or can be
 * put back on one, so that guests are attached again (reattach.h). Called by serve.c. Times are monotonic,
 * in µs. */

typedef struct AntispoofWatch AntispoofWatch;

int antispoof_watch_new(AntispoofWatch **ret_watch);
void antispoof_watch_free(AntispoofWatch *watch);

/* Whether to listen at all: while there are unikernels. Where shruthi-antispoof was not there it is tried
 * again. */
void antispoof_watch_set_wanted(AntispoofWatch *watch, bool wanted, int64_t now);

/* To be polled for POLLIN, and heard then. */
int antispoof_watch_fd(const AntispoofWatch *watch);
void antispoof_watch_hear(AntispoofWatch *watch, int64_t now);

/* When something has to be done without that; INT64_MAX: never. */
int64_t antispoof_watch_next(const AntispoofWatch *watch);

/* Whether somebody is to look at it now. Who does it says so on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
bool antispoof_watch_is_due(AntispoofWatch *watch, int64_t now);
void antispoof_watch_set_asked(AntispoofWatch *watch, int socket, int64_t now);
