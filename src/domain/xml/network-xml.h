/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/address.h"
#include "common/error.h"
#include "unikernel/network.h"

/* The parts of libvirt's network XML that concern addresses (https://libvirt.org/formatnetwork.html). Pure;
 * knows no libvirt. */

/* A unikernel that always gets the same address by DHCP, and whose name DNS resolves. */
typedef struct NetworkHost {
        const char *name; /* NULL if it has none on this network */
        const char *mac;
        Address address;
} NetworkHost;

/* Checks that all values may be written to a file of dnsmasq or to XML. Errors: INVALID_NAME,
 * INVALID_ARGS. */
int network_host_check(const NetworkHost *host, Error *ret_error);

/* The name for a reservation of dnsmasq; NULL if the word has another meaning there: the lease time ("10m",
 * "7", "infinite"), or that there is no lease ("ignore"). See dhcp-host in dnsmasq(8). */
const char *network_host_dhcp_name(const NetworkHost *host);

/* The <host> of one host for virNetworkUpdate(): for VIR_NETWORK_SECTION_IP_DHCP_HOST, and for
 * VIR_NETWORK_SECTION_DNS_HOST (which DNS needs for a guest that never uses DHCP). DHCP for IPv6 does not
 * use MAC addresses: there a client is recognized by the name that it sends. Free with g_free(). */
int network_xml_format_dhcp_host(const NetworkHost *host, char **ret_xml, Error *ret_error);
int network_xml_format_dns_host(const NetworkHost *host, char **ret_xml, Error *ret_error);

/* The same for the host itself in a network of ours: with NETWORK_GATEWAY_NAME if it leads out, and with its
 * own name if that is a label (otherwise NULL). */
#define NETWORK_GATEWAY_NAME "gateway"
char *network_xml_format_own_host(const Address *address, NetworkMode mode, const char *host_name);

/* The hosts of a network of ours are in two files below paths_hosts()/NETWORK/TOKEN (network/hosts.h), which
 * the XML names in two options of dnsmasq: dhcp-hostsfile and addn-hosts of dnsmasq(8). The first function
 * returns both options for that folder, terminated by NULL; the second the folder of such an option, or NULL
 * if it is not one of that network. Free with g_strfreev() and g_free(). */
#define NETWORK_HOSTS_TOKEN_LENGTH 32
bool network_hosts_token_is_valid(const char *text);
char **network_xml_hosts_options(const char *path);
char *network_xml_parse_hosts_option(const char *network, const char *option);

/* For writing such XML: appends formatted text in which each argument is escaped. */
void network_xml_append(GString *xml, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What virNetworkGetXMLDesc() says about any network. */
typedef struct NetworkInfo {
        char *name, *uuid;
        char *bridge;            /* NULL if none (macvtap and the like) */
        NetworkMode mode;        /* _NETWORK_MODE_INVALID for other modes of libvirt */
        Subnet subnet4, subnet6; /* the first of each family, AF_UNSPEC if none; its address is gateway and
                                  * DNS server, except that an isolated network has no gateway, and DNS may
                                  * be off */
        int index4, index6;      /* the index of their <ip>, from 0, for virNetworkUpdate() */
        GArray *reserved;        /* SeenAddress with SEEN_BY_DHCP: all <host> of DHCP */
        GPtrArray *host_names;   /* char *, "NAME=IP": all <host> of DNS */
        GPtrArray *dhcp_names;   /* the same for DHCP; in DNS once the host uses DHCP */
        char *hosts_path; /* of its dnsmasq's files of hosts (network/hosts.h); NULL if it has none */
        bool isolated;           /* guests on it do not hear each other (<port isolated='yes'/>) */
        bool ours;               /* has our metadata, for the same name */
        uid_t owner;             /* from the metadata */
} NetworkInfo;

void network_info_free(NetworkInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkInfo, network_info_free)

/* Returns -EBADMSG (FAILED) if it is not the XML of a network. Ignores parts that it does not understand. */
int network_xml_parse(const char *xml, NetworkInfo **ret_info, Error *ret_error);

/* Whether a domain (XML from virDomainGetXMLDesc()) has an interface on the network, by its name or its
 * bridge (NULL if not known). */
bool domain_xml_is_on_network(const char *xml, const char *network, const char *bridge);

/* Where an interface of a running domain is attached. */
typedef struct DomainPort {
        char *interface; /* the host's side; NULL if not known */
        char *mac;       /* of the guest, lower case; NULL if not known */
        char *network;   /* of libvirt; NULL if the interface names a bridge */
        char *bridge;    /* named by it; both NULL if it is on no Linux bridge */
        bool isolated;
} DomainPort;

/* The ports of all its interfaces, in order: elements DomainPort, freed with the array. The second makes an
 * empty one. */
GPtrArray *domain_xml_ports(const char *xml);
GPtrArray *domain_ports_new(void);
