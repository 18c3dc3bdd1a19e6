/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "common/conf.h"
#include "domain/check/check.h"

/* Between check.c and check-networks.c. */

/* What is looked at, and over which connection. */
typedef struct Host {
        const Conf *conf;         /* NULL: it is broken */
        virConnectPtr connection; /* NULL: libvirt cannot be reached */
        bool polkit;              /* it answers, as far as our caller knows */
        bool antispoofed;         /* shruthi-antispoof answers */
} Host;

/* Runs a check over a connection that is there to its end, or not at all; see check.c. */
void check_live(Host *host, void (*check)(const Host *host));
