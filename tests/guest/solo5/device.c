/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The devices are the tender's. So that net.c and block.c need not know, the queues of virtio that they use are served
 * here, by a call when something is added or looked for. A queue's port is the entry of the manifest.
 */

#include "host.h"
#include "virtio.h"

enum {
        QUEUE_SIZE = 64,
        QUEUE_RECEIVE = 0,
        REQUEST_WRITE = 1, /* block.c */
        REQUEST_FLUSH = 4,
};

/* What the tender made of the manifest: the same entries, the reserved one first. */
const Attached *device_attached(unsigned entry)
{
        const ManifestEntry *entries = (const ManifestEntry *)((const char *)boot_manifest + 8);

        return (const Attached *)(const void *)entries[entry + 1].runtime;
}

static uint32_t device_kind(unsigned entry)
{
        return manifest_entries[entry].type;
}

void pci_attach_all(void)
{
        for (unsigned i = 0; i < manifest_n_entries; i++) {
                PciDevice pci = {.slot = (uint8_t)i, .kind = (uint16_t)device_kind(i), .io = (uint16_t)i};
                bool network = pci.kind == DEVICE_NETWORK;

                if (!device_attached(i)->attached)
                        PANIC("a device is not attached");
                console_printf("device: %s %s at descriptor %d, ", network ? "network" : "block",
                                manifest_entries[i].name, device_attached(i)->fd);
                if (network)
                        net_attach(&pci, manifest_entries[i].name);
                else
                        block_attach(&pci, manifest_entries[i].name);
        }
}

uint32_t virtio_start(uint16_t io, uint32_t wanted)
{
        enum { FEATURE_MAC = 1 << 5 }; /* of block devices, the same bit says that they are read-only */

        return device_kind(io) == DEVICE_NETWORK ? wanted & FEATURE_MAC : 0;
}

void virtio_ready(uint16_t io)
{
        (void)io;
}

void virtio_config_read(uint16_t io, unsigned offset, void *to, size_t n)
{
        const Attached *device = device_attached(io);
        uint64_t sectors = device->block.capacity / SECTOR_SIZE;

        (void)offset;
        memcpy(to, device_kind(io) == DEVICE_NETWORK ? (const void *)device->network.mac : &sectors, n);
}

void queue_init(Queue *queue, uint16_t io, uint16_t number)
{
        *queue = (Queue){.io = io, .number = number, .size = QUEUE_SIZE};
        queue->descriptors = memory_take(QUEUE_SIZE * sizeof(Descriptor), 16);
        queue->available = memory_take(sizeof(Available) + QUEUE_SIZE * sizeof(uint16_t), 4);
        queue->used = memory_take(sizeof(Used) + QUEUE_SIZE * 8, 4);
}

void queue_quiet(Queue *queue)
{
        (void)queue;
}

static void queue_done(Queue *queue, uint16_t head, long size)
{
        uint16_t at = queue->used->index % QUEUE_SIZE;

        queue->used->ring[at].id = head;
        queue->used->ring[at].size = (uint32_t)size;
        queue->used->index++;
}

static uint8_t block_request(unsigned entry, const Descriptor *d)
{
        const struct {
                uint32_t type;
                uint32_t priority;
                uint64_t sector;
        } *request = (const void *)(uintptr_t)d[0].address;
        uint32_t step = device_attached(entry)->block.block_size;

        for (uint32_t done = 0; request->type != REQUEST_FLUSH && done < d[1].size; done += step)
                if (!host_block_transfer(entry, request->type == REQUEST_WRITE,
                                    (void *)(uintptr_t)(d[1].address + done), step,
                                    request->sector * SECTOR_SIZE + done))
                        return 1;
        return 0;
}

void queue_add(Queue *queue, uint16_t head)
{
        const Descriptor *d = &queue->descriptors[head];

        if (device_kind(queue->io) == DEVICE_BLOCK)
                *(uint8_t *)(uintptr_t)d[2].address = block_request(queue->io, d);
        else if (queue->number == QUEUE_RECEIVE) {
                queue->available->ring[queue->available->index++ % QUEUE_SIZE] = head;
                return;
        } else
                host_network_write(queue->io, (const void *)(uintptr_t)d[1].address, d[1].size);
        queue_done(queue, head, 0);
}

void queue_notify(Queue *queue)
{
        (void)queue;
}

/* There are always buffers to receive into: what is taken is added again. */
bool queue_pending(const Queue *queue)
{
        Queue *q = (Queue *)(uintptr_t)queue;
        const Descriptor *d;
        uint16_t head;
        long n;

        if (queue->used->index != queue->seen)
                return true;
        if (device_kind(queue->io) != DEVICE_NETWORK || queue->number != QUEUE_RECEIVE)
                return false;

        head = queue->available->ring[queue->used->index % QUEUE_SIZE];
        d = &queue->descriptors[head + 1];
        n = host_network_read(queue->io, (void *)(uintptr_t)d->address, d->size);
        if (n <= 0)
                return false;
        queue_done(q, head, n + queue->descriptors[head].size);
        return true;
}

uint16_t queue_take(Queue *queue, uint32_t *ret_size)
{
        uint16_t at = queue->seen++ % QUEUE_SIZE;

        *ret_size = queue->used->ring[at].size;
        return (uint16_t)queue->used->ring[at].id;
}

void networks_drain(void)
{
        static uint8_t frame[2048];

        for (unsigned i = 0; i < manifest_n_entries; i++)
                while (device_kind(i) == DEVICE_NETWORK &&
                                host_network_read(i, frame, sizeof(frame)) > 0)
                        compiler_barrier();
}
