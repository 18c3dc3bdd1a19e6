/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "helper/keys.h"
#include "unikernel/exit-parser.h"

/* What shruthi-domain reports to the program that started it, in lines with the keys of helper/keys.h. */

void protocol_emit(DomainKey key, const char *format, ...) __attribute__((format(printf, 2, 3)));
void protocol_emit_field(const char *kind, unsigned index, DomainField field, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Emits the lines of an error, and returns its exit status (RUNNER_EXIT_*). */
int protocol_fail(int r, const Error *error);

/* Calls to libvirt can block forever. If this many seconds pass before the next call of this function (0
 * turns it off), the process reports that libvirt did not answer while doing this, and exits. */
void protocol_guard(unsigned seconds, const char *doing);

/* The exit status of that timeout is also sent to socket, as an answer (see helper/request.h); negative
 * turns this off. */
void protocol_guard_answers(int socket);

/* Sends descriptors, which stay ours, to the caller: where the answers of the service go, or to the socket
 * that a process has for that. -ENOTSOCK: somebody has run it by hand. */
int protocol_hand_over(const int *fds, unsigned n_fds);

/* The result of a run that failed with that error. Pure. */
Result protocol_result(ErrorCode code);

/* The exit status of the helper for that error. A missing network may appear later, so it is worth another
 * try. */
int protocol_exit_status(ErrorCode code);
