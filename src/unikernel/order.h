/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "unikernel/definition.h"
#include "unikernel/order-key.h"

/* What definitions say about other units: the names in their lists, and loops among unikernels. A name is a
 * unikernel's, or the full name of another unit with its suffix. Pure. */

/* The unit that a name stands for. Free with g_free(). */
char *order_name_unit(const char *name);

/* The names of one key; empty if there are none. */
char **order_names(const Definition *definition, OrderKey key);

/* Whether any of these keys is set. */
bool order_is_any(const Definition *definition);

/* What others need to know about a unikernel's order, even after its definition is gone. */
typedef struct OrderNode {
        char *name;
        uid_t owner;
        gid_t group;
        char *lists[_ORDER_KEY_MAX];
} OrderNode;

OrderNode *order_node_new(const Definition *definition);
void order_node_free(OrderNode *node);
DEFINE_DESTROY(order_node)

/* The message about a loop; "%s" is the loop. */
#define ORDER_LOOP_MESSAGE "After= and Before= make a loop, each to start after the next: %s"

/* A loop of After= and Before= among nodes (OrderNode), as "a → b → a" where each starts after the next;
 * with from, a loop through that unikernel. NULL if there is none. Free with g_free(). */
char *order_find_loop(const GPtrArray *nodes, const char *from);
