/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes and reads ustar archives of the files of one folder. Used for key material: nothing here copies or
 * logs contents. */

#include "common/ustar.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

/* The header of an entry: all fields in ASCII, numbers in octal with a final NUL. */
typedef struct UstarHeader {
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
} UstarHeader;

G_STATIC_ASSERT(sizeof(UstarHeader) == USTAR_BLOCK);

static const char zeros[2 * USTAR_BLOCK];

bool ustar_name_is_valid(const char *name)
{
        size_t length = name ? strlen(name) : 0;

        if (length == 0 || length > USTAR_NAME_MAX || name[0] == '.')
                return false;

        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || *p == '/' || *p == ':')
                        return false;

        return true;
}

static size_t padding_of(size_t size)
{
        return (USTAR_BLOCK - size % USTAR_BLOCK) % USTAR_BLOCK;
}

uint64_t ustar_size(const UstarEntry *entries, size_t n)
{
        uint64_t size = 2 * USTAR_BLOCK; /* two blocks of zeros end an archive */

        for (size_t i = 0; i < n; i++)
                size += USTAR_BLOCK + (uint64_t) entries[i].size + padding_of(entries[i].size);

        return size;
}

/* The checksum is the sum of all bytes, with those of its own field taken as spaces. */
static void header_fill(UstarHeader *header, const char *name, size_t size)
{
        unsigned sum = 0;

        *header = (UstarHeader){.type = '0', .magic = "ustar", .version = {'0', '0'}};
        memcpy(header->name, name, strlen(name));
        memcpy(header->mode, "0000400", 8);
        memcpy(header->uid, "0000000", 8);
        memcpy(header->gid, "0000000", 8);
        g_snprintf(header->size, sizeof header->size, "%011zo", size);
        memcpy(header->mtime, "00000000000", 12);
        memcpy(header->device_major, "0000000", 8);
        memcpy(header->device_minor, "0000000", 8);
        memset(header->checksum, ' ', sizeof header->checksum);
        for (size_t i = 0; i < sizeof *header; i++)
                sum += ((const unsigned char *) header)[i];
        g_snprintf(header->checksum, sizeof header->checksum - 1, "%06o", sum);
}

static gint compare_entries(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const UstarEntry *const *) a)->name, (*(const UstarEntry *const *) b)->name);
}

/* The entries in the archive's order, once all of them have passed the checks. */
static int sort_entries(const UstarEntry *entries, size_t n, GPtrArray **ret, Error *ret_error)
{
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();

        if (n > USTAR_ENTRIES_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED, "too many names: %zu, the maximum is %d",
                                n, USTAR_ENTRIES_MAX);
        for (size_t i = 0; i < n; i++) {
                if (!ustar_name_is_valid(entries[i].name)) {
                        g_autofree char *shown = text_for_display(entries[i].name, USTAR_NAME_MAX);

                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "'%s' is not a valid name: use 1 to %d printable characters without "
                                        "'/', ':' and space, not beginning with '.'",
                                        shown, USTAR_NAME_MAX);
                }
                if (entries[i].size > USTAR_SIZE_MAX)
                        break;
                g_ptr_array_add(sorted, (gpointer) &entries[i]);
        }

        if (sorted->len < n || ustar_size(entries, n) > USTAR_SIZE_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "the archive of all names would be larger than %d bytes, with 512 for each "
                                "name and its content rounded up to 512; remove what is not key material",
                                USTAR_SIZE_MAX);

        g_ptr_array_sort(sorted, compare_entries);
        for (guint i = 1; i < sorted->len; i++)
                if (compare_entries(&sorted->pdata[i - 1], &sorted->pdata[i]) == 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS, "'%s' is given twice",
                                        ((const UstarEntry *) sorted->pdata[i])->name);

        *ret = g_steal_pointer(&sorted);
        return 0;
}

int ustar_write(int fd, const UstarEntry *entries, size_t n, Error *ret_error)
{
        g_autoptr(GPtrArray) sorted = NULL;
        int r;

        r = sort_entries(entries, n, &sorted, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < sorted->len && r >= 0; i++) {
                const UstarEntry *entry = sorted->pdata[i];
                UstarHeader header;

                header_fill(&header, entry->name, entry->size);
                r = write_all(fd, &header, sizeof header);
                if (r >= 0)
                        r = write_all(fd, entry->data, entry->size);
                if (r >= 0)
                        r = write_all(fd, zeros, padding_of(entry->size));
        }
        if (r >= 0)
                r = write_all(fd, zeros, sizeof zeros);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write the archive");

        return 0;
}

int ustar_write_memfd(const UstarEntry *entries, size_t n, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = memfd_create("shruthi-archive", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r;

        if (fd < 0)
                return error_set_errno(ret_error, -errno, "Cannot allocate memory for the archive");

        r = ustar_write(fd, entries, n, ret_error);
        if (r < 0)
                return r;
        if (fchmod(fd, 0400) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
                        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return error_set_errno(ret_error, -errno, "Cannot seal the memory of the archive");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static void entry_clear(gpointer data)
{
        g_free((char *) ((UstarEntry *) data)->name);
}

/* One entry at the start of data, whose header must be exactly what header_fill() makes of its name and
 * size. */
static int parse_entry(const uint8_t *data, size_t size, UstarEntry *ret)
{
        g_autofree char *name = NULL;
        UstarHeader header, expected;
        size_t length;
        guint64 n;

        memcpy(&header, data, sizeof header);
        name = g_strndup(header.name, sizeof header.name);
        if (!ustar_name_is_valid(name) || header.size[sizeof header.size - 1] != 0 ||
                        !g_ascii_string_to_unsigned(header.size, 8, 0, USTAR_SIZE_MAX, &n, NULL))
                return -EBADMSG;

        length = (size_t) n;
        header_fill(&expected, name, length);
        if (memcmp(&header, &expected, sizeof header) != 0 ||
                        length + padding_of(length) > size - USTAR_BLOCK ||
                        memcmp(data + USTAR_BLOCK + length, zeros, padding_of(length)) != 0)
                return -EBADMSG;

        *ret = (UstarEntry){.name = g_steal_pointer(&name), .data = data + USTAR_BLOCK, .size = length};
        return 0;
}

int ustar_parse(const void *data, size_t size, GArray **ret_entries, Error *ret_error)
{
        g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(UstarEntry));
        const uint8_t *p = data;

        g_array_set_clear_func(entries, entry_clear);
        if (size > USTAR_SIZE_MAX || size % USTAR_BLOCK != 0)
                goto refuse;

        /* An entry's name is never empty, so a zero byte begins the end. */
        while (size > sizeof zeros && *p != 0) {
                const UstarEntry *last = NULL;
                UstarEntry entry;

                if (entries->len > 0)
                        last = &g_array_index(entries, UstarEntry, entries->len - 1);
                if (parse_entry(p, size, &entry) < 0)
                        goto refuse;
                p = (const uint8_t *) entry.data + entry.size + padding_of(entry.size);
                size -= USTAR_BLOCK + entry.size + padding_of(entry.size);
                if (entries->len >= USTAR_ENTRIES_MAX || (last && strcmp(last->name, entry.name) >= 0)) {
                        entry_clear(&entry);
                        goto refuse;
                }
                g_array_append_val(entries, entry);
        }
        if (size != sizeof zeros || memcmp(p, zeros, sizeof zeros) != 0)
                goto refuse;

        *ret_entries = g_steal_pointer(&entries);
        return 0;

refuse:
        return error_set(ret_error, ERROR_INVALID_DEFINITION,
                        "The archive is damaged, or was not made by SHRUTHI");
}
