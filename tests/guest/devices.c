/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is told of a virtio device, and its way to the driver; pci.c or mmio.c found it. */

#include "guest.h"
#include "manifest.h"

const char *device_kind_name(uint32_t kind)
{
        return kind == DEVICE_NETWORK ? "network" : "block";
}

const char *device_name(const Device *device)
{
        char *name = memory_take(16, 1), *p;
        const char *kind = device_kind_name(device->kind);

        memcpy(name, kind, strlen(kind));
        p = name + strlen(name);
        *p++ = (char)('0' + device->number / 10);
        *p = (char)('0' + device->number % 10);
        return name;
}

void device_attach(const Device *device, const char *name)
{
        console_printf("device: %s %s at 00:%02x, ", device_kind_name(device->kind), name, device->number);
        if (device->kind == DEVICE_NETWORK)
                net_attach(device, name);
        else
                block_attach(device, name);
        cpu_irq_enable(device->irq);
}
