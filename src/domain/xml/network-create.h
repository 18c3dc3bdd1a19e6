/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/xml/network-xml.h"

/* The XML of our libvirt networks, made from a few settings. Pure; knows no libvirt. */

typedef struct NetworkSettings {
        const char *name; /* a DNS label, like that of a unikernel */
        uid_t owner;      /* who asked for it, for the metadata */
        NetworkMode mode;
        bool emulated; /* its guests do not hear each other */
        const char *bridge;              /* NULL if libvirt chooses virbrN */
        const Subnet *subnet4, *subnet6; /* NULL if none; at least one is set */
        const char *uuid;                /* of the network that it replaces; NULL for a new one */
        const char *hosts_path;          /* from hosts_make() */
        const char *host_name;           /* of this host, for its guests; NULL if it is not a label */
} NetworkSettings;

/* Free with g_free(). INVALID_ARGS for a name or subnet that cannot be used. The same settings give the same
 * bytes. */
int network_create_format(const NetworkSettings *settings, char **ret_xml, Error *ret_error);
