/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <net/if.h>

#include "common/conf.h"
#include "domain/xml/domain-xml.h"
#include "unikernel/definition.h"
#include "unikernel/placeholders.h"
#include "unikernel/timestamps.h"

/* The folder plan/ owns what a start is made of: the plan, its volumes (volumes.h) and its key material
 * (credentials.h). It calls no libvirt. network/ and lifecycle/ may call it; plan_identity() and
 * plan_find_uri() also check/ and service/.
 *
 * All that a start needs to know before libvirt is asked: configuration, definition, image, devices and what
 * is derived from the name. Reads files and takes images into the store; knows no libvirt. */

/* What the host adds to a network device. */
typedef struct PlanNetwork {
        char mac[18];
        const char *bridge; /* NULL: the libvirt network that the device names; or nothing to be attached to
                             */
        PlaceholderDevice facts;      /* with its addresses: by addresses.c */
        bool on_bridge;               /* of Linux's; false: not known yet, or on none. By addresses.c */
        char at_bridge[IF_NAMESIZE];  /* where its addresses are, by addresses.c; "": on none */
        char interface[IF_NAMESIZE];  /* of the host's side, by isolation.c; "": libvirt names it */
        const char *filter;           /* by isolation.c */
        GPtrArray *filter_parameters; /* NULL-ended once it is there */
} PlanNetwork;

typedef struct Plan {
        Conf *conf;
        Definition *definition;
        ImageInfo *image;
        char *digest;         /* of the image */
        char *kernel_path;    /* in the store */
        char *initrd_path;    /* in the store, NULL if none */
        uint64_t initrd_size; /* bytes */
        char *console_path;
        char uuid[37];
        uint64_t memory;              /* bytes */
        const DomainMachine *machine; /* that the image is for */
        bool monitor;        /* the guest does not say on its console how it ends: somebody must see it */
        GPtrArray *attached; /* const DefinitionDevice *, the definition's */
        DomainDevice *devices;
        GPtrArray *volume_paths; /* of stored volumes, for the devices */
        PlanNetwork *networks; /* one for each of the definition's devices, empty for volumes; by plan_load()
                                */
        char *arguments;       /* filled in: by addresses.c, before plan_format() */
        Timestamps timestamps; /* of the start that it is for: by lifecycle.c */
} Plan;

/* The UUID of the unikernel NAME's domain on this host; needs no definition. INVALID_NAME. */
int plan_identity(const char *name, char ret_uuid[static 37], Error *ret_error);

/* Where libvirt is. What is running can be watched and stopped also where somebody has broken shruthi.conf
 * meanwhile. Free with g_free(). */
char *plan_find_uri(void);

/* The first half: configuration, definition and what is derived from the names. */
int plan_load(const char *name, Plan **ret_plan, Error *ret_error);

/* The second half, for a start now: the image into the store, the devices attached. The errors are those of
 * the image and the devices, with the way out. */
int plan_resolve(Plan *plan, Error *ret_error);

/* Whether this host's own processor can run the guest: KVM and FastStart= are for those alone. */
bool plan_is_native(const Plan *plan);

/* The domain XML of a plan that is resolved, with its arguments. Free with g_free(). */
int plan_format(const Plan *plan, bool kvm, bool fast_start, char **ret_xml, Error *ret_error);

Plan *plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)
