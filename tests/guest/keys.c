/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Key material, a ustar archive on a block device: lists the names, and proves to have a key, never showing
 * its content. What is not a plain file is passed over.
 */

#include "archive.h"
#include "guest.h"
#include "sha256.h"

enum {
        TYPE_FILE = '0',
};

static bool sector_read(void *device, uint64_t sector, uint8_t *ret)
{
        return block_read(device, sector, ret, 1);
}

static Archive archive_of(Block *device)
{
        return (Archive){.n_sectors = block_sectors(device), .read = sector_read, .device = device};
}

/* A name comes from outside: what could upset a terminal is shown as '?'. */
static void name_print(const char *name)
{
        for (; *name != '\0'; name++)
                console_putc(*name > ' ' && *name <= '~' ? *name : '?');
}

static void problem_print(const Archive *a, Block *device)
{
        console_printf("%s: broken at sector %lu: %s\n", block_name(device), a->sector, a->problem);
}

void keys_list(Block *device)
{
        Archive a = archive_of(device);
        unsigned n = 0;
        ArchiveEntry e;
        int r;

        while ((r = archive_next(&a, &e)) > 0) {
                if (e.type != TYPE_FILE)
                        continue;
                console_printf("key: ");
                name_print(e.name);
                console_printf(" %lu bytes\n", e.size);
                n++;
        }
        if (r < 0)
                problem_print(&a, device);
        else
                console_printf("keys: %u in all\n", n);
}

/* 0 if there is none, -1 if the archive is broken, or has two: which of them would be the key? */
static int key_find(Block *device, const char *name, size_t n, ArchiveEntry *ret)
{
        Archive a = archive_of(device);
        unsigned n_found = 0;
        ArchiveEntry e;
        int r;

        while ((r = archive_next(&a, &e)) > 0) {
                if (e.type != TYPE_FILE || strlen(e.name) != n || memcmp(e.name, name, n) != 0)
                        continue;
                *ret = e;
                n_found++;
        }
        if (r < 0)
                problem_print(&a, device);
        else if (n_found > 1)
                console_printf("%s: broken: it has that key twice\n", block_name(device));
        return r < 0 || n_found > 1 ? -1 : (int)n_found;
}

static bool key_read(Block *device, const ArchiveEntry *e, HmacKey *ret)
{
        uint8_t sector[ARCHIVE_SECTOR];
        uint64_t rest = e->size;

        hmac_key_init(ret);
        for (uint64_t i = e->sector; rest > 0; i++) {
                size_t n = rest < sizeof(sector) ? rest : sizeof(sector);

                if (!block_read(device, i, sector, 1))
                        return false;
                hmac_key_add(ret, sector, n);
                rest -= n;
        }
        memset(sector, 0, sizeof(sector));
        return true;
}

void keys_prove(Block *device, const char *request)
{
        uint8_t proof[SHA256_SIZE];
        const char *nonce = request;
        ArchiveEntry e;
        HmacKey key;
        size_t n;
        int r;

        while (*nonce != '\0' && *nonce != ':')
                nonce++;
        n = (size_t)(nonce - request);
        if (n == 0 || *nonce++ != ':')
                PANIC("--prove needs KEY:NONCE");

        r = key_find(device, request, n, &e);
        if (r == 0)
                console_printf("%s: there is no such key\n", block_name(device));
        if (r <= 0)
                return;
        if (!key_read(device, &e, &key)) {
                console_printf("%s: cannot be read\n", block_name(device));
                return;
        }

        hmac_end(&key, nonce, strlen(nonce), proof);
        console_printf("proof: ");
        name_print(e.name);
        console_putc(' ');
        for (unsigned i = 0; i < sizeof(proof); i++)
                console_printf("%02x", proof[i]);
        console_putc('\n');
}
