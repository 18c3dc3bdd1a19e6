/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PCI configuration by ports 0xcf8 and 0xcfc, virtio's registers, and the wiring: the n-th virtio device of bus 0, in the order
 * of the slots, belongs to the n-th entry of the manifest. One of another kind, one too many or one too few
 * ends the guest, as it ends a Solo5 one.
 */

#include "guest.h"
#include "manifest.h"
#include "ports.h"
#include "virtio.h"

enum {
        CONFIG_ADDRESS = 0xcf8,
        CONFIG_DATA = 0xcfc,
        CONFIG_ENABLE = 1U << 31,
        SLOTS = 32,

        PCI_ID = 0x00,
        PCI_COMMAND = 0x04,
        PCI_BAR0 = 0x10,
        PCI_SUBSYSTEM = 0x2c,
        PCI_INTERRUPT = 0x3c,
        COMMAND_IO_AND_MASTER = 0x05,

        /* Virtio 1.2, section 4.1.4.8: the legacy registers */
        VIRTIO_DEVICE_FEATURES = 0,
        VIRTIO_DRIVER_FEATURES = 4,
        VIRTIO_QUEUE_ADDRESS = 8,
        VIRTIO_QUEUE_SIZE = 12,
        VIRTIO_QUEUE_SELECT = 14,
        VIRTIO_QUEUE_NOTIFY = 16,
        VIRTIO_STATUS = 18,
        VIRTIO_ISR = 19,
        VIRTIO_CONFIG = 20, /* the device's own, without MSI-X */

        VENDOR_VIRTIO = 0x1af4,
        SUBSYSTEM_NETWORK = 1, /* Virtio 1.2, 4.1.2.3 (legacy): the subsystem is the kind of device */
        SUBSYSTEM_BLOCK = 2,
};

static uint32_t config_read(unsigned slot, unsigned offset)
{
        outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | offset);
        return inl(CONFIG_DATA);
}

static void config_write(unsigned slot, unsigned offset, uint32_t value)
{
        outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | offset);
        outl(CONFIG_DATA, value);
}

static bool device_read(unsigned slot, Device *ret)
{
        uint32_t bar, subsystem;

        if ((config_read(slot, PCI_ID) & 0xffff) != VENDOR_VIRTIO)
                return false;
        subsystem = config_read(slot, PCI_SUBSYSTEM) >> 16;
        if (subsystem != SUBSYSTEM_NETWORK && subsystem != SUBSYSTEM_BLOCK)
                return false;

        bar = config_read(slot, PCI_BAR0);
        if (!(bar & 1) || (bar & 0xfffc) == 0)
                PANIC("virtio device without I/O ports: not legacy, or the firmware gave it none");
        config_write(slot, PCI_COMMAND, config_read(slot, PCI_COMMAND) | COMMAND_IO_AND_MASTER);

        *ret = (Device){
                        .number = slot,
                        .irq = (uint8_t)config_read(slot, PCI_INTERRUPT),
                        .kind = subsystem == SUBSYSTEM_NETWORK ? DEVICE_NETWORK : DEVICE_BLOCK,
                        .io = bar & 0xfffc,
        };
        return true;
}

static _noreturn_ void refuse(void)
{
        console_printf("Solo5: PCI enumeration failed. Aborting.\n");
        guest_abort();
}

void devices_attach_all(void)
{
        Device pci;
        unsigned n = 0;

        for (unsigned slot = 0; slot < SLOTS; slot++) {
                if (!device_read(slot, &pci))
                        continue;
                if (!manifest_entries) {
                        device_attach(&pci, device_name(&pci));
                        continue;
                }
                if (n >= manifest_n_entries) {
                        console_printf("Solo5: PCI:00:%02x: %s device not in manifest\n", slot,
                                        device_kind_name(pci.kind));
                        refuse();
                }
                if (manifest_entries[n].type != pci.kind) {
                        console_printf("Solo5: PCI:00:%02x: %s device, the manifest has %s '%s' here\n",
                                        slot, device_kind_name(pci.kind), device_kind_name(manifest_entries[n].type),
                                        manifest_entries[n].name);
                        refuse();
                }
                device_attach(&pci, manifest_entries[n].name);
                n++;
        }

        if (n == manifest_n_entries)
                return;
        for (; n < manifest_n_entries; n++)
                console_printf("Solo5: Device '%s' of type %s not attached.\n", manifest_entries[n].name,
                                manifest_entries[n].type == DEVICE_NETWORK ? "NET_BASIC" : "BLOCK_BASIC");
        console_printf("Solo5: All declared devices must be attached. Aborting.\n");
        guest_abort();
}

void virtio_status_set(uintptr_t io, uint8_t status)
{
        outb((uint16_t)(io + VIRTIO_STATUS), status);
}

uint32_t virtio_features_accept(uintptr_t io, uint32_t wanted)
{
        uint32_t features = inl((uint16_t)(io + VIRTIO_DEVICE_FEATURES)) & wanted;

        outl((uint16_t)(io + VIRTIO_DRIVER_FEATURES), features);
        return features;
}

uint8_t virtio_config_byte(uintptr_t io, unsigned offset)
{
        return inb((uint16_t)(io + VIRTIO_CONFIG + offset));
}

uint16_t virtio_queue_size(uintptr_t io, uint16_t number)
{
        outw((uint16_t)(io + VIRTIO_QUEUE_SELECT), number);
        return inw((uint16_t)(io + VIRTIO_QUEUE_SIZE));
}

void virtio_queue_place(uintptr_t io, uint16_t number, uintptr_t memory)
{
        outw((uint16_t)(io + VIRTIO_QUEUE_SELECT), number);
        outl((uint16_t)(io + VIRTIO_QUEUE_ADDRESS), (uint32_t)(memory / QUEUE_ALIGNMENT));
}

void virtio_notify(uintptr_t io, uint16_t number)
{
        outw((uint16_t)(io + VIRTIO_QUEUE_NOTIFY), number);
}

void virtio_acknowledge(uintptr_t io)
{
        inb((uint16_t)(io + VIRTIO_ISR)); /* to read it is to acknowledge */
}
