/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Legacy virtio over PCI: Virtio 1.2, sections 2.7 (split queues) and 4.1.4.8 (legacy registers). */

#include "guest.h"

enum {
        VIRTIO_DEVICE_FEATURES = 0,
        VIRTIO_DRIVER_FEATURES = 4,
        VIRTIO_QUEUE_ADDRESS = 8,
        VIRTIO_QUEUE_SIZE = 12,
        VIRTIO_QUEUE_SELECT = 14,
        VIRTIO_QUEUE_NOTIFY = 16,
        VIRTIO_STATUS = 18,
        VIRTIO_ISR = 19,
        VIRTIO_CONFIG = 20, /* the device's own, without MSI-X */

        DESCRIPTOR_NEXT = 1,
        DESCRIPTOR_WRITE = 2, /* the device writes */
};

typedef struct Descriptor {
        uint64_t address;
        uint32_t size;
        uint16_t flags;
        uint16_t next;
} Descriptor;

typedef struct Available {
        uint16_t flags;
        uint16_t index;
        uint16_t ring[];
} Available;

typedef struct Used {
        uint16_t flags;
        uint16_t index;
        struct {
                uint32_t id;
                uint32_t size;
        } ring[];
} Used;

typedef struct Queue {
        uint16_t io;
        uint16_t number;
        uint16_t size;
        uint16_t seen; /* the used entries that were taken */
        Descriptor *descriptors;
        volatile Available *available;
        volatile Used *used;
} Queue;

/* Resets the device and takes those of the wanted features that it has. */
uint32_t virtio_start(uint16_t io, uint32_t wanted);
void virtio_ready(uint16_t io);
void virtio_config_read(uint16_t io, unsigned offset, void *to, size_t n);

void queue_init(Queue *queue, uint16_t io, uint16_t number);
void queue_quiet(Queue *queue); /* no interrupts from this one */
/* Gives the chain that begins with this descriptor to the device; queue_notify() tells it. */
void queue_add(Queue *queue, uint16_t head);
void queue_notify(Queue *queue);
bool queue_pending(const Queue *queue);
/* The next chain that the device has done with, and how much it wrote; only after queue_pending(). */
uint16_t queue_take(Queue *queue, uint32_t *ret_size);
