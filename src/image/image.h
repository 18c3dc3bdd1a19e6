/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "image/architecture.h"

/* What an image file is: read from untrusted bytes, without running or trusting any of them. Knows no store,
 * bus or libvirt. */

typedef enum DeviceKind {
        DEVICE_NETWORK,
        DEVICE_BLOCK,
        _DEVICE_KIND_MAX,
        _DEVICE_KIND_INVALID = -EINVAL,
} DeviceKind;

const char *device_kind_to_string(DeviceKind kind); /* "network", "block" */
DeviceKind device_kind_from_string(const char *text);

typedef enum ImageBoot {
        IMAGE_BOOT_NONE,      /* cannot be booted here: see ImageInfo.problem */
        IMAGE_BOOT_MULTIBOOT, /* Multiboot 1 (Solo5 virtio, Unikraft) */
        IMAGE_BOOT_PVH,       /* ELF with the XEN_ELFNOTE_PHYS32_ENTRY note */
        IMAGE_BOOT_LINUX,     /* bzImage; for aarch64: Image */
        IMAGE_BOOT_ELF,       /* for aarch64: an ELF file, entered at its entry point (Unikraft) */
        IMAGE_BOOT_PROCESS,   /* Solo5 spt, hvt: not booted, but executed by shruthi-tender */
        _IMAGE_BOOT_MAX,
        _IMAGE_BOOT_INVALID = -EINVAL,
} ImageBoot;

const char *image_boot_to_string(ImageBoot boot); /* "none", "multiboot", "pvh", "linux", "elf", "process" */

/* Solo5's ABI1 targets (include/elf_abi.h). 0 if it is no Solo5 image. */
typedef enum Solo5Target {
        SOLO5_TARGET_NONE,
        SOLO5_TARGET_HVT,
        SOLO5_TARGET_SPT,
        SOLO5_TARGET_VIRTIO,
        SOLO5_TARGET_MUEN,
        SOLO5_TARGET_GENODE,
        SOLO5_TARGET_XEN,
        _SOLO5_TARGET_MAX,
        _SOLO5_TARGET_INVALID = -EINVAL,
} Solo5Target;

const char *solo5_target_to_string(Solo5Target target); /* "none", "hvt", "spt", "virtio", … */

#define MANIFEST_DEVICES_MAX 63  /* 64 entries, the first reserved */
#define MANIFEST_NAME_MAX    67
#define IMAGE_DEVICES_MAX    29  /* that can be wired: slots 2 to 30 of PCI bus 0 */

/* A device's name: 1 to MANIFEST_NAME_MAX ASCII letters, digits, '-', '_' and '.'. Solo5's elftool writes
 * letters and digits only; our sections and options that name devices allow no more than this. */
bool manifest_name_is_valid(const char *name);

typedef struct ManifestDevice {
        char name[MANIFEST_NAME_MAX + 1]; /* manifest_name_is_valid() */
        DeviceKind kind;
} ManifestDevice;

typedef struct ImageInfo {
        ImageArchitecture architecture;
        ImageBoot boot;
        Solo5Target target;
        uint32_t abi_version;   /* of the Solo5 target; 0 if none */
        bool has_manifest;      /* if so, devices are all that the guest has, in this order */
        unsigned n_devices;
        ManifestDevice devices[MANIFEST_DEVICES_MAX];
        uint64_t loaded_end;    /* where the last of what is loaded ends in memory; 0 if not known */
        /* why it cannot be hosted here and what to do about it; NULL if it can. A phrase without a subject:
         * "built for muen: rebuild with …", for "NAME: %s" and "image is %s" */
        char *problem;
        ErrorCode problem_code; /* ERROR_INVALID_IMAGE or ERROR_UNSUPPORTED_IMAGE if problem is set */
} ImageInfo;

/* Whether it is executed with /dev/kvm: a virtual machine's isolation, by a process of its own (Solo5 hvt).
 */
bool image_needs_kvm(const ImageInfo *info);

void image_info_free(ImageInfo *info);
#define _cleanup_image_info_ __attribute__((cleanup(image_info_clear_pointer)))
void image_info_clear_pointer(ImageInfo **info);
