/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses and subnets: text, arithmetic, and the choice of a guest's address. Called by the definition's
 * parser, the leases, the networks and the placeholders. */

#include "common/address.h"
#include "common/string-util.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>


/* Of a larger subnet only the first 2^16 addresses are given out automatically: more than a bridge can
 * carry, short to read in IPv6, and what libvirt accepts as one DHCP range. */
#define WALK_BITS 16

static const char *const seen_by_table[_SEEN_BY_MAX] = {
                [SEEN_BY_NEIGHBOUR] = "the kernel's neighbour table knows it",
                [SEEN_BY_HOST] = "it is this host's own",
                [SEEN_BY_ROUTE] = "it is a gateway of this host",
                [SEEN_BY_DHCP] = "the network's DHCP server has reserved it",
                [SEEN_BY_LEASE] = "the network's DHCP server has leased it",
};

const char *seen_by_to_string(SeenBy by)
{
        return (int) by >= 0 && by < _SEEN_BY_MAX ? seen_by_table[by] : NULL;
}

static unsigned family_bits(int family)
{
        return family == AF_INET ? 32 : 128;
}

int address_parse_ip(const char *text, Address *ret_address)
{
        Address address = {.family = text && strchr(text, ':') ? AF_INET6 : AF_INET};

        if (!text || inet_pton(address.family, text, address.bytes) != 1)
                return -EINVAL;

        address.prefix = family_bits(address.family);
        *ret_address = address;
        return 0;
}

/* One to three digits without a leading zero. */
static int parse_prefix(const char *text, unsigned max, unsigned *ret)
{
        guint64 value;

        if (!g_ascii_isdigit(text[0]) || (text[0] == '0' && text[1]) ||
                        !g_ascii_string_to_unsigned(text, 10, 0, max, &value, NULL))
                return -EINVAL;

        *ret = (unsigned) value;
        return 0;
}

int address_parse(const char *text, Address *ret_address, Error *ret_error)
{
        g_autofree char *shown = text_for_display(text, 60), *ip = NULL;
        const char *slash = strchr(text, '/');
        size_t length = slash ? (size_t) (slash - text) : strlen(text);
        bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
        Address address;

        ip = brackets ? g_strndup(text + 1, length - 2) : g_strndup(text, length);
        if (address_parse_ip(ip, &address) < 0 || (brackets && address.family != AF_INET6))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' is not an IP address; write one such as 10.0.0.2/24 or fd00::2/64",
                                shown);
        if (!slash)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' has no prefix length: write %s/%d with the prefix length of its "
                                "network",
                                shown, ip, address.family == AF_INET ? 24 : 64);
        if (parse_prefix(slash + 1, family_bits(address.family), &address.prefix) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' has no valid prefix length: write a number from 0 to %u after the '/'",
                                shown, family_bits(address.family));

        *ret_address = address;
        return 0;
}

void address_format_ip(const Address *address, char ret[static ADDRESS_TEXT_MAX])
{
        if (!address_is_set(address) || !inet_ntop(address->family, address->bytes, ret, ADDRESS_TEXT_MAX))
                ret[0] = 0;
}

void address_format(const Address *address, char ret[static ADDRESS_TEXT_MAX])
{
        address_format_ip(address, ret);
        if (ret[0]) {
                size_t length = strlen(ret);

                g_snprintf(ret + length, ADDRESS_TEXT_MAX - length, "/%u", address->prefix);
        }
}

bool address_equal(const Address *a, const Address *b)
{
        return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Sets all bits after the prefix to zero or to one. */
static Address address_with_host_bits(const Address *address, bool one)
{
        Address result = *address;
        unsigned bits = family_bits(address->family);

        for (unsigned i = address->prefix; i < bits; i++) {
                uint8_t bit = (uint8_t) (0x80 >> (i % 8));

                if (one)
                        result.bytes[i / 8] |= bit;
                else
                        result.bytes[i / 8] &= (uint8_t) ~bit;
        }

        return result;
}

Address address_first(const Address *address)
{
        return address_with_host_bits(address, false);
}

Address address_last(const Address *address)
{
        return address_with_host_bits(address, true);
}

bool address_contains(const Address *subnet, const Address *ip)
{
        Address here = address_first(subnet), there = *ip;

        if (subnet->family != ip->family || subnet->family == AF_UNSPEC)
                return false;

        there.prefix = subnet->prefix;
        there = address_first(&there);
        return address_equal(&here, &there);
}

bool address_is_loopback(const Address *address)
{
        static const uint8_t loopback6[ADDRESS_SIZE_MAX] = {[15] = 1};

        return address->family == AF_INET
                               ? address->bytes[0] == 127
                               : address->family == AF_INET6 &&
                                                 memcmp(address->bytes, loopback6, sizeof loopback6) == 0;
}

/* IANA's special-purpose registries: what no interface on a bridge can be reached by. */
bool address_is_unicast(const Address *address)
{
        const uint8_t *b = address->bytes;

        if (address->family == AF_INET)
                return b[0] != 0 && b[0] != 127 && b[0] < 224;
        if (address->family == AF_INET6) {
                struct in6_addr in6;

                memcpy(&in6, b, sizeof in6);
                return !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) &&
                       !IN6_IS_ADDR_MULTICAST(&in6) && !IN6_IS_ADDR_V4MAPPED(&in6);
        }

        return false;
}

int subnet_parse(const char *text, Subnet *ret_subnet, Error *ret_error)
{
        char meant[ADDRESS_TEXT_MAX];
        Address address, first;
        int r;

        r = address_parse(text, &address, ret_error);
        if (r < 0)
                return r;

        first = address_first(&address);
        address_format(&first, meant);
        if (!address_equal(&first, &address))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' is an address in network %s, not a network: write %s", text, meant,
                                meant);
        if (address.prefix == 0 || !address_is_unicast(&first))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s is not a network for hosts: choose a private one such as 10.0.0.0/24 or "
                                "fd00:1::/64",
                                meant);

        *ret_subnet = (Subnet){.network = first};
        return 0;
}

/* The number of addresses of the subnet that may be given out. */
static uint32_t subnet_size(const Subnet *subnet)
{
        unsigned host_bits = family_bits(subnet->network.family) - subnet->network.prefix;

        return UINT32_C(1) << MIN(host_bits, (unsigned) WALK_BITS);
}

/* offset is less than subnet_size(), so that it changes only bits after the prefix. */
static Address subnet_at(const Subnet *subnet, uint32_t offset)
{
        Address address = subnet->network;
        unsigned end = family_bits(address.family) / 8;

        address.bytes[end - 1] |= (uint8_t) offset;
        address.bytes[end - 2] |= (uint8_t) (offset >> 8);
        return address;
}

void subnet_set_defaults(Subnet *subnet)
{
        uint32_t size = subnet_size(subnet);
        bool small = size < 4, v4 = subnet->network.family == AF_INET, reaches_end;

        subnet->gateway = subnet->dns = subnet_at(subnet, small ? 0 : 1);
        subnet->dynamic_first = subnet->dynamic_last = ADDRESS_NONE;
        if (small)
                return;

        /* The last address of the subnet is IPv4's broadcast address, if the first 65536 reach that far. */
        subnet->dynamic_first = subnet_at(subnet, 2);
        reaches_end = v4 && subnet->network.prefix >= 32 - WALK_BITS;
        subnet->dynamic_last = subnet_at(subnet, size - (reaches_end ? 2 : 1));
}

int subnet_check_host(const Subnet *subnet, const Address *address, Error *ret_error)
{
        Address last = address_last(&subnet->network);
        char ip[ADDRESS_TEXT_MAX], network[ADDRESS_TEXT_MAX];
        bool v4 = address->family == AF_INET;
        const char *what = NULL;

        address_format(address, ip);
        address_format(&subnet->network, network);
        if (!address_contains(&subnet->network, address))
                return error_set(ret_error, ERROR_INVALID_ARGS, "%s is not in network %s", ip, network);
        if (address->prefix != subnet->network.prefix)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s does not have the prefix length of its network %s: write /%u", ip,
                                network, subnet->network.prefix);

        if (!address_is_unicast(address))
                what = "not an address that a host can have";
        else if (address_equal(address, &subnet->network) &&
                        address->prefix + 1 < family_bits(address->family))
                what = v4 ? "the address of the network itself"
                          : "the address of all routers of the network";
        else if (v4 && address_equal(address, &last) && address->prefix < 31)
                what = "the broadcast address of the network";
        else if (address_equal(address, &subnet->gateway))
                what = "the address of the gateway";
        else if (address_equal(address, &subnet->dns))
                what = "the address of the DNS server";
        if (what)
                return error_set(ret_error, ERROR_INVALID_ARGS, "%s is %s: choose another address of %s", ip,
                                what, network);

        return 0;
}

SubnetWalk subnet_walk(const Subnet *subnet, const char *seed)
{
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        uint32_t size = subnet_size(subnet), hash;
        uint8_t digest[32];
        gsize length = sizeof digest;

        g_checksum_update(checksum, (const guchar *) seed, (gssize) strlen(seed));
        g_checksum_get_digest(checksum, digest, &length);
        hash = (uint32_t) digest[0] << 24 | (uint32_t) digest[1] << 16 | (uint32_t) digest[2] << 8 |
               digest[3];

        return (SubnetWalk){.subnet = subnet, .start = hash % size, .size = size};
}

static bool subnet_is_dynamic(const Subnet *subnet, const Address *address)
{
        return address_is_set(&subnet->dynamic_first) && address_is_set(&subnet->dynamic_last) &&
               memcmp(address->bytes, subnet->dynamic_first.bytes, sizeof address->bytes) >= 0 &&
               memcmp(address->bytes, subnet->dynamic_last.bytes, sizeof address->bytes) <= 0;
}

bool subnet_walk_next(SubnetWalk *walk, Address *ret_address)
{
        while (walk->step < 2 * walk->size) {
                uint32_t step = walk->step++;
                Address address = subnet_at(walk->subnet, (walk->start + step) % walk->size);

                if (subnet_is_dynamic(walk->subnet, &address) != (step >= walk->size))
                        continue;
                if (subnet_check_host(walk->subnet, &address, NULL) < 0)
                        continue;

                *ret_address = address;
                return true;
        }

        return false;
}

static int setting_add_fixed(AddressSetting *setting, const char *word, Error *ret_error)
{
        Address address;
        bool v4;
        int r;

        r = address_parse(word, &address, ret_error);
        if (r < 0)
                return r;
        if (!address_is_unicast(&address))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' is not an address that a host can have", word);

        v4 = address.family == AF_INET;
        if (address_is_set(v4 ? &setting->fixed4 : &setting->fixed6))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' is a second %s address; a device can have only one", word,
                                v4 ? "IPv4" : "IPv6");

        *(v4 ? &setting->fixed4 : &setting->fixed6) = address;
        *(v4 ? &setting->mode4 : &setting->mode6) = ADDRESS_MODE_FIXED;
        return 0;
}

int address_setting_parse(const char *text, AddressSetting *ret_setting, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
        AddressSetting setting = {0};
        bool none = false, automatic = false;
        unsigned n = 0;
        int r;

        for (char **word = words; *word; word++) {
                if (**word == 0)
                        continue;
                n++;
                if (g_str_equal(*word, "none"))
                        none = true;
                else if (g_str_equal(*word, "auto"))
                        automatic = true;
                else {
                        r = setting_add_fixed(&setting, *word, ret_error);
                        if (r < 0)
                                return r;
                }
        }

        if (n == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "not an address: write auto, none, or one such as 10.0.0.2/24 or "
                                "fd00::2/64");
        if (none && n > 1)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'none' leaves the address to the guest and cannot be combined with another "
                                "value");

        if (automatic && setting.mode4 == ADDRESS_MODE_NONE)
                setting.mode4 = ADDRESS_MODE_AUTO;
        if (automatic && setting.mode6 == ADDRESS_MODE_NONE)
                setting.mode6 = ADDRESS_MODE_AUTO;

        *ret_setting = setting;
        return 0;
}

Address address_link_local(const char *mac)
{
        Address address = {.family = AF_INET6, .prefix = 128, .bytes = {0xfe, 0x80}};
        uint8_t m[6];

        for (size_t i = 0; i < G_N_ELEMENTS(m); i++)
                m[i] = (uint8_t) (g_ascii_xdigit_value(mac[3 * i]) << 4 |
                                  g_ascii_xdigit_value(mac[3 * i + 1]));
        memcpy(address.bytes + 8, (uint8_t[]){m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}, 8);
        return address;
}

bool address_is_link_local(const Address *address)
{
        static const Address link_local[] = {
                        {.family = AF_INET, .prefix = 16, .bytes = {169, 254}},
                        {.family = AF_INET6, .prefix = 10, .bytes = {0xfe, 0x80}},
        };

        return address_contains(&link_local[0], address) || address_contains(&link_local[1], address);
}
