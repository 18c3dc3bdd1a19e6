/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Legacy virtio: Virtio 1.2, section 2.7 (split queues), on the registers of pci.c or mmio.c. */

#include "guest.h"

enum {
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
        uintptr_t io;
        uint16_t number;
        uint16_t size;
        uint16_t seen; /* the used entries that were taken */
        Descriptor *descriptors;
        volatile Available *available;
        volatile Used *used;
} Queue;

/* pci.c, mmio.c */
enum {
        QUEUE_ALIGNMENT = 4096,
};
void virtio_status_set(uintptr_t io, uint8_t status);
/* Accepts those of the wanted features that the device has, and says which. */
uint32_t virtio_features_accept(uintptr_t io, uint32_t wanted);
uint8_t virtio_config_byte(uintptr_t io, unsigned offset);
uint16_t virtio_queue_size(uintptr_t io, uint16_t number); /* 0: there is none */
void virtio_queue_place(uintptr_t io, uint16_t number, uintptr_t memory);
void virtio_notify(uintptr_t io, uint16_t number);
void virtio_acknowledge(uintptr_t io); /* the device's interrupt */

/* virtio.c */
/* Resets the device and takes those of the wanted features that it has. */
uint32_t virtio_start(uintptr_t io, uint32_t wanted);
void virtio_ready(uintptr_t io);
void virtio_config_read(uintptr_t io, unsigned offset, void *to, size_t n);

void queue_init(Queue *queue, uintptr_t io, uint16_t number);
void queue_quiet(Queue *queue); /* no interrupts from this one */
/* Gives the chain that begins with this descriptor to the device; queue_notify() tells it. */
void queue_add(Queue *queue, uint16_t head);
void queue_notify(Queue *queue);
bool queue_pending(const Queue *queue);
/* The next chain that the device has done with, and how much it wrote; only after queue_pending(). */
uint16_t queue_take(Queue *queue, uint32_t *ret_size);
