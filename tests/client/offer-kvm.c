/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* LD_PRELOAD for shruthi-domain: a libvirt that offers KVM as soon as OFFER_KVM in the environment names a file
 * that is there, on a host without KVM. */

#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *virConnectGetDomainCapabilities(virConnectPtr connection, const char *emulator, const char *architecture,
                const char *machine, const char *type, unsigned flags)
{
        static __typeof__(&virConnectGetDomainCapabilities) real;
        const char *file = getenv("OFFER_KVM");

        if (file && type && strcmp(type, "kvm") == 0 && access(file, F_OK) >= 0)
                return strdup("<domainCapabilities/>");
        if (!real)
                real = (__typeof__(real)) dlsym(RTLD_NEXT, "virConnectGetDomainCapabilities");
        return real(connection, emulator, architecture, machine, type, flags);
}
