/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Block devices (Virtio 1.2, section 5.2), one request at a time; volume.c and keys.c use them. */

#include "ports.h"
#include "virtio.h"

enum {
        BLOCKS_MAX = 32,
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
        uint8_t data[BLOCK_SECTORS_MAX * SECTOR_SIZE];
        uint8_t status;
} Request;

struct Block {
        const char *name;
        uint16_t io;
        uint8_t irq;
        bool read_only, has_flush;
        uint64_t n_sectors;
        Queue queue;
        Request *request;
};

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

static bool request_run(Block *b, uint32_t type, uint64_t sector, size_t n_bytes)
{
        Descriptor *d = b->queue.descriptors;
        uint32_t ignored;

        b->request->type = type;
        b->request->sector = sector;
        b->request->status = 0xff;
        d[0] = (Descriptor){(uintptr_t)b->request, offsetof(Request, data), DESCRIPTOR_NEXT,
                        type == REQUEST_FLUSH ? 2 : 1};
        d[1] = (Descriptor){(uintptr_t)b->request->data, (uint32_t)n_bytes,
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

Block *block_find(const char *name)
{
        for (unsigned i = 0; i < n_blocks; i++)
                if (streq(blocks[i].name, name))
                        return &blocks[i];
        return NULL;
}

const char *block_name(const Block *b)
{
        return b->name;
}

uint64_t block_sectors(const Block *b)
{
        return b->n_sectors;
}

bool block_is_read_only(const Block *b)
{
        return b->read_only;
}

bool block_read(Block *b, uint64_t sector, void *ret, size_t n_sectors)
{
        if (!request_run(b, REQUEST_READ, sector, n_sectors * SECTOR_SIZE))
                return false;
        memcpy(ret, b->request->data, n_sectors * SECTOR_SIZE);
        return true;
}

bool block_write(Block *b, uint64_t sector, const void *data, size_t n_sectors)
{
        memcpy(b->request->data, data, n_sectors * SECTOR_SIZE);
        return request_run(b, REQUEST_WRITE, sector, n_sectors * SECTOR_SIZE);
}

bool block_flush(Block *b)
{
        return !b->has_flush || request_run(b, REQUEST_FLUSH, 0, 0);
}

void block_interrupt(unsigned irq)
{
        for (unsigned i = 0; i < n_blocks; i++)
                if (blocks[i].irq == irq)
                        inb(blocks[i].io + VIRTIO_ISR);
}
