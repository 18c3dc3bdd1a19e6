/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "antispoof/protocol.h"

/* The interfaces that are held, in the kernel and in our records. */

/* From the return on the interface is held, whether it is there yet or not. */
int table_filter(const AntispoofFilter *filter, Error *ret_error);

/* Whether the tables are there and the kernel takes what is written to them. When one is gone they are made
 * again, with all that are held; ret_restored tells whether interfaces were open meanwhile. */
int table_check(bool *ret_restored, Error *ret_error);

/* Makes the tables anew with all that are held, because somebody has changed them. */
int table_restore(Error *ret_error);

/* Lets go of interfaces that are gone, and were not asked for again for TABLE_START_SEC: a start holds its
 * interfaces before it makes them, and may take that long. Returns how many are held still. */
#define TABLE_START_SEC 600
unsigned table_tidy(void);

/* Gives back the memory that the next change takes again. */
void table_rest(void);
