/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "fence/protocol.h"

/* The interfaces that are held, in the kernel and in our records. */

/* From the return on the interface is held, whether it is there yet or not. */
int table_hold(const FenceHold *hold, Error *ret_error);

/* Whether the tables are there and the kernel takes what is written to them. When one is gone they are made
 * again, with all that are held; ret_restored tells whether interfaces were open meanwhile. */
int table_check(bool *ret_restored, Error *ret_error);

/* Lets go of interfaces that are gone: nobody says so when a guest ends, and a hold of what is not there
 * does no harm. */
void table_tidy(void);
