/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "unikernel/verdict.h"

/* What shruthi-domain says to the program that started it: lines KEY=VALUE on standard output, one line each
 * whatever is in them. A sentence of several lines is "error=" with its first and "detail=" with each of the
 * others. */

/* From now on there is nobody to read such lines but the journal: only sentences about what went wrong come
 * out. */
void protocol_use_words(void);

void protocol_emit(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "result=", "error-name=", "error=", and the exit status that belongs to it (RUNNER_EXIT_*). */
int protocol_fail(int r, const Error *error);

/* libvirt's calls can wait for ever. From now on, and until called again (0: no longer), the process reports
 * that libvirt did not answer while doing that and exits when so many seconds have passed. */
void protocol_guard(unsigned seconds, const char *doing);

/* Whose failure an error is. Pure. */
Result protocol_result(ErrorCode code);
