/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* The settings of a definition that name other units, called as in systemd.unit(5), and their values: the
 * names of unikernels, and full names of other units with their suffixes. Pure. */

typedef enum OrderKey {
        ORDER_REQUIRES,
        ORDER_WANTS,
        ORDER_BINDS_TO,
        ORDER_AFTER,
        ORDER_BEFORE,
        ORDER_CONFLICTS,
        ORDER_PART_OF,
        ORDER_UPHOLDS,
        ORDER_ON_FAILURE,
        _ORDER_KEY_MAX,
        _ORDER_KEY_INVALID = -EINVAL,
} OrderKey;

#define ORDER_NAMES_MAX 64 /* per key */

const char *order_key_to_string(OrderKey key); /* "Requires", … */
OrderKey order_key_from_string(const char *text);

/* Whether a name in a list is a unikernel's. */
bool order_name_is_unikernel(const char *name);

/* Whether a list (names, separated by one space; NULL: empty) contains name. */
bool order_list_has(const char *list, const char *name);
