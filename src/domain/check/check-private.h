/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "common/conf.h"
#include "domain/check/check.h"

/* Shared by the files of the check. */

/* What is checked, and over which connection. */
typedef struct Host {
        const Conf *conf;         /* NULL if it is broken */
        virConnectPtr connection; /* NULL if libvirt cannot be reached */
        bool polkit;              /* it answers, according to our caller */
        bool antispoofed;         /* shruthi-antispoof answers */
} Host;

/* Emits one line of check_host(). */
void check_emit(const char *name, const char *status, const char *fix, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Runs a check whose result counts only if the connection lasts to its end; see check.c. */
void check_live(Host *host, void (*check)(const Host *host));

/* check-keys.c: whether keys can be sealed on this host, with what, and whether they stay in memory. */
void check_keys(void);

/* check-processes.c: whether unikernels can run as processes, and those for hvt with KVM. */
void check_processes(const Host *host);
void check_hvt(const Host *host);

/* check-networks.c: the state and use of the bridges and networks that the configuration names, and of those
 * that were created; and whether shruthi-neighbours answers. */
void check_attachments(Host *host);
void check_neighbours(void);
void check_probes(void);
void check_demand(void);
void check_links(void);

/* check-user.c, for a user's own unikernels: whether they can have a network, and for how long they run. */
void check_uplinks(void);
void check_lingering(void);
