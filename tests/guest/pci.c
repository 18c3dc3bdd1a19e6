/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The devices on PCI and their wiring: the n-th virtio device of bus 0, in the order
 * of the slots, belongs to the n-th entry of the manifest. One of another kind, one too many or one too few
 * ends the guest, as it ends a Solo5 one.
 */

#include "guest.h"
#include "manifest.h"

enum {
        SLOTS = 32,

        PCI_ID = 0x00,
        PCI_COMMAND = 0x04,
        PCI_BAR0 = 0x10,
        PCI_SUBSYSTEM = 0x2c,
        COMMAND_IO_AND_MASTER = 0x05,

        VENDOR_VIRTIO = 0x1af4,
        SUBSYSTEM_NETWORK = 1, /* Virtio 1.2, 4.1.2.3 (legacy): the subsystem is the kind of device */
        SUBSYSTEM_BLOCK = 2,
};

static bool device_read(unsigned slot, PciDevice *ret)
{
        uint32_t bar, subsystem;
        uint8_t irq;

        if ((pci_config_read(slot, PCI_ID) & 0xffff) != VENDOR_VIRTIO)
                return false;
        subsystem = pci_config_read(slot, PCI_SUBSYSTEM) >> 16;
        if (subsystem != SUBSYSTEM_NETWORK && subsystem != SUBSYSTEM_BLOCK)
                return false;

        irq = pci_prepare(slot);
        bar = pci_config_read(slot, PCI_BAR0);
        if (!(bar & 1) || (bar & 0xfffc) == 0)
                PANIC("virtio device without I/O ports: not legacy, or the firmware gave it none");
        pci_config_write(slot, PCI_COMMAND, pci_config_read(slot, PCI_COMMAND) | COMMAND_IO_AND_MASTER);

        *ret = (PciDevice){
                        .slot = (uint8_t)slot,
                        .irq = irq,
                        .kind = subsystem == SUBSYSTEM_NETWORK ? DEVICE_NETWORK : DEVICE_BLOCK,
                        .io = (uint16_t)(bar & 0xfffc),
        };
        return true;
}

static const char *kind_name(uint32_t kind)
{
        return kind == DEVICE_NETWORK ? "network" : "block";
}

/* The name of a device in an image without manifest: its kind and the slot. */
static const char *name_make(const PciDevice *pci)
{
        char *name = memory_take(16, 1), *p;

        memcpy(name, kind_name(pci->kind), strlen(kind_name(pci->kind)));
        p = name + strlen(name);
        *p++ = (char)('0' + pci->slot / 10);
        *p = (char)('0' + pci->slot % 10);
        return name;
}

static void device_attach(const PciDevice *pci, const char *name)
{
        console_printf("device: %s %s at 00:%02x, ", kind_name(pci->kind), name, pci->slot);
        if (pci->kind == DEVICE_NETWORK)
                net_attach(pci, name);
        else
                block_attach(pci, name);
        cpu_irq_enable(pci->irq);
}

static _noreturn_ void refuse(void)
{
        console_printf("Solo5: PCI enumeration failed. Aborting.\n");
        guest_abort();
}

void pci_attach_all(void)
{
        PciDevice pci;
        unsigned n = 0;

        for (unsigned slot = 0; slot < SLOTS; slot++) {
                if (!device_read(slot, &pci))
                        continue;
                if (!manifest_entries) {
                        device_attach(&pci, name_make(&pci));
                        continue;
                }
                if (n >= manifest_n_entries) {
                        console_printf("Solo5: PCI:00:%02x: %s device not in manifest\n", slot,
                                        kind_name(pci.kind));
                        refuse();
                }
                if (manifest_entries[n].type != pci.kind) {
                        console_printf("Solo5: PCI:00:%02x: %s device, the manifest has %s '%s' here\n",
                                        slot, kind_name(pci.kind), kind_name(manifest_entries[n].type),
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
