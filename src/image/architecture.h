/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* Processors: what they are called, and on which of QEMU's machines an image is hosted. Pure except for
 * uname(2). */

typedef enum ImageArchitecture {
        IMAGE_ARCHITECTURE_UNKNOWN,
        IMAGE_ARCHITECTURE_X86,    /* 32 bit */
        IMAGE_ARCHITECTURE_X86_64,
        IMAGE_ARCHITECTURE_AARCH64,
        IMAGE_ARCHITECTURE_PPC64,
        IMAGE_ARCHITECTURE_RISCV64,
        IMAGE_ARCHITECTURE_OTHER,
        _IMAGE_ARCHITECTURE_MAX,
        _IMAGE_ARCHITECTURE_INVALID = -EINVAL,
} ImageArchitecture;

const char *image_architecture_to_string(ImageArchitecture architecture); /* "x86_64", … as uname -m says */

/* Parses what Architecture= may name, the architectures that guests can have: X86_64 and AARCH64. Besides
 * the words of uname and libvirt, systemd's (x86-64, arm64) and Debian's (amd64, arm64) are accepted. */
ImageArchitecture guest_architecture_from_string(const char *text);

/* The architecture of the machine that hosts such an image; UNKNOWN if none does. */
ImageArchitecture guest_architecture_for(ImageArchitecture image);

/* This host's architecture as uname(2) says, with all 32-bit x86 as "i686". Never NULL, never to be
 * freed. */
const char *host_machine(void);

/* Whether a host that uname(2) calls machine runs guests of that architecture on its own processor. */
bool guest_architecture_is_native(ImageArchitecture guest, const char *machine);
