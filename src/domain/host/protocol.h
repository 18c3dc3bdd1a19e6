/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "helper/keys.h"
#include "unikernel/exit-parser.h"

/* What shruthi-domain says to the program that started it, in the lines that helper/keys.h lists. */

void protocol_emit(DomainKey key, const char *format, ...) __attribute__((format(printf, 2, 3)));
void protocol_emit_field(const char *kind, unsigned index, DomainField field, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* The lines of an error, and the exit status that belongs to it (RUNNER_EXIT_*). */
int protocol_fail(int r, const Error *error);

/* libvirt's calls can wait for ever. From now on, and until called again (0: no longer), the process reports
 * that libvirt did not answer while doing that and exits when so many seconds have passed. */
void protocol_guard(unsigned seconds, const char *doing);

/* The exit status of that end goes there too, as an answer (see helper/request.h); negative: no longer. */
void protocol_guard_answers(int socket);

/* Whose failure an error is. Pure. */
Result protocol_result(ErrorCode code);

/* What a helper ends with then. A network may still come, which is worth another try. */
int protocol_exit_status(ErrorCode code);
