/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#include "common/conf.h"
#include "domain/network-xml.h"

/* What a network device is attached to, as one thing: a libvirt network (also where only its bridge is
 * named) or a plain bridge, with its subnets, who is on it, and its DHCP server and DNS. Called by
 * addresses.c. */

typedef struct Segment {
        virConnectPtr connection; /* not owned */
        char *key;               /* of its leases */
        char *bridge;            /* NULL: not known */
        Subnet subnet4, subnet6; /* family AF_UNSPEC: none, or not known */
        virNetworkPtr network;   /* NULL: a plain bridge */
        NetworkInfo *info;       /* the same */
} Segment;

/* The segment of the libvirt network of that name, or else of the bridge; for a bridge that is not libvirt's
 * the subnets are those of shruthi.conf's [Bridge NAME]. NO_SUCH_NETWORK, LIBVIRT_UNAVAILABLE. */
int segment_find(virConnectPtr connection, const Conf *conf, const char *network, const char *bridge,
                Segment **ret_segment, Error *ret_error);

Segment *segment_free(Segment *segment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Segment, segment_free)

/* Whether guests on it are attached to a bridge of Linux's: libvirt's networks may also be others' bridges,
 * or none. */
bool segment_is_on_bridge(const Segment *segment);

/* What libvirt says of a network. */
int segment_read_info(
                virConnectPtr connection, virNetworkPtr network, NetworkInfo **ret_info, Error *ret_error);

/* Appends to seen (SeenAddress) who has an address there: DHCP leases and reservations, this host itself,
 * and the kernel's neighbours. Of a plain bridge nobody else can tell: there it is an error where the
 * neighbours cannot be asked; of a libvirt network it is a notice. */
int segment_look(const Segment *segment, GArray *seen, Error *ret_error);

/* Makes the network's DHCP server give a host its address and its DNS server know it by its name, and nobody
 * else by that address. Nothing happens where it is so already, and on a plain bridge. */
int segment_enter_host(const Segment *segment, const NetworkHost *host, Error *ret_error);

/* Takes out what segment_enter_host() put in; the host's name is not needed. */
int segment_remove_host(const Segment *segment, const Address *address, Error *ret_error);
