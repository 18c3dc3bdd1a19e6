/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Hears from shruthi-fence, which sees the host's network, that taps have lost their bridge or can be put
 * back on one, so that guests are attached again (reattach.h). Called by serve.c. Times are monotonic, in
 * µs. */

typedef struct FenceWatch FenceWatch;

int fence_watch_new(FenceWatch **ret_watch);
void fence_watch_free(FenceWatch *watch);

/* Whether to listen at all: while there are unikernels. Where shruthi-fence was not there it is tried
 * again. */
void fence_watch_set_wanted(FenceWatch *watch, bool wanted, int64_t now);

/* To be polled for POLLIN, and heard then. */
int fence_watch_fd(const FenceWatch *watch);
void fence_watch_hear(FenceWatch *watch, int64_t now);

/* When something has to be done without that; INT64_MAX: never. */
int64_t fence_watch_next(const FenceWatch *watch);

/* Whether somebody is to look at it now. Who does it says so on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
bool fence_watch_is_due(FenceWatch *watch, int64_t now);
void fence_watch_set_asked(FenceWatch *watch, int socket, int64_t now);
