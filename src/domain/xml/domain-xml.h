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
 * Definition and facts of the host → libvirt's domain XML. Pure and deterministic: the same input gives the
 * same bytes, so that a start can be compared with the last one. Every string that a user gave passes
 * through an XML writer. */

/* The group of descriptors that the XML names for the disk with key material: one, associated with the
 * defined domain before it starts. */
#define DOMAIN_XML_FD_GROUP "credentials"

/* A device of the guest with what the host adds to its section. */
typedef struct DomainDevice {
        const DefinitionDevice *definition;
        const char *bridge;    /* where a network is attached, resolved; NULL: to the libvirt network that it
                                  names */
        const char *mac;       /* of a network */
        const char *interface; /* what the host calls its side of a network; NULL: libvirt names it */
        const char *filter;    /* libvirt's nwfilter for a network; NULL: none */
        const char *const *filter_parameters; /* name, value, …, NULL */
        const char *path;                     /* of the volume */
        bool block_device;                    /* … which is a block device, not a file */
} DomainDevice;

typedef struct DomainFacts {
        const DomainMachine *machine;
        bool kvm;                 /* else emulation */
        bool fast_start;          /* leave out libvirt's look at each CPU property: the qemu:del element */
        const char *image_digest; /* for the metadata */
        const char *kernel_path;  /* in the store, without spaces */
        const char *initrd_path;  /* or NULL */
        const char *uuid;
        const char *console_path;    /* FIFO pair PATH.in, PATH.out */
        const char *partition;       /* where QEMU is among systemd's slices; NULL: libvirt's own */
        const char *arguments;       /* filled in; "": none */
        uint64_t memory;             /* bytes, a multiple of 1 KiB */
        const DomainDevice *devices; /* in the order in which the guest counts them */
        size_t n_devices;            /* at most DEFINITION_DEVICES_MAX */
} DomainFacts;

/* Uses the definition's name, owner and cpus; its devices only as facts names them. Free with
 * g_free(). INVALID_ARGS for text that XML 1.0 cannot carry. */
int domain_xml_format(
                const Definition *definition, const DomainFacts *facts, char **ret_xml, Error *ret_error);

/* Whether the XML of one element is our metadata element for the unikernel of that name: what
 * virDomainGetMetadata() gave. */
bool domain_xml_metadata_is(const char *xml, const char *name);

/* The names of the devices of that kind, in the order in which the domain counts them: from the same
 * element. Free with g_strfreev(). */
char **domain_xml_metadata_devices(const char *xml, DeviceKind kind);

/* Whose it is, as a number; NULL: it does not say. From the same element. Free with g_free(). */
char *domain_xml_metadata_owner(const char *xml);
