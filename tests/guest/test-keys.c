/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of the test guest that a proof stands on, compiled for the host: HMAC-SHA-256 agrees with what
 * GLib says, and the archive's reader tells an entry from all that is none, never reading beyond the device.
 */

#include <glib.h>
#include <string.h>

#include "archive.h"
#include "sha256.h"

enum {
        DEVICE_SECTORS_MAX = 16,
        NAME_AT = 0,
        SIZE_AT = 124,
        CHECKSUM_AT = 148,
        TYPE_AT = 156,
        MAGIC_AT = 257,
        PREFIX_AT = 345,
};

typedef struct Device {
        uint8_t data[DEVICE_SECTORS_MAX][ARCHIVE_SECTOR];
        uint64_t n_sectors;
        uint64_t bad_sector; /* cannot be read */
} Device;

static bool device_read(void *userdata, uint64_t sector, uint8_t ret[ARCHIVE_SECTOR])
{
        const Device *d = userdata;

        g_assert_cmpuint(sector, <, d->n_sectors);
        memcpy(ret, d->data[sector], ARCHIVE_SECTOR);
        return sector != d->bad_sector;
}

static void header_sum(uint8_t *header)
{
        unsigned sum = 0;

        memset(header + CHECKSUM_AT, ' ', 8);
        for (size_t i = 0; i < ARCHIVE_SECTOR; i++)
                sum += header[i];
        g_snprintf((char *)header + CHECKSUM_AT, 7, "%06o", sum);
}

static void header_make(uint8_t *header, const char *name, const char *size)
{
        memset(header, 0, ARCHIVE_SECTOR);
        memcpy(header + NAME_AT, name, strlen(name));
        memcpy(header + SIZE_AT, size, strlen(size));
        memcpy(header + MAGIC_AT, "ustar\0" "00", 8);
        header[TYPE_AT] = '0';
        header_sum(header);
}

/* a.key of 700 bytes at sectors 0 to 2, b.key of 0 at 3, the end at 4 and 5. */
static Device *device_new(void)
{
        Device *d = g_new0(Device, 1);

        d->n_sectors = 6;
        d->bad_sector = DEVICE_SECTORS_MAX;
        header_make(d->data[0], "a.key", "00000001274");
        header_make(d->data[3], "b.key", "00000000000");
        return d;
}

static Archive device_archive(Device *d)
{
        return (Archive){.n_sectors = d->n_sectors, .read = device_read, .device = d};
}

static void test_archive_good(void)
{
        g_autofree Device *d = device_new();
        Archive a = device_archive(d);
        ArchiveEntry e;

        g_assert_cmpint(archive_next(&a, &e), ==, 1);
        g_assert_cmpstr(e.name, ==, "a.key");
        g_assert_cmpint(e.type, ==, '0');
        g_assert_cmpuint(e.size, ==, 700);
        g_assert_cmpuint(e.sector, ==, 1);
        g_assert_cmpint(archive_next(&a, &e), ==, 1);
        g_assert_cmpstr(e.name, ==, "b.key");
        g_assert_cmpuint(e.size, ==, 0);
        g_assert_cmpint(archive_next(&a, &e), ==, 0);
}

/* The longest name there can be is one whose two fields are full, without any NUL. */
static void test_archive_long_name(void)
{
        g_autofree Device *d = device_new();
        Archive a = device_archive(d);
        ArchiveEntry e;

        memset(d->data[0] + NAME_AT, 'n', 100);
        memset(d->data[0] + PREFIX_AT, 'p', 155);
        header_sum(d->data[0]);
        g_assert_cmpint(archive_next(&a, &e), ==, 1);
        g_assert_cmpuint(strlen(e.name), ==, 256);
        g_assert_cmpint(e.name[154], ==, 'p');
        g_assert_cmpint(e.name[155], ==, '/');
        g_assert_cmpint(e.name[156], ==, 'n');
}

typedef struct Broken {
        const char *path;
        size_t at; /* in the first header */
        const char *bytes;
        size_t n;
        bool summed; /* with the checksum made right again */
        const char *problem;
} Broken;

#define BYTES(s) s, sizeof(s) - 1
static const Broken broken[] = {
                {"no ustar", MAGIC_AT, BYTES("gnutar"), true, "this is no header of a ustar archive"},
                {"of GNU's own kind", MAGIC_AT, BYTES("ustar  \0"), true,
                                "this is no header of a ustar archive"},
                {"of random bytes", NAME_AT, BYTES("\x9c\x1f\xff\xfe"), false,
                                "the header's checksum is wrong"},
                {"without a name", NAME_AT, BYTES("\0\0\0\0\0"), true, "an entry has no name"},
                {"with a size in base 256", SIZE_AT, BYTES("\x80\0\0\0\0\0\0\0\0\0\2\0"), true,
                                "an entry's size is no octal number"},
                {"with a negative size", SIZE_AT, BYTES("-0000000001"), true,
                                "an entry's size is no octal number"},
                {"with a size of 8", SIZE_AT, BYTES("00000000018"), true,
                                "an entry's size is no octal number"},
                {"without a size", SIZE_AT, BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), true,
                                "an entry's size is no octal number"},
                {"one sector too large", SIZE_AT, BYTES("00000005001"), true,
                                "an entry is larger than the rest of the device"},
                {"of the largest size", SIZE_AT, BYTES("777777777777"), true,
                                "an entry is larger than the rest of the device"},
                {"with no number as checksum", CHECKSUM_AT, BYTES("xxxxxxxx"), false,
                                "the header's checksum is wrong"},
};

static void test_archive_broken(const void *data)
{
        const Broken *b = data;
        g_autofree Device *d = device_new();
        Archive a = device_archive(d);
        ArchiveEntry e;

        memcpy(d->data[0] + b->at, b->bytes, b->n);
        if (b->summed)
                header_sum(d->data[0]);
        g_assert_cmpint(archive_next(&a, &e), ==, -1);
        g_assert_cmpstr(a.problem, ==, b->problem);
        g_assert_cmpuint(a.sector, ==, 0);
}

/* Cut off anywhere, it is never taken for a whole one. */
static void test_archive_cut(void)
{
        for (uint64_t n = 0; n < 6; n++) {
                g_autofree Device *d = device_new();
                Archive a;
                ArchiveEntry e;
                int r;

                d->n_sectors = n;
                a = device_archive(d);
                while ((r = archive_next(&a, &e)) > 0)
                        ;
                g_assert_cmpint(r, ==, -1);
        }
}

static void test_archive_end(void)
{
        g_autofree Device *d = device_new();
        Archive a = device_archive(d);
        ArchiveEntry e;

        d->data[5][511] = 1;
        g_assert_cmpint(archive_next(&a, &e), ==, 1);
        g_assert_cmpint(archive_next(&a, &e), ==, 1);
        g_assert_cmpint(archive_next(&a, &e), ==, -1);
        g_assert_cmpstr(a.problem, ==, "one sector of zeroes instead of two ends it");
}

static void test_archive_unreadable(void)
{
        static const uint64_t sectors[] = {0, 3, 4, 5};

        for (size_t i = 0; i < G_N_ELEMENTS(sectors); i++) {
                g_autofree Device *d = device_new();
                Archive a = device_archive(d);
                ArchiveEntry e;
                int r;

                d->bad_sector = sectors[i];
                while ((r = archive_next(&a, &e)) > 0)
                        ;
                g_assert_cmpint(r, ==, -1);
                g_assert_cmpstr(a.problem, ==, "cannot be read");
        }
}

/* No change of one byte makes the reader leave the device (device_read() looks), or go on for ever. */
static void test_archive_any_byte(void)
{
        for (size_t at = 0; at < ARCHIVE_SECTOR; at++)
                for (unsigned value = 0; value < 256; value++) {
                        g_autofree Device *d = device_new();
                        Archive a = device_archive(d);
                        ArchiveEntry e;
                        unsigned n = 0;

                        d->data[0][at] = (uint8_t)value;
                        header_sum(d->data[0]);
                        while (archive_next(&a, &e) > 0) {
                                g_assert_cmpuint(e.sector + (e.size + 511) / 512, <=, d->n_sectors);
                                g_assert_cmpuint(++n, <=, d->n_sectors);
                        }
                }
}

static void proof_check(const uint8_t *key, size_t n_key, const char *nonce)
{
        g_autofree char *expected = g_compute_hmac_for_data(
                        G_CHECKSUM_SHA256, key, n_key, (const guchar *)nonce, strlen(nonce));
        g_autoptr(GString) actual = g_string_new(NULL);
        uint8_t proof[SHA256_SIZE];
        HmacKey k;

        hmac_key_init(&k);
        for (size_t at = 0; at < n_key; at += 512)
                hmac_key_add(&k, key + at, MIN(n_key - at, (size_t)512));
        hmac_end(&k, nonce, strlen(nonce), proof);
        for (size_t i = 0; i < sizeof(proof); i++)
                g_string_append_printf(actual, "%02x", proof[i]);
        g_assert_cmpstr(actual->str, ==, expected);
}

/* Lengths of key and nonce around each border: a block of 64, its last 9 bytes, a sector. */
static void test_proof(void)
{
        static const size_t sizes[] = {0, 1, 31, 32, 55, 56, 63, 64, 65, 119, 120, 128, 511, 512, 513, 1704,
                        9000};
        g_autofree uint8_t *key = g_malloc(9000);

        for (size_t i = 0; i < 9000; i++)
                key[i] = (uint8_t)(i * 7 + i / 256);
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
                for (size_t n = 0; n < 200; n++) {
                        g_autofree char *nonce = g_strnfill(n, 'x');

                        proof_check(key, sizes[i], nonce);
                }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/guest/archive/gives its entries in order", test_archive_good);
        g_test_add_func("/guest/archive/reads the longest name", test_archive_long_name);
        for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
                g_autofree char *path = g_strdup_printf("/guest/archive/refuses one %s", broken[i].path);

                g_test_add_data_func(path, &broken[i], test_archive_broken);
        }
        g_test_add_func("/guest/archive/refuses one cut off", test_archive_cut);
        g_test_add_func("/guest/archive/refuses half an end", test_archive_end);
        g_test_add_func("/guest/archive/tells what cannot be read", test_archive_unreadable);
        g_test_add_func("/guest/archive/survives any byte", test_archive_any_byte);
        g_test_add_func("/guest/proof/agrees with another HMAC", test_proof);
        return g_test_run();
}
