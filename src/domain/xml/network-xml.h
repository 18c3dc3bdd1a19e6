/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/address.h"
#include "common/error.h"
#include "unikernel/network.h"

/* Networks as libvirt writes them (https://libvirt.org/formatnetwork.html): what of them concerns addresses.
 * Pure; knows no libvirt. */

/* A unikernel that gets the same address by DHCP and is found by its name. */
typedef struct NetworkHost {
        const char *name; /* NULL: it has none there */
        const char *mac;
        Address address;
} NetworkHost;

/* Whether all of it may stand in a file of dnsmasq's or in XML: INVALID_NAME, INVALID_ARGS. */
int network_host_check(const NetworkHost *host, Error *ret_error);

/* The name as a reservation of dnsmasq's may have it; NULL where the word means something else there: how
 * long a lease is ("10m", "7", "infinite"), or that there is none ("ignore"). See dhcp-host of
 * dnsmasq(8). */
const char *network_host_dhcp_name(const NetworkHost *host);

/* One host for virNetworkUpdate(): <host> of VIR_NETWORK_SECTION_IP_DHCP_HOST, and of
 * VIR_NETWORK_SECTION_DNS_HOST (which is what makes a guest known that never asks by DHCP). IPv6 knows no
 * MAC addresses: there the DHCP client is recognised by the name that it sends. Free with g_free(). */
int network_xml_format_dhcp_host(const NetworkHost *host, char **ret_xml, Error *ret_error);
int network_xml_format_dns_host(const NetworkHost *host, char **ret_xml, Error *ret_error);

/* The same of the host itself in a network of ours: by NETWORK_GATEWAY_NAME where it leads out, and by its
 * own name, where that is a label (NULL: it is none). */
#define NETWORK_GATEWAY_NAME "gateway"
char *network_xml_format_own_host(const Address *address, NetworkMode mode, const char *host_name);

/* Who is on a network of ours is in two files below paths_hosts()/NETWORK/TOKEN (network/hosts.h), which are
 * options of dnsmasq's in its XML: dhcp-hostsfile and addn-hosts of dnsmasq(8). The values of both for that
 * folder, ended by NULL; and the folder that such a value is about, NULL where it is no value of the
 * network's. Free with g_strfreev() and g_free(). */
#define NETWORK_HOSTS_TOKEN_LENGTH 32
bool network_hosts_token_is_valid(const char *text);
char **network_xml_hosts_options(const char *path);
char *network_xml_parse_hosts_option(const char *network, const char *option);

/* For what writes such XML: appends text in which each argument is escaped. */
void network_xml_append(GString *xml, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What virNetworkGetXMLDesc() says of any network. */
typedef struct NetworkInfo {
        char *name, *uuid;
        char *bridge;            /* NULL: none (macvtap and the like) */
        NetworkMode mode;        /* _NETWORK_MODE_INVALID: another of libvirt's */
        Subnet subnet4, subnet6; /* family AF_UNSPEC: none. The first of each family; its address is gateway
                                  * and DNS server, but no gateway where the network is isolated, no DNS
                                  * server where it is turned off */
        int index4, index6;      /* which of its <ip> these are, from 0: what virNetworkUpdate() wants */
        GArray *reserved;        /* SeenAddress, by SEEN_BY_DHCP: all <host> of DHCP */
        GPtrArray *host_names;   /* char *, "NAME=IP": all <host> of DNS */
        GPtrArray *dhcp_names;   /* the same of DHCP, whose name DNS has once it asks */
        char *hosts_path; /* where its dnsmasq reads who is on it (network/hosts.h); NULL: libvirt is told */
        bool ours;               /* has our metadata for this very name */
        uid_t owner;             /* as of the metadata */
} NetworkInfo;

void network_info_free(NetworkInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkInfo, network_info_free)

/* -EBADMSG (FAILED) where it is no network's XML. What cannot be understood in it is left out. */
int network_xml_parse(const char *xml, NetworkInfo **ret_info, Error *ret_error);

/* Whether a domain, by virDomainGetXMLDesc(), has an interface on the network, by its name or its bridge
 * (NULL: not known). */
bool domain_xml_is_on_network(const char *xml, const char *network, const char *bridge);

/* Where an interface of a domain that runs is attached. */
typedef struct DomainPort {
        char *interface; /* the host's side; NULL: not known */
        char *mac;       /* the guest's, lower case; NULL: not known */
        char *network;   /* libvirt's; NULL: it names its bridge */
        char *bridge;    /* that it names; both NULL: it is on no bridge of Linux's */
        bool isolated;
} DomainPort;

/* Of all its interfaces, in their order: elements DomainPort, freed with the array. */
GPtrArray *domain_xml_ports(const char *xml);
