/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the descriptor that QEMU gets from the unit's credentials. Called by start.c. */

#include "domain/plan/credentials.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/unikernel-name.h"
#include "common/ustar.h"
#include "unikernel/credential-space.h"
#include "unikernel/unit-files.h"

/* A credential, mapped rather than read, so that no copy is left in the memory of this process. */
typedef struct Mapped {
        int fd;
        void *data;
        size_t size;
} Mapped;

static void mapped_free(gpointer data)
{
        Mapped *mapped = data;

        if (mapped->data)
                (void) munmap(mapped->data, mapped->size);
        close_safe(mapped->fd);
        g_free(mapped);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mapped, mapped_free)

/* *ret_mapped is NULL if it does not exist. */
static int mapped_open_credential(int dir_fd, const char *name, Mapped **ret_mapped, Error *ret_error)
{
        g_autoptr(Mapped) mapped = g_new0(Mapped, 1);
        struct stat st;

        mapped->fd = dir_fd < 0 ? -EBADF
                                : openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (dir_fd < 0 || (mapped->fd < 0 && errno == ENOENT)) {
                *ret_mapped = NULL;
                return 0;
        }
        if (mapped->fd < 0 || fstat(mapped->fd, &st) < 0)
                return error_set_errno(ret_error, -errno, "Cannot open credential '%s'", name);
        if (!S_ISREG(st.st_mode))
                return error_set(
                                ret_error, ERROR_CREDENTIALS_DAMAGED, "Credential '%s' is not a file", name);
        if (st.st_size > USTAR_SIZE_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Credential '%s' has %jd bytes, more than the %d of the whole archive", name,
                                (intmax_t) st.st_size, USTAR_SIZE_MAX);

        mapped->size = (size_t) st.st_size;
        if (mapped->size > 0) {
                void *data = mmap(NULL, mapped->size, PROT_READ, MAP_PRIVATE, mapped->fd, 0);

                if (data == MAP_FAILED)
                        return error_set_errno(ret_error, -errno, "Cannot read credential '%s'", name);
                mapped->data = data;
        }

        *ret_mapped = g_steal_pointer(&mapped);
        return 0;
}

/* Whether it is the content that systemd has if no key was set. */
static bool mapped_is_none(const Mapped *mapped)
{
        size_t size = strlen(UNIT_FILES_NO_ARCHIVE);

        return mapped->size == size && memcmp(mapped->data, UNIT_FILES_NO_ARCHIVE, size) == 0;
}

static int mapped_open_archive(
                int dir_fd, const char *name, Mapped **ret_mapped, GArray **ret_entries, Error *ret_error)
{
        g_autofree char *own = name_without_twin(name),
                        *credential = g_strconcat(SHRUTHI_CREDENTIAL_PREFIX, own, NULL);
        g_autoptr(Mapped) mapped = NULL;
        int r;

        r = mapped_open_credential(dir_fd, credential, &mapped, ret_error);
        if (r < 0)
                return r;
        if (mapped && mapped_is_none(mapped))
                g_clear_pointer(&mapped, mapped_free);
        if (mapped) {
                _cleanup_error_ Error error = ERROR_INIT;

                r = ustar_parse(mapped->data, mapped->size, ret_entries, &error);
                if (r < 0)
                        return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED,
                                        "The keys that were set for '%s' are damaged (%s): remove them with "
                                        "'shruthictl credential remove %s --all' and set them again",
                                        own, error_message(&error, r), own);
        }

        *ret_mapped = g_steal_pointer(&mapped);
        return 0;
}

static void notices_add(GPtrArray *notices, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void notices_add(GPtrArray *notices, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        g_ptr_array_add(notices, g_strdup_vprintf(format, ap));
        va_end(ap);
}

/* Maps what systemd loaded for the definition's sources; omits those that are in no store, as systemd
 * does. */
static int sources_map(int dir_fd, const Definition *definition, GPtrArray *notices, GPtrArray *mapped,
                GArray *entries, Error *ret_error)
{
        const GPtrArray *sources = definition_credentials(definition)->sources;

        for (guint i = 0; i < sources->len; i++) {
                const DefinitionSource *source = sources->pdata[i];
                UstarEntry entry = {.name = source->id};
                Mapped *one = NULL;
                int r;

                r = mapped_open_credential(dir_fd, source->id, &one, ret_error);
                if (r < 0)
                        return r;
                if (!one && source->from[0] == '/')
                        return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED,
                                        "%s:%u: systemd did not load credential '%s': run 'systemctl "
                                        "daemon-reload' after a change, and name a file, not a directory",
                                        source->file, source->line, source->id);
                if (!one) {
                        notices_add(notices,
                                        "Credential '%s' was not found in systemd's stores as '%s'; the "
                                        "guest does not get it",
                                        source->id, source->from);
                        continue;
                }

                g_ptr_array_add(mapped, one);
                entry.data = one->data;
                entry.size = one->size;
                g_array_append_val(entries, entry);
        }

        return 0;
}

static bool entries_contain(const GArray *entries, guint n, const char *name)
{
        for (guint i = 0; i < n; i++)
                if (g_str_equal(g_array_index(entries, UstarEntry, i).name, name))
                        return true;

        return false;
}

static void entries_add_archive(GArray *entries, const GArray *archive, GPtrArray *notices)
{
        guint n = entries->len;

        for (guint i = 0; archive && i < archive->len; i++) {
                const UstarEntry *entry = &g_array_index(archive, UstarEntry, i);

                if (entries_contain(entries, n, entry->name))
                        notices_add(notices,
                                        "Credential '%s' was set and is also in the definition, which takes "
                                        "precedence",
                                        entry->name);
                else
                        g_array_append_val(entries, *entry);
        }
}

/* Applies the limit also if this systemd has loaded more than other releases would. */
static int credentials_check_space(
                const Definition *definition, const Mapped *file, const GPtrArray *mapped, Error *ret_error)
{
        uint64_t sources = 0;

        for (guint i = 0; i < mapped->len; i++)
                sources += credential_space(((const Mapped *) mapped->pdata[i])->size);

        return credential_space_check(definition, sources, file ? file->size : 0, false, ret_error);
}

/* QEMU accepts a descriptor for a read-only disk only if it is not writable. */
static int entries_join(const GArray *entries, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        char path[sizeof "/proc/self/fd/" + 11];
        int r, reader;

        r = ustar_write_memfd((const UstarEntry *) entries->data, entries->len, &fd, ret_error);
        if (r < 0)
                return r;

        (void) snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        reader = open(path, O_RDONLY | O_CLOEXEC);
        if (reader < 0)
                return error_set_errno(ret_error, -errno, "Cannot open the archive for reading");

        *ret_fd = reader;
        return 0;
}

int credentials_open(const Definition *definition, int directory, GPtrArray *notices, int *ret_fd,
                Error *ret_error)
{
        g_autoptr(GPtrArray) mapped = g_ptr_array_new_with_free_func(mapped_free);
        g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(UstarEntry)), archive = NULL;
        g_autoptr(Mapped) file = NULL;
        int r;

        /* The unit has a folder if systemd was told that there may be keys, even if there are none. */
        if (directory == -EBADF)
                return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED,
                                "%s: systemd does not know [Credentials %s] yet: run 'systemctl "
                                "daemon-reload'",
                                definition->path, definition_credentials(definition)->name);
        if (directory < 0 && directory != -ENOENT)
                return error_set_errno(ret_error, directory, "Cannot open the unit's credentials");

        r = mapped_open_archive(directory, definition->name, &file, &archive, ret_error);
        if (r < 0)
                return r;
        r = sources_map(directory, definition, notices, mapped, entries, ret_error);
        if (r >= 0)
                r = credentials_check_space(definition, file, mapped, ret_error);
        if (r < 0)
                return r;

        if (file && entries->len == 0) {
                *ret_fd = TAKE_FD(file->fd);
                return 0;
        }

        entries_add_archive(entries, archive, notices);
        return entries_join(entries, ret_fd, ret_error);
}
