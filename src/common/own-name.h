/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* libvirt asks the resolver for the host's own name at each start of a domain (virGetHostname()). Where only
 * DNS knows it and DNS is silent, each start waits for that. */

#define OWN_NAME_FIX_FORMAT "apt install libnss-myhostname, or add '127.0.1.1 %s' to /etc/hosts"

/* Whether only DNS is asked about name, by the texts of hosts(5) and nsswitch.conf(5), NULL where there is
 * none. resolved: systemd-resolved is there, which knows it. Pure. */
bool own_name_needs_dns(const char *name, const char *hosts, const char *nsswitch, bool resolved);

/* The same of this host, with its name; free with g_free(). */
bool own_name_of_host_needs_dns(char **ret_name);
