/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The image store as callers may use it. */

#include "daemon/change/image-access.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "image/inspect.h"
#include "unikernel/definition.h"
#include "unikernel/generation.h"
#include "unikernel/run-state.h"
#include "unikernel/started.h"

/* digest → number of changes that have pinned it. Pruning checks this and removes images under the same
 * lock, so an imported image is either seen as pinned, or removed before it is pinned and then imported
 * again. */
static GMutex pins_lock;
static GHashTable *pins;

static int image_pin_locked(const char *digest, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = store_open(digest, &fd, ret_error);
        if (r < 0)
                return r;

        if (!pins)
                pins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(pins, g_strdup(digest),
                        GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(pins, digest)) + 1));
        return 0;
}

int image_pin(const char *digest, Error *ret_error)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pins_lock);

        return image_pin_locked(digest, ret_error);
}

void image_unpin(const char *digest)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pins_lock);
        unsigned n;

        if (!digest || !pins)
                return;

        n = GPOINTER_TO_UINT(g_hash_table_lookup(pins, digest));
        if (n > 1)
                g_hash_table_insert(pins, g_strdup(digest), GUINT_TO_POINTER(n - 1));
        else
                g_hash_table_remove(pins, digest);
}

int image_inspect_stored(const char *digest, ImageArchitecture asked, ImageInfo **ret_info, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = store_open(digest, &fd, ret_error);
        if (r < 0)
                return r;

        return image_inspect(fd, asked, ret_info, ret_error);
}

static void images_add_user(GHashTable *users, const char *image, const char *name)
{
        g_autofree char *digest = NULL;
        GPtrArray *names;

        if (!image)
                return;
        if (image[0] != '/')
                digest = g_strdup(image);
        else if (store_lookup_path(image, &digest) < 0)
                return;

        names = g_hash_table_lookup(users, digest);
        if (!names) {
                names = g_ptr_array_new_with_free_func(g_free);
                g_hash_table_insert(users, g_steal_pointer(&digest), names);
        }
        if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                g_ptr_array_add(names, g_strdup(name));
}

/* Adds the images of unikernels that are starting or run with a definition that was changed or removed
 * since. */
static void images_add_running(GHashTable *users)
{
        g_autoptr(GDir) dir = g_dir_open(paths_consoles(), 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *runtime = name_is_valid(name) ? paths_unikernel_runtime(name) : NULL;
                _cleanup_run_state_ RunState state = RUN_STATE_INIT;
                g_autoptr(Definition) started = NULL;

                if (!runtime)
                        continue;
                started = started_load_other(name, NULL);
                if (started) {
                        images_add_user(users, started->image, name);
                        images_add_user(users, started->initrd, name);
                }
                /* The actual image, in case the file at the path was replaced. */
                if (run_state_read(runtime, &state) >= 0)
                        images_add_user(users, state.image, name);
        }
}

static void names_free(gpointer data)
{
        g_ptr_array_unref(data);
}

/* Adds the images that a rollback may need. A generation whose file cannot be read does not count. */
static void images_add_generations(GHashTable *users)
{
        g_auto(GStrv) names = generations_list_names();

        for (char **name = names; *name; name++) {
                g_autoptr(GPtrArray) generations = generations_list(*name);

                for (guint i = 0; i < generations->len; i++) {
                        const Generation *generation = generations->pdata[i];

                        images_add_user(users, generation->image, *name);
                        images_add_user(users, generation->initrd, *name);
                }
        }
}

int images_used(GHashTable **ret_users, char **ret_broken, Error *ret_error)
{
        g_autoptr(GHashTable) users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, names_free);
        g_autoptr(GPtrArray) definitions = NULL;
        int r;

        r = definition_load_all(&definitions, ret_broken, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < definitions->len; i++) {
                const Definition *definition = definitions->pdata[i];

                images_add_user(users, definition->image, definition->name);
                images_add_user(users, definition->initrd, definition->name);
        }

        images_add_running(users);
        images_add_generations(users);

        *ret_users = g_steal_pointer(&users);
        return 0;
}

static bool image_is_pinned(GHashTable *users, const char *digest)
{
        return g_hash_table_contains(users, digest) || (pins && g_hash_table_contains(pins, digest));
}

static int images_compare_age(const void *a, const void *b)
{
        const StoreEntry *const *x = a, *const *y = b;

        return (*x)->added < (*y)->added ? -1 : (*x)->added > (*y)->added;
}

/* Removes the image, or only the user's claim if others have imported it too: otherwise nobody could get rid
 * of it. */
static int image_disown(const StoreEntry *entry, uid_t user)
{
        bool shared;

        if (!store_is_of(entry->digest, user, &shared))
                return 0;
        return shared ? store_disown(entry->digest, user, NULL) : store_remove(entry->digest, NULL);
}

/* The oldest images that count only for user; NULL if all of them are not enough. */
static GPtrArray *images_find_spare(GPtrArray *entries, GHashTable *users, uid_t user, uint64_t wanted)
{
        g_autoptr(GPtrArray) spare = g_ptr_array_new();
        uint64_t found = 0;

        g_ptr_array_sort(entries, images_compare_age);
        for (guint i = 0; i < entries->len && found < wanted; i++) {
                const StoreEntry *entry = entries->pdata[i];

                if (image_is_pinned(users, entry->digest) || !store_is_of(entry->digest, user, NULL))
                        continue;
                g_ptr_array_add(spare, (gpointer) entry);
                found += entry->size;
        }

        return found < wanted ? NULL : g_steal_pointer(&spare);
}

static bool images_free_space(const StoreLimits *limits, int fd)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pins_lock);
        g_autoptr(GPtrArray) entries = NULL, spare = NULL;
        g_autoptr(GHashTable) users = NULL;
        g_autofree char *broken = NULL;
        struct stat st;
        uint64_t total, size;

        if (limits->user == 0 || fstat(fd, &st) < 0)
                return false;
        size = (uint64_t) st.st_size;
        if (size > limits->user_size || store_total_of(limits->user, &total, NULL) < 0 ||
                        (total <= limits->user_size && size <= limits->user_size - total))
                return false;
        /* A definition that cannot be read may name any of them. */
        if (images_used(&users, &broken, NULL) < 0 || broken || store_list(&entries, NULL) < 0)
                return false;

        spare = images_find_spare(entries, users, limits->user, total + size - limits->user_size);
        for (guint i = 0; spare && i < spare->len; i++)
                if (image_disown(spare->pdata[i], limits->user) < 0)
                        return false;
        return spare != NULL;
}

int image_acquire(
                int fd, const char *expected, const StoreLimits *limits, char **ret_digest, Error *ret_error)
{
        bool made_room = false;

        for (unsigned attempt = 0;; attempt++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *digest = NULL;
                int r;

                /* Removes nothing for an image that would not be imported anyway. */
                r = store_import(fd, expected, limits, &digest, &error);
                if (r < 0 && error.code == ERROR_LIMIT_EXCEEDED && !made_room) {
                        made_room = images_free_space(limits, fd);
                        if (made_room)
                                continue;
                }
                if (r >= 0)
                        r = image_pin(digest, &error);
                if (r >= 0) {
                        *ret_digest = g_steal_pointer(&digest);
                        return 0;
                }
                if (!digest || attempt >= 2) {
                        error_move(ret_error, &error);
                        return r;
                }
        }
}

StoreLimits image_limits(const Conf *conf, uid_t user)
{
        return (StoreLimits){
                        .image_size = conf->image_size_max,
                        .store_size = conf->store_size_max,
                        .free_min = conf->free_space_min,
                        .user = user,
                        .user_size = conf->store_size_max_user,
        };
}

static int images_prune_locked(GPtrArray *removed, uint64_t *freed, Error *ret_error)
{
        g_autoptr(GPtrArray) entries = NULL;
        g_autoptr(GHashTable) users = NULL;
        g_autofree char *broken = NULL;
        int r;

        r = images_used(&users, &broken, ret_error);
        if (r < 0)
                return r;
        if (broken)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "The definition of '%s' cannot be read and may name an image; correct or "
                                "remove it first",
                                broken);
        r = store_list(&entries, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < entries->len; i++) {
                const StoreEntry *entry = entries->pdata[i];

                if (image_is_pinned(users, entry->digest))
                        continue;
                r = store_remove(entry->digest, ret_error);
                if (r < 0)
                        return r;
                g_ptr_array_add(removed, g_strdup(entry->digest));
                *freed += entry->size;
        }
        store_clean();

        return 0;
}

int images_prune(char ***ret_removed, uint64_t *ret_freed, Error *ret_error)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pins_lock);
        g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);
        uint64_t freed = 0;
        int r;

        r = images_prune_locked(removed, &freed, ret_error);
        if (r < 0)
                return r;

        g_ptr_array_add(removed, NULL);
        *ret_removed = (char **) g_ptr_array_steal(removed, NULL);
        *ret_freed = freed;
        return 0;
}

const char *image_path_directory(const char *path, char **directories)
{
        for (char **directory = directories; directory && *directory; directory++) {
                size_t length = strlen(*directory);

                while (length > 1 && (*directory)[length - 1] == '/')
                        length--;
                if (strncmp(path, *directory, length) == 0 && path[length] == '/' && path[length + 1])
                        return *directory;
        }

        return NULL;
}

/* Opens one component after the other from an open directory, so that a link is refused at any place,
 * without a race. openat2(2) could do this in one step, but RestrictSUIDSGID= of our unit blocks it
 * (systemd.exec(5)). */
static int path_open_beneath(const char *directory, const char *relative)
{
        g_auto(GStrv) components = g_strsplit(relative, "/", -1);
        _cleanup_close_ int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        char **component = components;
        int fd;

        if (dir_fd < 0)
                return -errno;

        for (; component[1]; component++) {
                fd = openat(dir_fd, *component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        /* With these flags a link counts as not a directory (open(2)). */
                        return -errno;
                close_safe(dir_fd);
                dir_fd = fd;
        }

        fd = openat(dir_fd, *component, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

static bool path_leads_through_link(const char *directory, const char *relative)
{
        g_auto(GStrv) components = g_strsplit(relative, "/", -1);
        g_autoptr(GString) path = g_string_new(directory);
        struct stat st;

        for (char **component = components; *component; component++) {
                g_string_append_printf(path, "/%s", *component);
                if (lstat(path->str, &st) < 0)
                        return false;
                if (S_ISLNK(st.st_mode))
                        return true;
        }

        return false;
}

int image_path_open(const char *path, char **directories, bool administer, int *ret_fd, Error *ret_error)
{
        const char *directory = image_path_directory(path, directories);
        g_autofree char *shown = text_for_display(path, 200);
        const char *relative;
        int fd;

        if (!path_is_normalized(path))
                return error_set(ret_error, ERROR_PATH_NOT_ALLOWED,
                                "'%s' is not an absolute path without '//', '.', '..' and a trailing '/'",
                                shown);
        if (!directory && !administer)
                return error_set(ret_error, ERROR_PATH_NOT_ALLOWED,
                                "'%s' is not below ImageDirectories=", shown);

        if (!directory)
                directory = "/";
        relative = path + strlen(directory);
        relative += strspn(relative, "/");
        fd = path_open_beneath(directory, relative);
        if (fd == -ELOOP || (fd == -ENOTDIR && path_leads_through_link(directory, relative)))
                return error_set(ret_error, ERROR_PATH_NOT_ALLOWED,
                                "'%s' is a symbolic link or leads through one", shown);
        if (fd < 0)
                return error_set(ret_error,
                                fd == -ENOENT || fd == -ENOTDIR ? ERROR_NO_SUCH_IMAGE : ERROR_FAILED,
                                "Cannot open '%s': %s", shown, g_strerror(-fd));

        *ret_fd = fd;
        return 0;
}
