/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "common/error.h"

/* What is derived from a unikernel's name and this host (/etc/machine-id, by
 * sd_id128_get_machine_app_specific()), so that it is the same at every start and another on every host. */

typedef struct UnikernelId {
        uint8_t bytes[16];
} UnikernelId;

/* Takes host in place of this machine's own id (NULL: back to that). For unit tests. */
void identity_set_host(const UnikernelId *host);

/* A UUID of version 4's form. Negative errno where /etc/machine-id cannot be read. */
int identity_uuid(const char *name, UnikernelId *ret_id);

/* "xxxxxxxx-xxxx-4xxx-…". ret must have room for 37 bytes. */
void identity_uuid_format(const UnikernelId *id, char ret[static 37]);

/* "x2:…": locally administered and unicast, lower case, for NAME's network device. ret must have room for 18
 * bytes. */
int identity_mac(const char *name, const char *device, char ret[static 18]);
