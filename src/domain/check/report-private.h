/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/check/report.h"

/* Shared by the files of report.c. */

/* report-process.c: the lines of report_statistics() for a guest that is a process. addresses: of each
 * network, or NULL. NOT_RUNNING. */
int report_process(const char *name, char *const *addresses, Error *ret_error);
