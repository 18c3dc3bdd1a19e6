/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

/* IPv4 and IPv6 addresses with their prefix length, the subnets that contain them, and which addresses of a
 * subnet a guest may have. Pure. */

#define ADDRESS_SIZE_MAX 16
#define ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + 4) /* with "/128" and the final NUL */

typedef struct Address {
        int family;                      /* AF_INET, AF_INET6; AF_UNSPEC if none */
        unsigned prefix;                 /* length in bits */
        uint8_t bytes[ADDRESS_SIZE_MAX]; /* network order; IPv4 uses the first four, the rest are 0 */
} Address;

#define ADDRESS_NONE ((Address){.family = AF_UNSPEC})

static inline bool address_is_set(const Address *address)
{
        return address && address->family != AF_UNSPEC;
}

/* Parses "10.0.0.2" or "fd00::2", with prefix 32 or 128. -EINVAL for anything else, including leading zeros
 * and zones. */
int address_parse_ip(const char *text, Address *ret_address);

/* Parses "10.0.0.2/24", "fd00::2/64" or "[fd00::2]/64"; the prefix is required. INVALID_ARGS; the message
 * says what would be right. */
int address_parse(const char *text, Address *ret_address, Error *ret_error);

/* Formats an address in canonical form (RFC 5952), without and with the prefix. The same address always has
 * the same text. */
void address_format_ip(const Address *address, char ret[static ADDRESS_TEXT_MAX]);
void address_format(const Address *address, char ret[static ADDRESS_TEXT_MAX]);

/* Whether family and bytes are equal; the prefix does not count. */
bool address_equal(const Address *a, const Address *b);

/* The same address with all bits after its prefix zero, and with all of them one. */
Address address_first(const Address *address);
Address address_last(const Address *address);

/* fe80:: and the modified EUI-64 of a MAC address (RFC 4291, appendix A), as MirageOS makes it. */
Address address_link_local(const char *mac);

/* Whether the address is link-local: fe80::/10, 169.254.0.0/16. */
bool address_is_link_local(const Address *address);

/* Whether ip lies in the network of the address subnet. */
bool address_contains(const Address *subnet, const Address *ip);

/* Whether it is one of a host to itself: 127.0.0.0/8, ::1. */
bool address_is_loopback(const Address *address);

/* What an interface may have at all: not unspecified, loopback, multicast, broadcast or reserved. */
bool address_is_unicast(const Address *address);

/* What is known, for one family, about the network that a device is attached to. All fields but network may
 * be unset. */
typedef struct Subnet {
        Address network; /* all bits after the prefix are zero */
        Address gateway;
        Address dns;
        Address dynamic_first; /* the range that a DHCP server gives to anybody: "auto" uses it only when the
                                * rest is used up */
        Address dynamic_last;
} Subnet;

/* Parses "10.0.0.0/24". Refused if bits after the prefix are set; the message names the network that was
 * probably meant. */
int subnet_parse(const char *text, Subnet *ret_subnet, Error *ret_error);

/* Fills in the defaults of a network that we make: the first address as gateway and DNS server, and for DHCP
 * the first 65536 addresses that guests may have. libvirt lets dnsmasq serve as many addresses as that range
 * has, including those that are reserved for one guest. */
void subnet_set_defaults(Subnet *subnet);

/* Whether a guest may be given address in subnet: the address lies in the subnet and has the same prefix; it
 * is neither the network nor the broadcast address (RFC 3021: a /31 has neither), nor the subnet-router
 * anycast address (RFC 4291, 2.6.1), nor the gateway or DNS server. INVALID_ARGS with the reason. */
int subnet_check_host(const Subnet *subnet, const Address *address, Error *ret_error);

/* Iterates over the first 65536 addresses of a subnet and returns each that a guest may have, once. The
 * start depends on seed alone, so that the same name tends to get the same address; the dynamic range comes
 * last. */
typedef struct SubnetWalk {
        const Subnet *subnet;
        uint32_t start; /* offset from the network address */
        uint32_t size;
        uint32_t step; /* 0 to 2 × size: the second round is the dynamic range */
} SubnetWalk;

SubnetWalk subnet_walk(const Subnet *subnet, const char *seed);
bool subnet_walk_next(SubnetWalk *walk, Address *ret_address);

/* Address= of a network device: "auto", "none", at most one address of each family, or one address and
 * "auto" for the other family. */
typedef enum AddressMode {
        ADDRESS_MODE_NONE, /* left to the guest */
        ADDRESS_MODE_AUTO,
        ADDRESS_MODE_FIXED,
        _ADDRESS_MODE_MAX,
        _ADDRESS_MODE_INVALID = -EINVAL,
} AddressMode;

typedef struct AddressSetting {
        AddressMode mode4, mode6;
        Address fixed4, fixed6;
} AddressSetting;

int address_setting_parse(const char *text, AddressSetting *ret_setting, Error *ret_error);

/* An address that is in use on a network, and how that is known. */
typedef enum SeenBy {
        SEEN_BY_NEIGHBOUR, /* in the kernel's neighbour table */
        SEEN_BY_HOST,      /* one of this host's own addresses */
        SEEN_BY_ROUTE,     /* a gateway of this host */
        SEEN_BY_DHCP,      /* reserved by the network's DHCP server */
        SEEN_BY_LEASE,     /* leased by that server: nobody else gets it before the lease ends */
        _SEEN_BY_MAX,
        _SEEN_BY_INVALID = -EINVAL,
} SeenBy;

typedef struct SeenAddress {
        Address address;
        SeenBy by;
        char mac[18]; /* of its holder, lower case; "" if not known */
} SeenAddress;

const char *seen_by_to_string(SeenBy by); /* in words, for "is in use: …" */
