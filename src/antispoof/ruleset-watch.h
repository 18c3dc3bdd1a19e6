/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether somebody other than this program changes its tables in the packet filter, as netfilter reports it.
 * Called by main.c. */

typedef struct RulesetWatch {
        int fd;
        bool touched; /* by the transaction that is being reported; whose it is comes at its end */
} RulesetWatch;

#define RULESET_WATCH_INIT ((RulesetWatch){.fd = -1})

/* Listens. -EPERM and the like where the kernel does not allow it. */
int ruleset_watch_open(RulesetWatch *watch);

/* Reads what has come: whether our tables may have changed. */
bool ruleset_watch_hear(RulesetWatch *watch);

/* The same of one packet, pure; -EBADMSG where it is none of netlink's. */
int ruleset_watch_parse(RulesetWatch *watch, const void *data, size_t size, bool *changed);
