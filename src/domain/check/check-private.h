/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "common/conf.h"
#include "domain/check/check.h"

/* Between the files of the check. */

/* What is looked at, and over which connection. */
typedef struct Host {
        const Conf *conf;         /* NULL: it is broken */
        virConnectPtr connection; /* NULL: libvirt cannot be reached */
        bool polkit;              /* it answers, as far as our caller knows */
        bool antispoofed;         /* shruthi-antispoof answers */
} Host;

/* Emits one line of check_host(). */
void check_emit(const char *name, const char *status, const char *fix, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Runs a check over a connection that is there to its end, or not at all; see check.c. */
void check_live(Host *host, void (*check)(const Host *host));

/* check-keys.c: whether keys can be sealed here, with what, and whether they stay in memory. */
void check_keys(void);

/* check-networks.c: the bridges and networks that the configuration names, and those that were made, as they
 * are, and how full; and whether shruthi-neighbours answers. */
void check_attachments(Host *host);
void check_neighbours(void);
void check_probes(void);
