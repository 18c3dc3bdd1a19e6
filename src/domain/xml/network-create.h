/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/xml/network-xml.h"

/* Libvirt networks of ours, made of a few settings. Pure; knows no libvirt. */

typedef struct NetworkSettings {
        const char *name; /* a DNS label, as of a unikernel */
        uid_t owner;      /* for the metadata: who asked for it */
        NetworkMode mode;
        const char *bridge;              /* NULL: libvirt chooses virbrN */
        const Subnet *subnet4, *subnet6; /* NULL: none; at least one */
        const char *uuid;                /* of the network that it takes the place of; NULL: a new one */
        const char *hosts_path;          /* of hosts_make() */
        const char *host_name;           /* this host's, for its guests; NULL: it has none that is a label */
} NetworkSettings;

/* Free with g_free(). INVALID_ARGS for a name or subnet that makes no network. The same settings give the
 * same bytes. */
int network_create_format(const NetworkSettings *settings, char **ret_xml, Error *ret_error);
