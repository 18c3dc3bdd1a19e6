/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of architectures, and which hosts can run which guests. */

#include "image/architecture.h"

#include <glib.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const image_architecture_table[_IMAGE_ARCHITECTURE_MAX] = {
        [IMAGE_ARCHITECTURE_UNKNOWN] = "unknown",
        [IMAGE_ARCHITECTURE_X86]     = "i686",
        [IMAGE_ARCHITECTURE_X86_64]  = "x86_64",
        [IMAGE_ARCHITECTURE_AARCH64] = "aarch64",
        [IMAGE_ARCHITECTURE_PPC64]   = "ppc64",
        [IMAGE_ARCHITECTURE_RISCV64] = "riscv64",
        [IMAGE_ARCHITECTURE_OTHER]   = "another architecture",
};

const char *image_architecture_to_string(ImageArchitecture architecture)
{
        return (int) architecture >= 0 && architecture < _IMAGE_ARCHITECTURE_MAX
                        ? image_architecture_table[architecture]
                        : NULL;
}

/* The first name of each is ours; the others are from systemd.unit(5), ConditionArchitecture=, and
 * dpkg-architecture(1). */
static const struct {
        const char *name;
        ImageArchitecture architecture;
} guest_names[] = {
        {"x86_64", IMAGE_ARCHITECTURE_X86_64},
        {"x86-64", IMAGE_ARCHITECTURE_X86_64},
        {"amd64", IMAGE_ARCHITECTURE_X86_64},
        {"aarch64", IMAGE_ARCHITECTURE_AARCH64},
        {"arm64", IMAGE_ARCHITECTURE_AARCH64},
};

ImageArchitecture guest_architecture_from_string(const char *text)
{
        for (size_t i = 0; i < G_N_ELEMENTS(guest_names); i++)
                if (g_str_equal(guest_names[i].name, text))
                        return guest_names[i].architecture;

        return _IMAGE_ARCHITECTURE_INVALID;
}

ImageArchitecture guest_architecture_for(ImageArchitecture image)
{
        switch (image) {
        case IMAGE_ARCHITECTURE_X86: /* 32-bit code runs on the 64-bit machine */
        case IMAGE_ARCHITECTURE_X86_64:
                return IMAGE_ARCHITECTURE_X86_64;
        case IMAGE_ARCHITECTURE_AARCH64:
                return IMAGE_ARCHITECTURE_AARCH64;
        default:
                return IMAGE_ARCHITECTURE_UNKNOWN;
        }
}

static gpointer read_machine(gpointer unused G_GNUC_UNUSED)
{
        struct utsname host = {};

        (void) uname(&host);
        if (strlen(host.machine) == 4 && host.machine[0] == 'i' && g_str_has_suffix(host.machine, "86"))
                host.machine[1] = '6';
        return g_strdup(host.machine);
}

const char *host_machine(void)
{
        static GOnce once = G_ONCE_INIT;

        return g_once(&once, read_machine, NULL);
}

bool guest_architecture_is_native(ImageArchitecture guest, const char *machine)
{
        return strcmp(machine, image_architecture_to_string(guest)) == 0;
}
