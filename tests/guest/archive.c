/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads ustar archives, see archive.h. */

#include "archive.h"

#include "guest.h"

/* Text fields end with NUL or are full; numbers are octal, ended by NUL or space. */
typedef struct Header {
        char name[100];
        char mode[8];
        char uid[8];
        char gid[8];
        char size[12];
        char mtime[12];
        char checksum[8];
        char type;
        char link_name[100];
        char magic[6];
        char version[2];
        char user[32];
        char group[32];
        char device_major[8];
        char device_minor[8];
        char prefix[155];
        char padding[12];
} Header;

_Static_assert(sizeof(Header) == ARCHIVE_SECTOR, "a header is one sector");

static bool octal_parse(const char *field, size_t n, uint64_t *ret)
{
        uint64_t value = 0;
        size_t i = 0;

        while (i < n && field[i] == ' ')
                i++;
        if (i == n || field[i] < '0' || field[i] > '7')
                return false;
        for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
                value = value * 8 + (uint64_t)(field[i] - '0'); /* at most 12 digits, 36 bits */
        if (i < n && field[i] != '\0' && field[i] != ' ')
                return false;

        *ret = value;
        return true;
}

static bool is_zero(const uint8_t *sector)
{
        for (unsigned i = 0; i < ARCHIVE_SECTOR; i++)
                if (sector[i] != 0)
                        return false;
        return true;
}

/* The sum of all bytes, those of its own field taken as spaces. */
static bool checksum_is_right(const uint8_t *sector)
{
        const Header *h = (const Header *)sector;
        uint64_t expected, sum = 0;

        for (unsigned i = 0; i < ARCHIVE_SECTOR; i++)
                sum += i - offsetof(Header, checksum) < sizeof(h->checksum) ? ' ' : sector[i];
        return octal_parse(h->checksum, sizeof(h->checksum), &expected) && expected == sum;
}

static char *text_append(char *to, const char *field, size_t n)
{
        for (size_t i = 0; i < n && field[i] != '\0'; i++)
                *to++ = field[i];
        *to = '\0';
        return to;
}

static void name_read(const Header *h, char *ret)
{
        if (h->prefix[0] != '\0') {
                ret = text_append(ret, h->prefix, sizeof(h->prefix));
                *ret++ = '/';
        }
        text_append(ret, h->name, sizeof(h->name));
}

static int broken(Archive *a, const char *problem)
{
        a->problem = problem;
        return -1;
}

/* The archive stands at the first of the two sectors that end it. */
static int end_check(Archive *a)
{
        uint8_t sector[ARCHIVE_SECTOR];

        if (a->n_sectors - a->sector < 2)
                return broken(a, "one sector of zeroes instead of two ends it");
        if (!a->read(a->device, a->sector + 1, sector))
                return broken(a, "cannot be read");
        if (!is_zero(sector))
                return broken(a, "one sector of zeroes instead of two ends it");
        return 0;
}

int archive_next(Archive *a, ArchiveEntry *ret)
{
        uint8_t sector[ARCHIVE_SECTOR] __attribute__((aligned(8)));
        const Header *h = (const Header *)sector;
        uint64_t size, n_sectors;

        if (a->sector >= a->n_sectors)
                return broken(a, "the device ends before the archive does");
        if (!a->read(a->device, a->sector, sector))
                return broken(a, "cannot be read");
        if (is_zero(sector))
                return end_check(a);

        if (memcmp(h->magic, "ustar", 6) != 0 || memcmp(h->version, "00", 2) != 0)
                return broken(a, "this is no header of a ustar archive");
        if (!checksum_is_right(sector))
                return broken(a, "the header's checksum is wrong");
        if (h->name[0] == '\0')
                return broken(a, "an entry has no name");
        if (!octal_parse(h->size, sizeof(h->size), &size))
                return broken(a, "an entry's size is no octal number");
        n_sectors = (size + ARCHIVE_SECTOR - 1) / ARCHIVE_SECTOR;
        if (n_sectors > a->n_sectors - a->sector - 1)
                return broken(a, "an entry is larger than the rest of the device");

        name_read(h, ret->name);
        ret->type = h->type == '\0' ? '0' : h->type;
        ret->size = size;
        ret->sector = a->sector + 1;
        a->sector += 1 + n_sectors;
        return 1;
}
