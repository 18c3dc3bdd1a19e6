/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "domain/xml/network-xml.h"

/* The hosts on a network of ours, in two files that its dnsmasq reads:
 * /var/lib/shruthi-hosts/NETWORK/TOKEN/dhcp has a reservation for each address, dns its name. libvirt is not
 * used for this, because it would rebuild the whole firewall of the network for each reservation. Options in
 * the network's XML (network_xml_hosts_options()) name the files to dnsmasq, which reads them again when
 * told to, see attachment_reread().
 *
 * dnsmasq runs as a user that its or libvirt's packages choose, so the files are readable for all. TOKEN is
 * random, and the folders above the files cannot be listed: the hosts are visible only to users of libvirt's
 * read-only socket, which shows the XML with TOKEN, as it shows all DHCP leases. Only user shruthi writes
 * here, which has root's rights in libvirt anyway. Knows no libvirt. */

/* Returns the folder of a network, created if it does not exist. Free with g_free(). */
int hosts_make(const char *network, char **ret_path, Error *ret_error);

/* Returns the folder if it exists, otherwise NULL. */
char *hosts_find(const char *network);

/* Removes the folder with its contents. No error if it does not exist. */
int hosts_remove(const char *network, Error *ret_error);

/* These reserve the address and enter the name, or remove both. They write nothing if nothing changes. */
int hosts_enter(const char *path, const NetworkHost *host, Error *ret_error);
int hosts_leave(const char *path, const Address *address, Error *ret_error);

/* The addresses (Address) of a name. */
GArray *hosts_find_name(const char *path, const char *name);

/* Returns 1 if dnsmasq has not read a change yet, whoever made it; then nobody can change anything until
 * *ret_lock is closed. hosts_set_reread(), called before that, records that dnsmasq has read it. */
int hosts_need_reread(const char *path, int *ret_lock);
void hosts_set_reread(const char *path);
