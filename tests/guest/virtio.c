/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Legacy virtio, see virtio.h; net.c and block.c stand on it. */

#include "virtio.h"

enum {
        STATUS_ACKNOWLEDGE = 1,
        STATUS_DRIVER = 2,
        STATUS_DRIVER_OK = 4,
        AVAILABLE_NO_INTERRUPT = 1,
};

uint32_t virtio_start(uintptr_t io, uint32_t wanted)
{
        virtio_status_set(io, 0);
        virtio_status_set(io, STATUS_ACKNOWLEDGE);
        virtio_status_set(io, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
        return virtio_features_accept(io, wanted);
}

void virtio_ready(uintptr_t io)
{
        virtio_status_set(io, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
}

void virtio_config_read(uintptr_t io, unsigned offset, void *to, size_t n)
{
        uint8_t *bytes = to;

        for (size_t i = 0; i < n; i++)
                bytes[i] = virtio_config_byte(io, offset + (unsigned)i);
}

/* One piece of memory, laid out by 2.7.2: descriptors, available ring, and on the next page the used ring.
 */
void queue_init(Queue *queue, uintptr_t io, uint16_t number)
{
        size_t size, used_at;
        uint8_t *memory;

        size = virtio_queue_size(io, number);
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
        virtio_queue_place(io, number, (uintptr_t)memory);
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
        virtio_notify(queue->io, queue->number);
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
