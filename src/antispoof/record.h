/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "antispoof/protocol.h"

/* The filters, in a file for each interface, so that the table can be made again when somebody has emptied
 * it. There is one from before an interface is filtered until it no longer is. */

/* Keeps records in that directory, which must exist; at most RECORDS_MAX of them. */
#define RECORDS_MAX 65536
int record_open(const char *directory, Error *ret_error);

/* Adds it, or notes that it is still needed. FAILED where the interface's name stands for another filter,
 * which is not touched then. LIMIT_EXCEEDED. */
int record_add(const AntispoofFilter *filter, Error *ret_error);

void record_remove(const AntispoofFilter *filter);

/* That of the interface; NULL: there is none. */
AntispoofFilter *record_find(const char *interface);

/* All of them. A file that is no record is left out. */
GPtrArray *record_list(void);

/* Whether it was last added longer ago than that many seconds. */
bool record_is_older(const AntispoofFilter *filter, unsigned sec);
