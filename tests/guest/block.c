/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Block devices (Virtio 1.2, section 5.2). The first sector of the one that is called `storage` holds a
 * counter of boots; a sector that holds anything else is left alone, and so are all other devices.
 */

#include "virtio.h"

enum {
        BLOCKS_MAX = 32,
        SECTOR_SIZE = 512,
        FEATURE_READ_ONLY = 1 << 5,
        FEATURE_FLUSH = 1 << 9,
        REQUEST_READ = 0,
        REQUEST_WRITE = 1,
        REQUEST_FLUSH = 4,
        STATUS_OK = 0,
};

typedef struct Request {
        uint32_t type;
        uint32_t priority;
        uint64_t sector;
        uint8_t data[SECTOR_SIZE];
        uint8_t status;
} Request;

typedef struct Block {
        const char *name;
        uint16_t io;
        uint8_t irq;
        bool read_only, has_flush;
        uint64_t n_sectors;
        Queue queue;
        Request *request;
} Block;

typedef struct Counter {
        char magic[12];
        uint32_t boots;
} Counter;

static const char counter_magic[12] = "guest-boots";
static Block blocks[BLOCKS_MAX];
static unsigned n_blocks;
static Block *waiting; /* the device whose request cpu_wait() waits for */

void block_attach(const PciDevice *pci, const char *name)
{
        Block *b = &blocks[n_blocks];
        uint32_t features;

        if (n_blocks >= BLOCKS_MAX)
                PANIC("too many block devices");

        features = virtio_start(pci->io, FEATURE_READ_ONLY | FEATURE_FLUSH);
        b->name = name;
        b->io = pci->io;
        b->irq = pci->irq;
        b->read_only = features & FEATURE_READ_ONLY;
        b->has_flush = features & FEATURE_FLUSH;
        virtio_config_read(pci->io, 0, &b->n_sectors, sizeof(b->n_sectors));
        console_printf("%lu sectors%s\n", b->n_sectors, b->read_only ? ", read-only" : "");

        queue_init(&b->queue, pci->io, 0);
        b->request = memory_take(sizeof(Request), 16);
        virtio_ready(pci->io);
        n_blocks++;
}

static bool request_done(void)
{
        return queue_pending(&waiting->queue);
}

static bool request_run(Block *b, uint32_t type)
{
        Descriptor *d = b->queue.descriptors;
        uint32_t ignored;

        b->request->type = type;
        b->request->sector = 0;
        b->request->status = 0xff;
        d[0] = (Descriptor){(uintptr_t)b->request, offsetof(Request, data), DESCRIPTOR_NEXT,
                        type == REQUEST_FLUSH ? 2 : 1};
        d[1] = (Descriptor){(uintptr_t)b->request->data, SECTOR_SIZE,
                        DESCRIPTOR_NEXT | (type == REQUEST_READ ? DESCRIPTOR_WRITE : 0), 2};
        d[2] = (Descriptor){(uintptr_t)&b->request->status, 1, DESCRIPTOR_WRITE, 0};

        queue_add(&b->queue, 0);
        queue_notify(&b->queue);
        waiting = b;
        while (!request_done())
                cpu_wait(request_done);
        queue_take(&b->queue, &ignored);
        return b->request->status == STATUS_OK;
}

static void boots_count(Block *b)
{
        static const Counter nothing;
        Counter counter;

        if (b->n_sectors == 0) {
                console_printf("%s is empty\n", b->name);
                return;
        }
        if (!request_run(b, REQUEST_READ)) {
                console_printf("%s cannot be read\n", b->name);
                return;
        }
        memcpy(&counter, b->request->data, sizeof(counter));
        if (memcmp(&counter, &nothing, sizeof(counter)) == 0)
                memcpy(counter.magic, counter_magic, sizeof(counter_magic));
        if (memcmp(counter.magic, counter_magic, sizeof(counter_magic)) != 0) {
                console_printf("%s holds something else, left alone\n", b->name);
                return;
        }
        if (b->read_only) {
                console_printf("boots: %u\n%s is read-only\n", counter.boots, b->name);
                return;
        }

        counter.boots++;
        memcpy(b->request->data, &counter, sizeof(counter));
        if (!request_run(b, REQUEST_WRITE) || (b->has_flush && !request_run(b, REQUEST_FLUSH))) {
                console_printf("%s cannot be written\n", b->name);
                return;
        }
        console_printf("boots: %u\n", counter.boots);
}

void block_start(void)
{
        for (unsigned i = 0; i < n_blocks; i++)
                if (streq(blocks[i].name, "storage"))
                        boots_count(&blocks[i]);
}

void block_interrupt(unsigned irq)
{
        for (unsigned i = 0; i < n_blocks; i++)
                if (blocks[i].irq == irq)
                        inb(blocks[i].io + VIRTIO_ISR);
}
