/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/address.h"
#include "common/error.h"

/* What stands in braces in a definition's Arguments= and is filled in at start, so that an address is
 * written once. "{{" is "{" and "}}" is "}". Pure.
 *
 *   {name} {uuid} {owner}
 *   {DEVICE.address} {DEVICE.ip} {DEVICE.prefix} {DEVICE.gateway} {DEVICE.dns} {DEVICE.mac}
 *   {DEVICE.address6} {DEVICE.ip6} {DEVICE.prefix6} {DEVICE.gateway6} {DEVICE.dns6}
 *
 * DEVICE is a network device of the definition; what ends with 6 is of IPv6, the rest of IPv4. The field
 * address is with the prefix length, ip without it. No value has a character that MirageOS's quoting
 * knows. */

/* A network device of the definition; an address that is none cannot be filled in. */
typedef struct PlaceholderDevice {
        const char *name;
        const char *mac; /* NULL: not known */
        Address address4, gateway4, dns4;
        Address address6, gateway6, dns6;
} PlaceholderDevice;

typedef struct PlaceholderFacts {
        const char *name;
        const char *uuid;  /* NULL: not known */
        const char *owner; /* name or number, NULL: not known */
        const PlaceholderDevice *devices;
        size_t n_devices;
} PlaceholderFacts;

/* Fills in. INVALID_ARGS for a lone brace, for a field that there is not (with the list of those there are),
 * and for one that has no value (with what would give it one). Free with g_free(). */
int placeholders_expand(
                const char *text, const PlaceholderFacts *facts, char **ret_arguments, Error *ret_error);

/* The same refusals but the last, before anything is allocated: only the devices' names count. */
int placeholders_check(const char *text, const PlaceholderFacts *facts, Error *ret_error);

/* Whether the text needs device's address of that family (address, ip or prefix, with "6" for AF_INET6).
 * False for text that placeholders_check() refuses. */
bool placeholders_need_address(const char *text, const char *device, int family);
