/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See address.h. */

#include "address.h"

#include "guest.h"

int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                return (c | 0x20) - 'a' + 10;
        return -1;
}

/* A decimal number of at most so much; false: there is none. */
static bool decimal_parse(const char **s, uint32_t max, uint32_t *ret)
{
        uint64_t value = 0;
        const char *p = *s;

        for (; *p >= '0' && *p <= '9'; p++) {
                value = value * 10 + (uint64_t) (*p - '0');
                if (value > max)
                        return false;
        }
        if (p == *s)
                return false;
        *s = p;
        *ret = (uint32_t) value;
        return true;
}

bool address4_parse(const char *s, uint8_t ret[4], const char **ret_end)
{
        for (unsigned i = 0; i < 4; i++) {
                uint32_t number;

                if (!decimal_parse(&s, 255, &number) || (i < 3 && *s++ != '.'))
                        return false;
                ret[i] = (uint8_t) number;
        }
        *ret_end = s;
        return true;
}

bool address6_parse(const char *s, uint8_t ret[16], const char **ret_end)
{
        size_t n = 0, gap = 16; /* bytes; where "::" stands */

        memset(ret, 0, 16);
        while (n < 16) {
                unsigned value = 0, digits = 0;

                if (s[0] == ':' && s[1] == ':' && gap == 16) {
                        gap = n;
                        s += 2;
                } else if (n > 0 && n != gap && *s == ':')
                        s++;
                else if (n > 0 && n != gap)
                        break;
                for (; hex_digit(*s) >= 0 && digits < 4; digits++)
                        value = value << 4 | (unsigned) hex_digit(*s++);
                if (digits == 0)
                        break;
                ret[n++] = (uint8_t) (value >> 8);
                ret[n++] = (uint8_t) value;
        }
        if ((gap == 16) != (n == 16))
                return false;

        for (size_t i = 0; gap < 16 && i < n - gap; i++) {
                ret[15 - i] = ret[n - 1 - i];
                ret[n - 1 - i] = 0;
        }
        *ret_end = s;
        return true;
}

bool address_parse(const char *s, Endpoint *ret, const char **ret_end)
{
        memset(ret, 0, sizeof(*ret));
        if (address4_parse(s, ret->address, ret_end))
                return true;
        ret->is_ipv6 = true;
        return address6_parse(s, ret->address, ret_end);
}

bool endpoint_same_address(const Endpoint *a, const Endpoint *b)
{
        return a->is_ipv6 == b->is_ipv6 && memcmp(a->address, b->address, a->is_ipv6 ? 16 : 4) == 0;
}

bool address_list_add(AddressList *list, const char *s)
{
        for (;;) {
                AddressRange *range = &list->ranges[list->n_ranges];

                if (list->n_ranges >= ADDRESS_RANGES_MAX || !address_parse(s, &range->first, &s))
                        return false;
                range->n = 1;
                if (*s == '+') {
                        s++;
                        if (!decimal_parse(&s, 1 << 20, &range->n) || range->n == 0)
                                return false;
                }
                list->n_ranges++;
                list->n += range->n;
                if (*s == '\0')
                        return true;
                if (*s++ != ',')
                        return false;
        }
}

void address_list_get(const AddressList *list, uint32_t i, Endpoint *ret)
{
        const AddressRange *range = list->ranges;
        const uint16_t port = ret->port;

        for (; i >= range->n; range++)
                i -= range->n;
        *ret = range->first;
        ret->port = port;
        for (int at = ret->is_ipv6 ? 15 : 3; i > 0 && at >= 0; at--) {
                i += ret->address[at];
                ret->address[at] = (uint8_t) i;
                i >>= 8;
        }
}

uint64_t chance_next(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

uint32_t chance_below(uint64_t *state, uint32_t n)
{
        return (uint32_t) ((chance_next(state) >> 32) * n >> 32);
}

/* FNV-1a, which the generator's first step mixes. */
uint64_t chance_seed(const char *word, const Endpoint *address)
{
        uint64_t hash = 0xcbf29ce484222325;

        for (; *word != '\0'; word++)
                hash = (hash ^ (uint8_t) *word) * 0x100000001b3;
        for (size_t i = 0; i < sizeof(address->address); i++)
                hash = (hash ^ address->address[i]) * 0x100000001b3;
        return hash;
}
