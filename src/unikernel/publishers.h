/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/published-port.h"
#include "unikernel/definition.h"

/* Which unikernels publish which ports of the host, as their definitions say. Pure. */

typedef struct Publisher {
        char *name;
        GArray *ports; /* PublishedPort, of all its devices */
} Publisher;

void publisher_free(Publisher *publisher);
DEFINE_DESTROY(publisher)

/* NULL: it publishes none. */
Publisher *publisher_new(const Definition *definition);

Publisher *publisher_copy(const Publisher *publisher);

/* The first of publishers (Publisher) that has one of the ports; NULL: nobody has. */
const Publisher *publishers_find(const GPtrArray *publishers, const GArray *ports);

/* What people are told: device, port, the other's name; device, bridge, device. */
#define PUBLISHED_BY_MESSAGE                                                                                \
        "Network '%s': Publish=%s: this port of the host is published by unikernel '%s'; publish another, " \
        "or take it from that one"
#define PUBLISH_ON_BRIDGE_MESSAGE                                                                           \
        "Network '%s': '%s' is a bridge without a network of libvirt, on which the host cannot publish "    \
        "ports: the guest is reached at its own address there; remove Publish=, or attach it to a network " \
        "(Network= in [Network %s])"
