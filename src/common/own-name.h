/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* libvirt asks the resolver for the host's own name at each start of a domain (virGetHostname()). If only
 * DNS knows that name and DNS does not answer, each start waits for it. */

#define OWN_NAME_FIX_FORMAT "apt install libnss-myhostname, or add '127.0.1.1 %s' to /etc/hosts"

/* Whether only DNS can resolve name, according to the texts of hosts(5) and nsswitch.conf(5), NULL if there
 * is none. resolved: systemd-resolved runs, which knows the name. Pure. */
bool own_name_needs_dns(const char *name, const char *hosts, const char *nsswitch, bool resolved);

/* The same for this host; ret_name is its name, to be freed with g_free(). */
bool own_name_of_host_needs_dns(char **ret_name);
