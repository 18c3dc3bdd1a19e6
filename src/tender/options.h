/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/error.h"
#include "image/image.h"

/* The command line of shruthi-tender. Pure; read by main(). */

#define TENDER_MEMORY_DEFAULT UINT64_C(0x20000000) /* 512M, as Solo5's own tender */
#define TENDER_MTU_DEFAULT    1500
#define TENDER_BLOCK_SIZE     512

typedef struct TenderDevice {
        char name[MANIFEST_NAME_MAX + 1];
        DeviceKind kind;
        int fd;
        bool has_mac;
        uint8_t mac[6];
        uint16_t mtu;
        uint16_t block_size;
} TenderDevice;

typedef struct TenderOptions {
        bool help, version; /* then nothing else is set */
        bool ring;          /* is offered to a guest for hvt that has a network */
        bool check;         /* whether KVM works; then there is no image */
        uint64_t memory;
        bool executable_heap;
        const char *path; /* of the image; NULL: image_fd is it */
        int image_fd;     /* -1: path */
        int kvm_fd;       /* /dev/kvm; -1: none */
        int held_fd;      /* stays open, though the guest cannot use it; -1: none */
        unsigned n_devices;
        TenderDevice devices[MANIFEST_DEVICES_MAX];
        char **arguments; /* of the guest, ended by NULL; within argv */
} TenderOptions;

/* argv must stay as long as *ret. */
int tender_options_parse(int argc, char *argv[], TenderOptions *ret, Error *ret_error);

extern const char tender_options_help[];
