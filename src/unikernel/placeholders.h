/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"
#include "common/error.h"

/* Placeholders in a definition's Arguments=: names in braces that are filled in at start, so that an address
 * is written only once. "{{" is "{" and "}}" is "}". Pure.
 *
 *   {name} {uuid} {owner}
 *   {DEVICE.address} {DEVICE.ip} {DEVICE.prefix} {DEVICE.gateway} {DEVICE.dns} {DEVICE.mac}
 *   {DEVICE.address6} {DEVICE.ip6} {DEVICE.prefix6} {DEVICE.gateway6} {DEVICE.dns6}
 *
 * DEVICE is a network device of the definition; fields that end with 6 are for IPv6, the rest for IPv4.
 * address includes the prefix length, ip does not. No value has a character that is special in MirageOS's
 * quoting. */

/* A network device of the definition; an address that is not set cannot be filled in. */
typedef struct PlaceholderDevice {
        const char *name;
        const char *mac; /* NULL if not known */
        Address address4, gateway4, dns4;
        Address address6, gateway6, dns6;
} PlaceholderDevice;

typedef struct PlaceholderFacts {
        const char *name;
        const char *uuid;  /* NULL if not known */
        const char *owner; /* name or number, NULL if not known */
        const PlaceholderDevice *devices;
        size_t n_devices;
} PlaceholderFacts;

/* Fills in the placeholders. INVALID_ARGS for a lone brace, for an unknown field (with the list of known
 * ones), and for a field without a value (with what would give it one). Free with g_free(). */
int placeholders_expand(
                const char *text, const PlaceholderFacts *facts, char **ret_arguments, Error *ret_error);

/* Refuses the same but for the last, before anything is allocated: only the devices' names count. */
int placeholders_check(const char *text, const PlaceholderFacts *facts, Error *ret_error);

/* Whether the text needs device's address of that family (address, ip or prefix, with "6" for AF_INET6).
 * False for text that placeholders_check() refuses. */
bool placeholders_need_address(const char *text, const char *device, int family);
