/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#include "common/conf.h"
#include "domain/xml/network-xml.h"

/* The folder network/ owns what guests are attached to: addresses and their leases (addresses.h), networks
 * that SHRUTHI makes (networks.h) and who is on them (hosts.h), and what a guest may send from
 * (isolation.h). lifecycle/, check/ and service/ may call it.
 *
 * What a network device is attached to, as one thing: a libvirt network (also where only its bridge is
 * named) or a plain bridge, with its subnets, who is on it, and its DHCP server and DNS. Called by
 * addresses.c. */

typedef struct Attachment {
        virConnectPtr connection; /* not owned */
        char *key;                /* of its leases */
        char *bridge;             /* NULL: not known */
        Subnet subnet4, subnet6;  /* family AF_UNSPEC: none, or not known */
        virNetworkPtr network;    /* NULL: a plain bridge */
        NetworkInfo *info;        /* the same */
} Attachment;

/* That of the libvirt network of that name, or else of the bridge; for a bridge that is not libvirt's
 * the subnets are those of shruthi.conf's [Bridge NAME]. NO_SUCH_NETWORK, LIBVIRT_UNAVAILABLE. */
int attachment_find(virConnectPtr connection, const Conf *conf, const char *network, const char *bridge,
                Attachment **ret_attachment, Error *ret_error);

Attachment *attachment_free(Attachment *attachment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attachment, attachment_free)

/* Whether guests on it are attached to a bridge of Linux's: libvirt's networks may also be others' bridges,
 * or none. */
bool attachment_is_on_bridge(const Attachment *attachment);

/* What libvirt says of a network. */
int attachment_read_info(
                virConnectPtr connection, virNetworkPtr network, NetworkInfo **ret_info, Error *ret_error);

/* What the network's DHCP server has leased and still holds for somebody. */
typedef struct DhcpLease {
        Address address;
        char mac[18];    /* lower case */
        char *host_name; /* lower case; NULL: the client said none */
} DhcpLease;

/* Elements DhcpLease; none on a plain bridge. */
int attachment_read_leases(const Attachment *attachment, GArray **ret_leases, Error *ret_error);

/* Appends to seen (SeenAddress) who has an address there: DHCP leases and reservations, this host itself,
 * and the kernel's neighbours. Of a plain bridge nobody else can tell: there it is an error where the
 * neighbours cannot be asked; of a libvirt network it is a notice. */
int attachment_list_seen(const Attachment *attachment, GArray *seen, Error *ret_error);

/* attachment-hosts.c, which keeps DHCP and DNS in step with who has which address: in files of ours where
 * the network is one of ours (see hosts.h), through libvirt in all others.
 *
 * Makes the network's DHCP server give a host its address and its DNS server know it by its name, and nobody
 * else by that address. Nothing happens where it is so already, and on a plain bridge. */
int attachment_enter_host(const Attachment *attachment, const NetworkHost *host, Error *ret_error);

/* Takes out what attachment_enter_host() put in; the host's name is not needed. */
int attachment_remove_host(const Attachment *attachment, const Address *address, Error *ret_error);

/* Whether DHCP or DNS know the name as another machine's: one that has neither one of own (Address) nor mac,
 * with *ret_who for a message. Free with g_free(). */
bool attachment_name_is_anothers(const Attachment *attachment, const char *name, const char *mac,
                const GArray *own, char **ret_who);

/* Has the dnsmasq of a network of ours read again who is on it, where it does not know yet. */
int attachment_reread(const Attachment *attachment, Error *ret_error);

/* This host's name in networks of ours, NULL where it is no label. Free with g_free(). */
char *attachment_host_name(void);
