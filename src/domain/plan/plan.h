/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <net/if.h>

#include "common/conf.h"
#include "domain/xml/domain-xml.h"
#include "unikernel/definition.h"
#include "unikernel/placeholders.h"
#include "unikernel/timestamps.h"

/* The folder plan/ owns the parts of a start: the plan, its volumes (volumes.h) and its key material
 * (credentials.h). It calls no libvirt. network/ and lifecycle/ may call it; check/ and service/ may call
 * plan_identity() and plan_find_uri().
 *
 * All facts of a start that are known before libvirt is called: configuration, definition, image, devices
 * and what is derived from the name. Reads files and imports images into the store; knows no libvirt. */

/* What the host adds to a network device. */
typedef struct PlanNetwork {
        char mac[18];
        const char *bridge; /* NULL for the libvirt network that the device names, or if not attached */
        PlaceholderDevice facts;      /* with its addresses; set by addresses.c */
        bool on_bridge;               /* on a Linux bridge, if known yet; set by addresses.c */
        char at_bridge[IF_NAMESIZE];  /* bridge of its addresses, or ""; set by addresses.c */
        char interface[IF_NAMESIZE];  /* the host's side; "" if libvirt names it; set by isolation.c */
        const char *filter;           /* set by isolation.c */
        GPtrArray *filter_parameters; /* NULL-terminated once it is set */
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
        const DomainMachine *machine; /* the machine that the image is for */
        bool monitor;        /* the guest prints no exit message, so a monitor must watch it */
        GPtrArray *attached; /* const DefinitionDevice *, owned by the definition */
        DomainDevice *devices;
        GPtrArray *volume_paths; /* of stored volumes */
        PlanNetwork *networks; /* one per device of the definition, empty for volumes; by plan_load() */
        char *arguments;       /* with placeholders filled in by addresses.c, before plan_format() */
        Timestamps timestamps; /* of this start; set by lifecycle.c */
} Plan;

/* The UUID of the domain of the unikernel name on this host; needs no definition. Errors: INVALID_NAME. */
int plan_identity(const char *name, char ret_uuid[static 37], Error *ret_error);

/* The URI of libvirt. Works even if shruthi.conf is broken by now, so that running guests can be watched and
 * stopped. Free with g_free(). */
char *plan_find_uri(void);

/* The first half of a plan: configuration, definition and what is derived from the names. */
int plan_load(const char *name, Plan **ret_plan, Error *ret_error);

/* The second half, for an actual start: imports the image into the store and resolves the devices. The
 * errors are those of the image and the devices, with what to do about them. */
int plan_resolve(Plan *plan, Error *ret_error);

/* Whether the guest is a process and not a domain: that is decided by its image. */
bool plan_is_process(const Plan *plan);

/* What was found for a network device of the definition. */
PlanNetwork *plan_find_network(const Plan *plan, const DefinitionDevice *device);

/* Whether this host's processor can run the guest: KVM and FastStart= are only for such guests. */
bool plan_is_native(const Plan *plan);

/* The slice that QEMU will be in, or that a process has to be in for its limits; NULL if that is libvirt's
 * choice, or any will do. Free with g_free(). */
char *plan_slice(const Plan *plan);

/* The domain XML of a resolved plan with its arguments. Free with g_free(). */
int plan_format(const Plan *plan, bool kvm, bool fast_start, char **ret_xml, Error *ret_error);

Plan *plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)
