/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Existing volumes: what is known about them, their use, their size, and removing them. store-create.c
 * creates them. */

#include "volume/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "volume/lock.h"
#include "volume/store-private.h"

#define RECORD_SIZE_MAX 4096

#define LOOKS_MAX          10
#define LOOK_INTERVAL_USEC (10 * 1000)

void volume_free(Volume *volume)
{
        if (!volume)
                return;

        g_free(volume->name);
        g_free(volume);
}

bool volume_name_is_valid(const char *name)
{
        static const char allowed[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.";

        return name && g_ascii_isalnum(name[0]) && strlen(name) <= VOLUME_NAME_MAX &&
               name[strspn(name, allowed)] == 0;
}

int volume_name_check(const char *name, Error *ret_error)
{
        g_autofree char *shown = NULL;

        if (volume_name_is_valid(name))
                return 0;

        shown = text_for_display(name ?: "", 80);
        return error_set(ret_error, ERROR_INVALID_NAME,
                        "'%s' is not a valid volume name: use 1 to %d of a-z, A-Z, 0-9, '-', '_' and '.', "
                        "beginning with a letter or digit",
                        shown, VOLUME_NAME_MAX);
}

int volume_size_check(uint64_t size, Error *ret_error)
{
        if (size >= VOLUME_SIZE_UNIT && size <= VOLUME_SIZE_MAX && size % VOLUME_SIZE_UNIT == 0)
                return 0;

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "A volume cannot have %" PRIu64 " bytes: its size is a multiple of %d bytes, at "
                        "least %d and at most 64T, such as 64M",
                        size, VOLUME_SIZE_UNIT, VOLUME_SIZE_UNIT);
}

char *volume_path(const char *name)
{
        return volume_name_is_valid(name) ? g_build_filename(paths_volumes(), name, VOLUME_DATA, NULL)
                                          : NULL;
}

int error_set_no_such_volume(Error *ret_error, const char *name)
{
        return error_set(ret_error, ERROR_NO_SUCH_VOLUME,
                        "There is no volume '%s': create it with 'shruthictl volume create %s --size=…'",
                        name, name);
}

static int store_open_directory(int *ret_fd, Error *ret_error)
{
        int fd = open(paths_volumes(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_set_errno(ret_error, errno,
                                "Cannot open the volume store %s ('systemd-tmpfiles --create' creates it)",
                                paths_volumes());

        *ret_fd = fd;
        return 0;
}

int volume_store_lock(int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = store_open_directory(&fd, ret_error);
        if (r < 0)
                return r;
        while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_set_errno(ret_error, errno, "Cannot lock the volume store %s",
                                        paths_volumes());

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int parse_id(const char *text, uint32_t *ret_id)
{
        guint64 value;

        if (!g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX - 1, &value, NULL))
                return -EBADMSG;

        *ret_id = (uint32_t) value;
        return 0;
}

/* "OWNER=1000", and "GROUP=100" if a group shares it. */
static int parse_record(const char *text, Volume *volume)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        bool owned = false;
        int r;

        volume->group = GID_INVALID;
        for (char **line = lines; *line; line++) {
                if (g_str_has_prefix(*line, "OWNER=")) {
                        r = parse_id(*line + strlen("OWNER="), &volume->owner);
                        owned = r >= 0;
                } else if (g_str_has_prefix(*line, "GROUP="))
                        r = parse_id(*line + strlen("GROUP="), &volume->group);
                else
                        continue;
                if (r < 0)
                        return r;
        }

        return owned ? 0 : -EBADMSG;
}

int volume_read(int store_fd, const char *name, Volume **ret_volume)
{
        g_autofree char *record = g_build_filename(name, VOLUME_RECORD, NULL), *text = NULL;
        g_autofree char *data = g_build_filename(name, VOLUME_DATA, NULL);
        g_autoptr(Volume) volume = g_new0(Volume, 1);
        struct stat st;
        int r;

        r = file_read_at(store_fd, record, RECORD_SIZE_MAX, &text, NULL);
        if (r >= 0)
                r = parse_record(text, volume);
        if (r < 0)
                return r;
        if (fstatat(store_fd, record, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        volume->created = (uint64_t) st.st_mtim.tv_sec * G_USEC_PER_SEC +
                          (uint64_t) st.st_mtim.tv_nsec / 1000;

        if (fstatat(store_fd, data, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        volume->size = (uint64_t) st.st_size;
        volume->allocated = (uint64_t) st.st_blocks * 512; /* stat(2): units of 512, whatever the file
                                                            * system */
        volume->name = g_strdup(name);

        *ret_volume = g_steal_pointer(&volume);
        return 0;
}

int volume_load(const char *name, Volume **ret_volume, Error *ret_error)
{
        _cleanup_close_ int store = -EBADF;
        int r;

        r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = store_open_directory(&store, ret_error);
        if (r < 0)
                return r;

        r = volume_read(store, name, ret_volume);
        if (r < 0 && faccessat(store, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                return error_set_no_such_volume(ret_error, name);
        if (r < 0)
                return error_set_errno(ret_error, r,
                                "Volume '%s' is damaged: cannot read %s/%s/" VOLUME_RECORD
                                " and its data; write OWNER= with the owner's number there, or remove the "
                                "volume",
                                name, paths_volumes(), name);

        return 0;
}

static int compare_volumes(const void *a, const void *b)
{
        const Volume *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

static int read_all(int store_fd, bool temporary, GPtrArray **ret_volumes, Error *ret_error)
{
        g_autoptr(GPtrArray) volumes = g_ptr_array_new_with_free_func(volume_destroy);
        int copy = openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *entry;

        if (!dir) {
                int r = -errno;

                copy = close_safe(copy);
                return error_set_errno(ret_error, r, "Cannot read the volume store %s", paths_volumes());
        }

        while ((entry = readdir(dir))) {
                Volume *volume;

                if (!volume_name_is_valid(entry->d_name) &&
                                !(temporary && g_str_has_prefix(entry->d_name, VOLUME_TEMPORARY_PREFIX)))
                        continue;
                /* Somebody else has removed what is gone by now. */
                if (volume_read(store_fd, entry->d_name, &volume) >= 0)
                        g_ptr_array_add(volumes, volume);
        }
        (void) closedir(dir);

        *ret_volumes = g_steal_pointer(&volumes);
        return 0;
}

int volume_list(GPtrArray **ret_volumes, Error *ret_error)
{
        g_autoptr(GPtrArray) volumes = NULL;
        _cleanup_close_ int store = -EBADF;
        int r;

        r = store_open_directory(&store, ret_error);
        if (r >= 0)
                r = read_all(store, false, &volumes, ret_error);
        if (r < 0)
                return r;

        g_ptr_array_sort(volumes, compare_volumes);
        *ret_volumes = g_steal_pointer(&volumes);
        return 0;
}

int volume_check_limits(int store_fd, const char *name, uid_t owner, uint64_t more_size,
                unsigned more_volumes, const VolumeLimits *limits, Error *ret_error)
{
        g_autofree char *has = NULL, *more = NULL, *max = NULL;
        g_autoptr(GPtrArray) volumes = NULL;
        uint64_t size = 0;
        unsigned number = 0;
        int r;

        if (!limits)
                return 0;

        r = read_all(store_fd, true, &volumes, ret_error);
        if (r < 0)
                return r;
        for (guint i = 0; i < volumes->len; i++) {
                const Volume *volume = volumes->pdata[i];

                if (volume->owner != owner)
                        continue;
                size += volume->size;
                number++;
        }

        if (more_volumes > 0 && number >= limits->max_user)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Limit reached for volume '%s': its owner has %u volumes "
                                "(VolumesMaxPerUser=%u in shruthi.conf); remove one that is not needed with "
                                "'shruthictl volume remove'",
                                name, number, limits->max_user);
        if (size <= limits->size_max_user && more_size <= limits->size_max_user - size)
                return 0;

        has = size_format(size);
        more = size_format(more_size);
        max = size_format(limits->size_max_user);
        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "%s more for volume '%s' exceed the limit: its owner has volumes of %s "
                        "(VolumesSizeMaxPerUser=%s in shruthi.conf); make it smaller, or remove one that is "
                        "not needed with 'shruthictl volume remove'",
                        more, name, has, max);
}

static int data_open(int store_fd, const char *name, int flags, int *ret_fd, Error *ret_error)
{
        g_autofree char *data = g_build_filename(name, VOLUME_DATA, NULL);
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = openat(store_fd, data, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && errno == ENOENT)
                return error_set_no_such_volume(ret_error, name);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot open the data of volume '%s'", name);
        if (!S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_FAILED,
                                "The data of volume '%s' is no longer a regular file: remove the volume",
                                name);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int volume_open(const char *name, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int store = -EBADF;
        int r;

        r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = store_open_directory(&store, ret_error);

        return r < 0 ? r : data_open(store, name, O_RDONLY, ret_fd, ret_error);
}

int volume_resize(const char *name, uint64_t size, const VolumeLimits *limits, Error *ret_error)
{
        _cleanup_close_ int lock = -EBADF, fd = -EBADF;
        g_autoptr(Volume) volume = NULL;
        int r;

        r = volume_size_check(size, ret_error);
        if (r >= 0)
                r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = volume_store_lock(&lock, ret_error);
        if (r >= 0)
                r = volume_load(name, &volume, ret_error);
        if (r < 0)
                return r;

        if (size < volume->size) {
                g_autofree char *has = size_format_exact(volume->size);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Volume '%s' cannot be made smaller than its %s, because a guest may have "
                                "written there; create another volume and copy the data",
                                name, has);
        }

        r = volume_check_limits(lock, name, volume->owner, size - volume->size, 0, limits, ret_error);
        if (r >= 0)
                r = data_open(lock, name, O_RDWR, &fd, ret_error);
        if (r < 0)
                return r;
        if (ftruncate(fd, (off_t) size) < 0 || fsync(fd) < 0)
                return error_set_errno(ret_error, errno, "Cannot make volume '%s' larger", name);

        return 0;
}

/* Whether an exported descriptor may still be open. Processes that only check have the data open for a
 * moment, too. */
static bool export_goes_on(const char *name, int fd)
{
        g_autofree char *mark = g_build_filename(paths_volumes(), name, VOLUME_EXPORTED, NULL);

        if (access(mark, F_OK) < 0)
                return false;
        for (unsigned i = 0; i < LOOKS_MAX; i++) {
                if (disk_is_open_elsewhere(fd) <= 0)
                        return false;
                g_usleep(LOOK_INTERVAL_USEC);
        }

        return true;
}

int volume_look(const char *name, VolumeUse *ret_use, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        VolumeUse use = VOLUME_UNUSED;
        int r;

        r = volume_open(name, &fd, ret_error);
        if (r < 0)
                return r;

        r = disk_lock_look(fd, &use);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot check whether volume '%s' is in use", name);

        *ret_use = use == VOLUME_UNUSED && export_goes_on(name, fd) ? VOLUME_READ : use;
        return 0;
}

void volume_settle_exports(const char *name)
{
        g_autofree char *mark = g_build_filename(paths_volumes(), name, VOLUME_EXPORTED, NULL);
        _cleanup_close_ int fd = -EBADF;

        if (access(mark, F_OK) >= 0 && volume_open(name, &fd, NULL) >= 0 && !export_goes_on(name, fd))
                (void) unlink(mark);
}

int volume_await_turn(const char *name, bool read_only, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int store = -EBADF, fd = -EBADF;
        int r;

        r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = store_open_directory(&store, ret_error);
        if (r < 0)
                return r;

        fd = openat(store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot open the directory of volume '%s'", name);
        while (flock(fd, read_only ? LOCK_SH : LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_set_errno(
                                        ret_error, errno, "Cannot lock the directory of volume '%s'", name);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Called once the data is open, so that whoever checks sees the mark or the open file. */
static int mark_exported(int folder_fd)
{
        _cleanup_close_ int fd = openat(folder_fd, VOLUME_EXPORTED,
                        O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 ? -errno : 0;
}

int volume_export(const char *name, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int turn = -EBADF, fd = -EBADF;
        int r;

        r = volume_open(name, &fd, ret_error);
        if (r >= 0)
                r = volume_await_turn(name, true, &turn, ret_error);
        if (r < 0)
                return r;

        r = mark_exported(turn);
        if (r >= 0)
                r = disk_lock_read(fd);
        if (r == -EAGAIN)
                return error_set(ret_error, ERROR_VOLUME_IN_USE,
                                "Volume '%s' is being written by a unikernel; stop it first to get a "
                                "consistent copy",
                                name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot lock volume '%s'", name);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int volume_folder_remove(int store_fd, const char *name)
{
        static const char *const files[] = {VOLUME_DATA, VOLUME_EXPORTED, VOLUME_RECORD};
        g_autofree char *data = g_build_filename(name, VOLUME_DATA, NULL);
        _cleanup_close_ int fd = openat(store_fd, data, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        /* A file that somebody still has open would keep its room, but count for nobody. */
        if (fd >= 0 && ftruncate(fd, 0) < 0)
                log_debug("Cannot empty %s/%s: %s", paths_volumes(), data, g_strerror(errno));

        file_remove_remains(store_fd, name, VOLUME_RECORD);
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *file = g_build_filename(name, files[i], NULL);

                if (unlinkat(store_fd, file, 0) < 0 && errno != ENOENT)
                        return -errno;
        }

        if (unlinkat(store_fd, name, AT_REMOVEDIR) < 0)
                return -errno;
        return 0;
}

int volume_remove(const char *name, Error *ret_error)
{
        g_autofree char *hidden = NULL;
        _cleanup_close_ int lock = -EBADF;
        VolumeUse use = VOLUME_UNUSED;
        int r;

        r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = volume_store_lock(&lock, ret_error);
        if (r < 0)
                return r;

        if (faccessat(lock, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return error_set_no_such_volume(ret_error, name);
        /* A volume without data is damaged, and nobody uses it. */
        r = volume_look(name, &use, ret_error);
        if (r < 0 && r != error_code_to_errno(ERROR_NO_SUCH_VOLUME))
                return r;
        if (r >= 0 && use != VOLUME_UNUSED)
                return error_set(ret_error, ERROR_VOLUME_IN_USE,
                                "Volume '%s' is being %s; first stop the unikernel that uses it, or end the "
                                "export in progress",
                                name, volume_use_to_string(use));

        /* Removed as a whole; if we die here, the next process removes the rest. */
        hidden = g_strdup_printf(VOLUME_TEMPORARY_PREFIX "%d-%08x", getpid(), g_random_int());
        if (renameat(lock, name, lock, hidden) < 0 || fsync(lock) < 0)
                return error_set_errno(ret_error, errno, "Cannot remove volume '%s'", name);
        r = volume_folder_remove(lock, hidden);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot remove the files of volume '%s'", name) : 0;
}

int volume_space(uint64_t *ret_free, uint64_t *ret_total, Error *ret_error)
{
        struct statvfs st;

        if (statvfs(paths_volumes(), &st) < 0)
                return error_set_errno(
                                ret_error, errno, "Cannot inspect the file system of %s", paths_volumes());

        *ret_free = (uint64_t) st.f_bavail * st.f_frsize;
        *ret_total = (uint64_t) st.f_blocks * st.f_frsize;
        return 0;
}

char *volume_list_short_of_space(const char *volumes, uint64_t least)
{
        g_auto(GStrv) names = g_strsplit(volumes, " ", -1);
        g_autoptr(GString) found = g_string_new(NULL);
        uint64_t left, total;

        if (volume_space(&left, &total, NULL) < 0 || left >= least)
                return NULL;

        for (char **name = names; *name; name++) {
                g_autoptr(Volume) volume = NULL;

                if (volume_load(*name, &volume, NULL) >= 0 && volume->allocated < volume->size)
                        g_string_append_printf(found, "%s%s", found->len > 0 ? " " : "", *name);
        }

        return found->len > 0 ? g_string_free(g_steal_pointer(&found), FALSE) : NULL;
}
