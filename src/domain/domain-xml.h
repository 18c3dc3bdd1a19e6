/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "image/image.h"
#include "unikernel/definition.h"

/* Definition and facts of the host → libvirt's domain XML. Pure and deterministic: the same input gives the same bytes. */

typedef struct DomainFacts {
        bool kvm;                  /* else emulation */
        bool fast_start;           /* the qemu:del element */
        const char *kernel_path;   /* in the store, without spaces */
        const char *initrd_path;   /* or NULL */
        const char *uuid;
        const char *console_path;  /* FIFO pair PATH.in, PATH.out */
        const char *bridge_default;/* conf's BridgeInterface or NULL */
        uint64_t memory;           /* bytes, resolved */
        const ImageInfo *image;
        const GPtrArray *devices;  /* const DefinitionDevice *, wired, each with its mac in macs */
        const char *const *macs;   /* for devices[i] when a network, else NULL */
} DomainFacts;

/* Free with g_free(). NO_SUCH_NETWORK where a network has neither Bridge= nor Network= and there is no default. */
int domain_xml_format(const Definition *definition, const DomainFacts *facts, char **ret_xml, Error *ret_error);
