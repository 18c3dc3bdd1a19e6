/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether somebody else than this program changes its tables in the packet filter, which netfilter tells as
 * it happens. Called by main.c. */

typedef struct RulesWatch {
        int fd;
        bool touched; /* by the transaction that is being told of; who it is by is told at its end */
} RulesWatch;

#define RULES_WATCH_INIT ((RulesWatch){.fd = -1})

/* Listens. -EPERM and the like where that is not to be had. */
int rules_watch_open(RulesWatch *watch);

/* Takes in what there is to hear: whether our tables may have changed. */
bool rules_watch_hear(RulesWatch *watch);

/* The same of one packet, pure; -EBADMSG where it is none of netlink's. */
int rules_watch_parse(RulesWatch *watch, const void *data, size_t size, bool *changed);
