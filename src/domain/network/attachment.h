/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#include "common/conf.h"
#include "domain/xml/network-xml.h"

/* The folder network/ owns what guests are attached to: addresses and their leases (addresses.h), networks
 * that SHRUTHI creates (networks.h), the hosts on them (hosts.h), and the addresses that a guest may send
 * from (isolation.h). lifecycle/, check/ and service/ may call it.
 *
 * A network attachment: a libvirt network (also if only its bridge is named) or a plain bridge, with its
 * subnets, the hosts on it, and its DHCP server and DNS. Called by addresses.c. */

typedef struct Attachment {
        virConnectPtr connection; /* not owned */
        char *key;                /* key of its leases */
        char *bridge;             /* NULL if not known */
        Subnet subnet4, subnet6;  /* family AF_UNSPEC if none, or not known */
        virNetworkPtr network;    /* NULL for a plain bridge */
        NetworkInfo *info;        /* the same */
        bool kept;                /* for a batch: it is not the caller's */
        GArray *leases, *seen;    /* DhcpLease, SeenAddress: as read in a batch; NULL: not read yet */
} Attachment;

/* Finds the attachment for the libvirt network with that name, or otherwise the bridge; for a bridge that is
 * not libvirt's, the subnets come from [Bridge NAME] in shruthi.conf. Errors: NO_SUCH_NETWORK,
 * LIBVIRT_UNAVAILABLE. */
int attachment_find(virConnectPtr connection, const Conf *conf, const char *network, const char *bridge,
                Attachment **ret_attachment, Error *ret_error);

Attachment *attachment_free(Attachment *attachment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attachment, attachment_free)

/* Whether guests on it are attached to a Linux bridge: libvirt's networks may also use other switches, or
 * none. */
bool attachment_is_on_bridge(const Attachment *attachment);

/* Reads what libvirt says about a network. */
int attachment_read_info(
                virConnectPtr connection, virNetworkPtr network, NetworkInfo **ret_info, Error *ret_error);

/* A lease of the network's DHCP server that has not expired. */
typedef struct DhcpLease {
        Address address;
        char mac[18];    /* lower case */
        char *host_name; /* lower case; NULL if the client sent none */
} DhcpLease;

/* Returns elements DhcpLease; none on a plain bridge. */
int attachment_read_leases(Attachment *attachment, GArray **ret_leases, Error *ret_error);

/* Appends to seen (SeenAddress) the addresses in use there: DHCP leases and reservations, this host itself,
 * and the kernel's neighbours. If the neighbours cannot be read, that is an error for a plain bridge, which
 * has no other source; for a libvirt network it is a notice. */
int attachment_list_seen(Attachment *attachment, GArray *seen, Error *ret_error);

/* attachment-hosts.c keeps DHCP and DNS in step with the addresses of hosts: in files for networks of ours
 * (see hosts.h), through libvirt for all others.
 *
 * Makes the network's DHCP server give a host its address, and its DNS server resolve its name to that
 * address, and no other name to it. Does nothing if that is already so, or on a plain bridge. */
int attachment_enter_host(const Attachment *attachment, const NetworkHost *host, Error *ret_error);

/* Removes what attachment_enter_host() has entered; the host's name is not needed. */
int attachment_remove_host(const Attachment *attachment, const Address *address, Error *ret_error);

/* Whether the name belongs to another machine in DHCP or DNS: one that has neither an address of own
 * (Address) nor mac. *ret_who names it for a message; free with g_free(). */
bool attachment_name_is_anothers(Attachment *attachment, const char *name, const char *mac,
                const GArray *own, char **ret_who);

/* Makes the dnsmasq of a network of ours read its hosts again, if they have changed. */
int attachment_reread(const Attachment *attachment, Error *ret_error);

/* From now on, for many unikernels in a row, what is found of a network of ours is kept, and its dnsmasq is
 * told of changes at the end only. The end forgets it; if tell is false, dnsmasq is told with the next
 * change. */
void attachment_batch_begin(void);
int attachment_batch_end(bool tell, Error *ret_error);

/* Whether the network was found in this batch, so that it need not be looked after again. */
bool attachment_batch_has(const char *network);

/* This host's name in networks of ours; NULL if it is not a label. Free with g_free(). */
char *attachment_host_name(void);
