/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether somebody other than this program changes its tables in the packet filter, as netfilter reports it.
 * Called by main.c. */

typedef struct RulesWatch {
        int fd;
        bool touched; /* by the transaction that is being reported; whose it is comes at its end */
} RulesWatch;

#define RULES_WATCH_INIT ((RulesWatch){.fd = -1})

/* Listens. -EPERM and the like where the kernel does not allow it. */
int rules_watch_open(RulesWatch *watch);

/* Reads what has come: whether our tables may have changed. */
bool rules_watch_hear(RulesWatch *watch);

/* The same of one packet, pure; -EBADMSG where it is none of netlink's. */
int rules_watch_parse(RulesWatch *watch, const void *data, size_t size, bool *changed);
