/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

/* IPv4 and IPv6 addresses with their prefix length, the subnets that they lie in, and which of a subnet's
 * addresses a guest may have. Pure. */

#define ADDRESS_SIZE_MAX 16
#define ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + 4) /* with "/128" and the final NUL */

typedef struct Address {
        int family;                      /* AF_INET, AF_INET6; AF_UNSPEC: none */
        unsigned prefix;                 /* length in bits */
        uint8_t bytes[ADDRESS_SIZE_MAX]; /* network order; of IPv4 the first four, the rest 0 */
} Address;

#define ADDRESS_NONE ((Address){.family = AF_UNSPEC})

static inline bool address_is_set(const Address *address)
{
        return address && address->family != AF_UNSPEC;
}

/* "10.0.0.2" or "fd00::2": prefix 32 or 128. -EINVAL for all else, also leading zeros and zones. */
int address_parse_ip(const char *text, Address *ret_address);

/* "10.0.0.2/24", "fd00::2/64" or "[fd00::2]/64"; the prefix must be there. INVALID_ARGS with what would be
 * right. */
int address_parse(const char *text, Address *ret_address, Error *ret_error);

/* In canonical form (RFC 5952), without and with the prefix; the same address always has the same text. */
void address_format_ip(const Address *address, char ret[static ADDRESS_TEXT_MAX]);
void address_format(const Address *address, char ret[static ADDRESS_TEXT_MAX]);

/* Same family and bytes, whatever the prefix. */
bool address_equal(const Address *a, const Address *b);

/* The same address with all bits behind its prefix zero, and with all of them one. */
Address address_first(const Address *address);
Address address_last(const Address *address);

/* fe80:: and the modified EUI-64 of a MAC address (RFC 4291, appendix A), which is what MirageOS makes. */
Address address_link_local(const char *mac);

/* Whether it is one of its link alone: fe80::/10, 169.254.0.0/16. */
bool address_is_link_local(const Address *address);

/* Whether ip lies in the network of the address subnet. */
bool address_contains(const Address *subnet, const Address *ip);

/* Whether it is one of a host to itself: 127.0.0.0/8, ::1. */
bool address_is_loopback(const Address *address);

/* What an interface may have at all: not unspecified, loopback, multicast, broadcast or reserved. */
bool address_is_unicast(const Address *address);

/* What is known about the network that a device is attached to, for one family. Each but network may be
 * none. */
typedef struct Subnet {
        Address network; /* all bits behind the prefix are zero */
        Address gateway;
        Address dns;
        Address dynamic_first; /* what a DHCP server gives to anybody: taken by "auto" only when the rest is
                                  used up */
        Address dynamic_last;
} Subnet;

/* "10.0.0.0/24": refused when bits behind the prefix are set, with the network that was probably meant. */
int subnet_parse(const char *text, Subnet *ret_subnet, Error *ret_error);

/* Fills in what a network that we make gets: the first address as gateway and DNS server, and for DHCP the
 * the first 65536 addresses that guests may have: libvirt lets dnsmasq serve as many as that range has,
 * those included that are reserved for one guest. */
void subnet_set_defaults(Subnet *subnet);

/* Whether a guest may be given address in subnet: it lies there with the same prefix, is neither network nor
 * broadcast address (RFC 3021: a /31 has neither), nor the subnet-router anycast address (RFC 4291, 2.6.1),
 * nor gateway or DNS server. INVALID_ARGS with the reason. */
int subnet_check_host(const Subnet *subnet, const Address *address, Error *ret_error);

/* All addresses of a subnet that a guest may have, each once, among the first 65536. It begins at a place
 * that depends on seed alone, so that the same name tends to get the same address; the dynamic range comes
 * last. */
typedef struct SubnetWalk {
        const Subnet *subnet;
        uint32_t start; /* offset from the network address */
        uint32_t size;
        uint32_t step; /* 0 to 2 × size: the second round is the dynamic range */
} SubnetWalk;

SubnetWalk subnet_walk(const Subnet *subnet, const char *seed);
bool subnet_walk_next(SubnetWalk *walk, Address *ret_address);

/* Address= of a network device: "auto", "none", one address of each family at most, or one address and
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

/* An address that something on a network already has, and how that is known. */
typedef enum SeenBy {
        SEEN_BY_NEIGHBOUR, /* in the kernel's neighbour table */
        SEEN_BY_HOST,      /* one of this host's own */
        SEEN_BY_ROUTE,     /* what this host sends to others through */
        SEEN_BY_DHCP,      /* reserved by the network's DHCP server */
        SEEN_BY_LEASE,     /* leased by it: nobody else gets it before the lease ends */
        _SEEN_BY_MAX,
        _SEEN_BY_INVALID = -EINVAL,
} SeenBy;

typedef struct SeenAddress {
        Address address;
        SeenBy by;
        char mac[18]; /* who has it, lower case; "" not known */
} SeenAddress;

const char *seen_by_to_string(SeenBy by); /* in words, for "is in use: …" */
