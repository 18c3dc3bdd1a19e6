/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "domain/xml/network-xml.h"

/* Who is on a network of ours, as two files that its dnsmasq reads:
 * /var/lib/shruthi-hosts/NETWORK/TOKEN/dhcp has a reservation for each address, dns the name of each.
 * libvirt is not asked for that: it would make the whole firewall of the network anew for each
 * reservation. The files are options of dnsmasq's in the network's XML (network_xml_hosts_options()), which
 * reads them again when it is told to, see attachment_reread().
 *
 * dnsmasq runs as a user that its or libvirt's packages choose, so the files are readable for all. TOKEN is
 * random, and the folders above the files cannot be listed: who is where is told to nobody but those to whom
 * libvirt tells it, whose socket for reading shows the XML with TOKEN in it, as it shows all leases of DHCP.
 * Only user shruthi writes here, who is as good as root to libvirt anyway. Knows no libvirt. */

/* The folder of a network, made where it is not there yet. Free with g_free(). */
int hosts_make(const char *network, char **ret_path, Error *ret_error);

/* The same where it is there, else NULL. */
char *hosts_find(const char *network);

/* Removes it with all that is in it. That there is none is no error. */
int hosts_remove(const char *network, Error *ret_error);

/* Reserves the address and enters the name; takes both out. What is so already is left alone. */
int hosts_enter(const char *path, const NetworkHost *host, Error *ret_error);
int hosts_leave(const char *path, const Address *address, Error *ret_error);

/* The addresses (Address) that a name stands for. */
GArray *hosts_find_name(const char *path, const char *name);

/* Whether dnsmasq has yet to read a change, whoever made it: then 1, and nobody changes anything until the
 * descriptor is closed. hosts_set_reread(), called before that, records that dnsmasq has read it. */
int hosts_need_reread(const char *path, int *ret_lock);
void hosts_set_reread(const char *path);
