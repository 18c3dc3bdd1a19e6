/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Legacy virtio over PCI, see virtio.h; net.c and block.c stand on it. */

#include "ports.h"
#include "virtio.h"

enum {
        STATUS_ACKNOWLEDGE = 1,
        STATUS_DRIVER = 2,
        STATUS_DRIVER_OK = 4,
        QUEUE_ALIGNMENT = 4096,
        AVAILABLE_NO_INTERRUPT = 1,
};

uint32_t virtio_start(uint16_t io, uint32_t wanted)
{
        uint32_t features;

        outb(io + VIRTIO_STATUS, 0);
        outb(io + VIRTIO_STATUS, STATUS_ACKNOWLEDGE);
        outb(io + VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);

        features = inl(io + VIRTIO_DEVICE_FEATURES) & wanted;
        outl(io + VIRTIO_DRIVER_FEATURES, features);
        return features;
}

void virtio_ready(uint16_t io)
{
        outb(io + VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
}

void virtio_config_read(uint16_t io, unsigned offset, void *to, size_t n)
{
        uint8_t *bytes = to;

        for (size_t i = 0; i < n; i++)
                bytes[i] = inb((uint16_t)(io + VIRTIO_CONFIG + offset + i));
}

/* One piece of memory, laid out by 2.7.2: descriptors, available ring, and on the next page the used ring.
 */
void queue_init(Queue *queue, uint16_t io, uint16_t number)
{
        size_t size, used_at;
        uint8_t *memory;

        outw(io + VIRTIO_QUEUE_SELECT, number);
        size = inw(io + VIRTIO_QUEUE_SIZE);
        if (size == 0)
                PANIC("virtio device lacks a queue");

        used_at = size * sizeof(Descriptor) + sizeof(Available) + (size + 1) * sizeof(uint16_t);
        used_at = (used_at + QUEUE_ALIGNMENT - 1) & ~(size_t)(QUEUE_ALIGNMENT - 1);
        memory = memory_take(used_at + sizeof(Used) + size * 8 + sizeof(uint16_t), QUEUE_ALIGNMENT);

        *queue = (Queue){
                        .io = io,
                        .number = number,
                        .size = (uint16_t)size,
                        .descriptors = (Descriptor *)memory,
                        .available = (volatile Available *)(memory + size * sizeof(Descriptor)),
                        .used = (volatile Used *)(memory + used_at),
        };
        outl(io + VIRTIO_QUEUE_ADDRESS, (uint32_t)((uintptr_t)memory / QUEUE_ALIGNMENT));
}

void queue_quiet(Queue *queue)
{
        queue->available->flags = AVAILABLE_NO_INTERRUPT;
}

void queue_add(Queue *queue, uint16_t head)
{
        uint16_t index = queue->available->index;

        queue->available->ring[index % queue->size] = head;
        barrier();
        queue->available->index = (uint16_t)(index + 1);
}

void queue_notify(Queue *queue)
{
        barrier();
        outw(queue->io + VIRTIO_QUEUE_NOTIFY, queue->number);
}

bool queue_pending(const Queue *queue)
{
        return queue->used->index != queue->seen;
}

uint16_t queue_take(Queue *queue, uint32_t *ret_size)
{
        uint16_t slot = queue->seen % queue->size;

        barrier();
        *ret_size = queue->used->ring[slot].size;
        queue->seen++;
        return (uint16_t)queue->used->ring[slot].id;
}
