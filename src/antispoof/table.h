/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "antispoof/protocol.h"

/* The filters of guests' interfaces, in the kernel and in our records. */

/* When it returns, the interface is filtered, whether it is there yet or not. */
int table_add_filter(const AntispoofFilter *filter, Error *ret_error);

/* Whether the tables are there and the kernel takes what is written to them. When one is gone they are made
 * again, with all filters; ret_restored tells whether interfaces were not filtered meanwhile. */
int table_check(bool *ret_restored, Error *ret_error);

/* Makes the tables anew with all filters, because somebody has changed them. */
int table_restore(Error *ret_error);

/* Removes the filters of interfaces that are gone, and were not added again for TABLE_START_SEC: a start
 * filters its interfaces before it makes them, and may take that long. Returns how many there still are. */
#define TABLE_START_SEC 600
unsigned table_tidy(void);

/* Frees the memory that the next change takes again. */
void table_free_memory(void);
