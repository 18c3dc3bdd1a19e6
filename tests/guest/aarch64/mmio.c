/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Virtio's legacy registers in memory (Virtio 1.2, section 4.2.4), which QEMU's "virt" has for 32 devices. */

#include "guest.h"
#include "machine.h"
#include "manifest.h"
#include "virtio.h"

enum {
        MMIO_MAGIC = 0x000,
        MMIO_VERSION = 0x004,
        MMIO_KIND = 0x008,
        MMIO_DEVICE_FEATURES = 0x010,
        MMIO_DEVICE_FEATURES_SELECT = 0x014,
        MMIO_DRIVER_FEATURES = 0x020,
        MMIO_DRIVER_FEATURES_SELECT = 0x024,
        MMIO_PAGE_SIZE = 0x028,
        MMIO_QUEUE_SELECT = 0x030,
        MMIO_QUEUE_SIZE_MAX = 0x034,
        MMIO_QUEUE_SIZE = 0x038,
        MMIO_QUEUE_ALIGNMENT = 0x03c,
        MMIO_QUEUE_PAGE = 0x040,
        MMIO_QUEUE_NOTIFY = 0x050,
        MMIO_INTERRUPTS = 0x060,
        MMIO_INTERRUPTS_ACKNOWLEDGE = 0x064,
        MMIO_STATUS = 0x070,
        MMIO_CONFIG = 0x100,

        MAGIC = 0x74726976, /* "virt" */
        VERSION_LEGACY = 1,
        KIND_NETWORK = 1,
        KIND_BLOCK = 2,
};

/* QEMU gives its first device the last place. */
void devices_attach_all(void)
{
        unsigned n = 0;

        for (unsigned i = MMIO_DEVICES; i-- > 0;) {
                uintptr_t io = MMIO + i * MMIO_SIZE;
                uint32_t kind = register_read(io + MMIO_KIND);
                Device device = {
                                .number = n,
                                .irq = IRQ_MMIO + i,
                                .kind = kind == KIND_NETWORK ? DEVICE_NETWORK : DEVICE_BLOCK,
                                .io = io,
                };

                if (register_read(io + MMIO_MAGIC) != MAGIC || (kind != KIND_NETWORK && kind != KIND_BLOCK))
                        continue;
                if (register_read(io + MMIO_VERSION) != VERSION_LEGACY)
                        PANIC("virtio device without legacy registers");
                device_attach(&device, device_name(&device));
                n++;
        }
}

void virtio_status_set(uintptr_t io, uint8_t status)
{
        register_write(io + MMIO_STATUS, status);
        register_write(io + MMIO_PAGE_SIZE, QUEUE_ALIGNMENT);
}

uint32_t virtio_features_accept(uintptr_t io, uint32_t wanted)
{
        uint32_t features;

        register_write(io + MMIO_DEVICE_FEATURES_SELECT, 0);
        features = register_read(io + MMIO_DEVICE_FEATURES) & wanted;
        register_write(io + MMIO_DRIVER_FEATURES_SELECT, 0);
        register_write(io + MMIO_DRIVER_FEATURES, features);
        return features;
}

uint8_t virtio_config_byte(uintptr_t io, unsigned offset)
{
        return register_read_byte(io + MMIO_CONFIG + offset);
}

uint16_t virtio_queue_size(uintptr_t io, uint16_t number)
{
        register_write(io + MMIO_QUEUE_SELECT, number);
        return (uint16_t)register_read(io + MMIO_QUEUE_SIZE_MAX);
}

void virtio_queue_place(uintptr_t io, uint16_t number, uintptr_t memory)
{
        register_write(io + MMIO_QUEUE_SELECT, number);
        register_write(io + MMIO_QUEUE_SIZE, register_read(io + MMIO_QUEUE_SIZE_MAX));
        register_write(io + MMIO_QUEUE_ALIGNMENT, QUEUE_ALIGNMENT);
        register_write(io + MMIO_QUEUE_PAGE, (uint32_t)(memory / QUEUE_ALIGNMENT));
}

void virtio_notify(uintptr_t io, uint16_t number)
{
        register_write(io + MMIO_QUEUE_NOTIFY, number);
}

void virtio_acknowledge(uintptr_t io)
{
        register_write(io + MMIO_INTERRUPTS_ACKNOWLEDGE, register_read(io + MMIO_INTERRUPTS));
}
