/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "domain/xml/machine.h"
#include "unikernel/definition.h"

/* The folder xml/ owns what libvirt reads and writes as XML: domains, networks and network filters, and the
 * table of QEMU's machines. It is pure: it calls no libvirt and touches no file. Every folder of src/domain
 * may call it.
 *
 * Makes libvirt's domain XML from a definition and facts of the host. Pure and deterministic: the same input
 * gives the same bytes, so that a start can be compared with the last one. Every string from a user passes
 * through an XML writer. */

/* The group of descriptors that the XML names for the disk with key material: one descriptor, associated
 * with the defined domain before it starts. */
#define DOMAIN_XML_FD_GROUP "credentials"

/* A device of the guest, with what the host adds to its section. */
typedef struct DomainDevice {
        const DefinitionDevice *definition;
        const char *bridge;    /* of a network, resolved; NULL for the libvirt network that it names */
        const char *mac;       /* of a network */
        const char *interface; /* the host's side of a network; NULL if libvirt names it */
        const char *filter;    /* libvirt's nwfilter for a network; NULL if none */
        const char *const *filter_parameters; /* name, value, …, NULL */
        const char *path;                     /* of the volume */
        bool block_device;                    /* path is a block device, not a file */
} DomainDevice;

typedef struct DomainFacts {
        const DomainMachine *machine;
        bool kvm;                 /* otherwise emulation */
        bool fast_start;          /* skip libvirt's query of each CPU property: the qemu:del element */
        const char *image_digest; /* for the metadata */
        const char *kernel_path;  /* in the store, without spaces */
        const char *initrd_path;  /* or NULL */
        const char *uuid;
        const char *console_path;    /* FIFO pair PATH.in, PATH.out */
        const char *partition;       /* QEMU's systemd slice; NULL for libvirt's default */
        const char *arguments;       /* with placeholders filled in; "" if none */
        uint64_t memory;             /* bytes, a multiple of 1 KiB */
        const DomainDevice *devices; /* in the order in which the guest numbers them */
        size_t n_devices;            /* at most DEFINITION_DEVICES_MAX */
} DomainFacts;

/* Uses the definition's name, owner and cpus; devices are taken from facts. Free with g_free(). INVALID_ARGS
 * for text that XML 1.0 cannot represent. */
int domain_xml_format(
                const Definition *definition, const DomainFacts *facts, char **ret_xml, Error *ret_error);

/* Whether xml, from virDomainGetMetadata(), is our metadata element for the unikernel with that name. */
bool domain_xml_metadata_is(const char *xml, const char *name);

/* The names of the devices of that kind, in the order in which the domain numbers them, from the same
 * element. Free with g_strfreev(). */
char **domain_xml_metadata_devices(const char *xml, DeviceKind kind);

/* The owner's user ID as text, from the same element; NULL if it has none. Free with g_free(). */
char *domain_xml_metadata_owner(const char *xml);
