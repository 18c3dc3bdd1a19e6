/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "antispoof/protocol.h"

/* Who is held, in a file for each interface, so that the table can be made again when somebody has emptied
 * it. There is one before an interface is held and until it no longer is. */

/* Records in that directory, which must be there, are kept; at most RECORDS_MAX of them. */
#define RECORDS_MAX 65536
int record_open(const char *directory, Error *ret_error);

/* Enters it, or notes that it is wanted still. FAILED where something else stands by the interface's name:
 * that is then not touched. LIMIT_EXCEEDED. */
int record_enter(const AntispoofFilter *filter, Error *ret_error);

void record_remove(const AntispoofFilter *filter);

/* All of them. A file that is no record is left out. */
GPtrArray *record_list(void);

/* Whether nobody asked for it in the last that many seconds. */
bool record_is_older(const AntispoofFilter *filter, unsigned sec);
