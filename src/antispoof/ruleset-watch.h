/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Whether somebody other than this program changes its tables in the packet filter, or those of libvirt's
 * that published ports depend on, as netfilter reports it. Called by main.c. */

typedef enum RulesetTables {
        RULESET_FILTERS = 1 << 0,   /* those that keep guests to their addresses */
        RULESET_PUBLISHED = 1 << 1, /* that of published ports, and where forward.h has a rule */
} RulesetTables;

typedef struct RulesetWatch {
        int fd;
        unsigned touched; /* RulesetTables: by the transaction that is being reported; whose it is comes at
                             its end */
} RulesetWatch;

#define RULESET_WATCH_INIT ((RulesetWatch){.fd = -1})

/* Listens. -EPERM and the like where the kernel does not allow it. */
int ruleset_watch_open(RulesetWatch *watch);

/* Reads what has come: which tables (RulesetTables) may have changed. */
unsigned ruleset_watch_hear(RulesetWatch *watch);

/* The same of one packet, pure; -EBADMSG where it is none of netlink's. */
int ruleset_watch_parse(RulesetWatch *watch, const void *data, size_t size, unsigned *changed);
