/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "common/error.h"

/* Identifiers derived from a unikernel's name and this host (/etc/machine-id, by
 * sd_id128_get_machine_app_specific()), so that they are the same at every start and different on every
 * host. */

typedef struct UnikernelId {
        uint8_t bytes[16];
} UnikernelId;

/* Uses host instead of this machine's own ID (NULL: back to that). For unit tests. */
void identity_set_host(const UnikernelId *host);

/* A UUID in the form of version 4. Negative errno if /etc/machine-id cannot be read. */
int identity_uuid(const char *name, UnikernelId *ret_id);

/* "xxxxxxxx-xxxx-4xxx-…". ret must have room for 37 bytes. */
void identity_uuid_format(const UnikernelId *id, char ret[static 37]);

/* The MAC address of NAME's network device: "x2:…", locally administered and unicast, lower case. ret must
 * have room for 18 bytes. */
int identity_mac(const char *name, const char *device, char ret[static 18]);
