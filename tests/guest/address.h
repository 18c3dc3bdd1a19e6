/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Addresses as people write them, lists of them, and chance. Untouched by devices: stands alone, for a test
 * on the host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        ADDRESS_RANGES_MAX = 1024,
};

/* Where a datagram comes from or goes to. */
typedef struct Endpoint {
        bool is_ipv6;
        uint8_t address[16]; /* the first four bytes for IPv4, the rest zero */
        uint16_t port;
} Endpoint;

/* -1: none. */
int hex_digit(char c);

/* "192.0.2.1", and RFC 4291, 2.2, without the dotted form. What follows is at *ret_end; false: that is no
 * address. */
bool address4_parse(const char *s, uint8_t ret[4], const char **ret_end);
bool address6_parse(const char *s, uint8_t ret[16], const char **ret_end);
/* Either of them. */
bool address_parse(const char *s, Endpoint *ret, const char **ret_end);
bool endpoint_same_address(const Endpoint *a, const Endpoint *b);

/* Addresses that follow one another. */
typedef struct AddressRange {
        Endpoint first;
        uint32_t n;
} AddressRange;

typedef struct AddressList {
        AddressRange *ranges; /* room for ADDRESS_RANGES_MAX */
        unsigned n_ranges;
        uint32_t n; /* in all */
} AddressList;

/* Adds what s has: addresses with commas between them, each of which may stand for N that follow one
 * another, as "10.0.0.2+1000". */
bool address_list_add(AddressList *list, const char *s);
/* The address number i; the port is left as it is. */
void address_list_get(const AddressList *list, uint32_t i, Endpoint *ret);

/* SplitMix64 (Steele, Lea, Flood, 2014). */
uint64_t chance_next(uint64_t *state);
/* Below n, each as likely as the others to 2^-32. */
uint32_t chance_below(uint64_t *state, uint32_t n);
/* A state of the word and of the address. */
uint64_t chance_seed(const char *word, const Endpoint *address);
