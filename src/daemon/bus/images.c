/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods about images, of the manager and of an image's own object. All of them read or hash files in a
 * thread. */

#include "daemon/bus/images.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/names.h"
#include "common/string-util.h"
#include "daemon/access/call.h"
#include "daemon/change/image-access.h"
#include "daemon/change/settings.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel.h"
#include "image/inspect.h"
#include "image/store.h"

/* One of these methods in progress in a thread. */
typedef struct ImageWork {
        Call *call;
        SharedConf *conf;
        int fd;
        char *digest;
        uint64_t size;
        ImageInfo *info;
        GPtrArray *entries; /* StoreEntry */
        GHashTable *users;
        GHashTable *own; /* names of the caller's unikernels; NULL if polkit lets the caller see all */
        char **removed;
        uint64_t freed;
        int result;
        Error error;
        int (*run)(struct ImageWork *work, Error *ret_error);
        int (*append)(const struct ImageWork *work, sd_bus_message *reply);
} ImageWork;

static void image_work_free(ImageWork *work)
{
        shared_conf_unref(work->conf);
        close_safe(work->fd);
        g_free(work->digest);
        image_info_free(work->info);
        g_clear_pointer(&work->entries, g_ptr_array_unref);
        g_clear_pointer(&work->users, g_hash_table_unref);
        g_clear_pointer(&work->own, g_hash_table_unref);
        g_strfreev(work->removed);
        error_clear(&work->error);
        g_free(work);
}

static void image_work_run(void *userdata)
{
        ImageWork *work = userdata;

        work->result = work->run(work, &work->error);
}

static void image_work_done(void *userdata)
{
        g_autoptr(sd_bus_message) reply = NULL;
        ImageWork *work = userdata;
        int r = work->result;

        if (r >= 0)
                r = call_new_reply(work->call, &reply);
        if (r >= 0)
                r = work->append(work, reply);
        call_finish(work->call, reply, r, &work->error);
        image_work_free(work);
}

/* Duplicates fd (or -EBADF). */
static ImageWork *image_work_new(Call *call, int fd, const char *digest,
                int (*run)(ImageWork *work, Error *ret_error),
                int (*append)(const ImageWork *work, sd_bus_message *reply))
{
        ImageWork *work = g_new0(ImageWork, 1);

        *work = (ImageWork){.call = call,
                        .conf = shared_conf_ref(call->manager->conf),
                        .fd = fd,
                        .digest = g_strdup(digest),
                        .run = run,
                        .append = append};
        return work;
}

static int image_work_start(ImageWork *work)
{
        worker_run(work->call->manager->worker, work->call->uid, NULL, image_work_run, image_work_done,
                        work);
        return 1;
}

static int call_duplicate_fd(Call *call, int fd)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

        if (copy < 0)
                call_fail(call, &error,
                                error_set_errno(&error, errno, "Cannot duplicate the file descriptor"));
        return copy;
}

static int image_work_inspect(ImageWork *work, Error *ret_error)
{
        return image_examine(work->fd, work->conf->conf->image_size_max, call_gone(work->call), &work->size,
                        &work->digest, &work->info, ret_error);
}

static int image_work_append_info(const ImageWork *work, sd_bus_message *reply)
{
        const ImageInfo *info = work->info;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Digest", "s",
                                work->digest, "Size", "t", work->size, "Architecture", "s",
                                image_architecture_to_string(info->architecture), "BootMethod", "s",
                                image_boot_to_string(info->boot), "Target", "s",
                                solo5_target_to_string(info->target), "HasManifest", "b",
                                (int) info->has_manifest, "Hostable", "b", (int) !info->problem, "Problem",
                                "s", info->problem ?: "");
        if (r >= 0)
                r = dictionary_open_array(reply, "Devices", "(ss)");
        for (unsigned i = 0; r >= 0 && i < info->n_devices; i++)
                r = sd_bus_message_append(reply, "(ss)", info->devices[i].name,
                                device_kind_to_string(info->devices[i].kind));
        if (r >= 0)
                r = dictionary_close_array(reply);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int method_inspect_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Manager *manager = userdata;
        Call *call;
        int fd, r;

        r = sd_bus_message_read(message, "h", &fd);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (!call_authorize(manager, message, &(PolkitDetails){.verb = "inspect an image"},
                            SHRUTHI_ACTION_INSPECT_IMAGE, &call))
                return 1;

        fd = call_duplicate_fd(call, fd);
        return fd < 0 ? 1
                      : image_work_start(image_work_new(
                                        call, fd, NULL, image_work_inspect, image_work_append_info));
}

static int image_work_inspect_stored(ImageWork *work, Error *ret_error)
{
        struct stat st;
        int r;

        r = store_open(work->digest, &work->fd, ret_error);
        if (r < 0)
                return r;
        if (fstat(work->fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the image");
        work->size = (uint64_t) st.st_size;

        return image_inspect(work->fd, IMAGE_ARCHITECTURE_UNKNOWN, &work->info, ret_error);
}

/* Reads the digest from the argument of the manager's methods, or from the object path of an image's own.
 * Free with g_free(). */
static int message_read_digest(sd_bus_message *message, char **ret_digest)
{
        const char *digest;
        int r;

        r = sd_bus_path_decode(sd_bus_message_get_path(message), SHRUTHI_IMAGE_PATH, ret_digest);
        if (r != 0)
                return r;

        r = sd_bus_message_read(message, "s", &digest);
        if (r >= 0)
                *ret_digest = g_strdup(digest);
        return r;
}

static int image_method_by_digest(sd_bus_message *message, Manager *manager,
                int (*run)(ImageWork *work, Error *ret_error),
                int (*append)(const ImageWork *work, sd_bus_message *reply))
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        Call *call;
        int r;

        r = message_read_digest(message, &digest);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (!digest_is_valid(digest))
                return reply_error(message, &error,
                                error_set(&error, ERROR_INVALID_ARGS,
                                                "A digest must be 'sha256:' and 64 hexadecimal digits in "
                                                "lower case"));

        if (!call_authorize(manager, message, &(PolkitDetails){.verb = "inspect an image"},
                            SHRUTHI_ACTION_INSPECT_IMAGE, &call))
                return 1;

        return image_work_start(image_work_new(call, -EBADF, digest, run, append));
}

int method_inspect_stored_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return image_method_by_digest(message, userdata, image_work_inspect_stored, image_work_append_info);
}

static int image_work_look_up(ImageWork *work, Error *ret_error)
{
        return store_size(work->digest, &work->size, ret_error);
}

static int image_work_append_path(const ImageWork *work, sd_bus_message *reply)
{
        g_autofree char *path = NULL;
        int r = sd_bus_path_encode(SHRUTHI_IMAGE_PATH, work->digest, &path);

        return r < 0 ? r : sd_bus_message_append(reply, "o", path);
}

int method_get_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return image_method_by_digest(message, userdata, image_work_look_up, image_work_append_path);
}

int image_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error)
{
        g_autofree char *digest = NULL;

        if (sd_bus_path_decode(path, SHRUTHI_IMAGE_PATH, &digest) <= 0 || !digest_is_valid(digest))
                return 0;

        *ret_found = userdata;
        return 1;
}

const sd_bus_vtable image_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD_WITH_ARGS("Inspect", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", info),
                                method_inspect_stored_image, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

static int image_work_import(ImageWork *work, Error *ret_error)
{
        StoreLimits limits = image_limits(work->conf->conf, work->call->uid);
        g_autofree char *expected = g_steal_pointer(&work->digest);
        int r;

        r = image_acquire(work->fd, expected, &limits, &work->digest, ret_error);
        if (r >= 0)
                image_unpin(work->digest);
        return r;
}

static int image_work_append_digest(const ImageWork *work, sd_bus_message *reply)
{
        return sd_bus_message_append(reply, "s", work->digest);
}

int method_import_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) options = NULL;
        Manager *manager = userdata;
        Call *call;
        int fd, r;

        r = sd_bus_message_read(message, "h", &fd);
        if (r < 0)
                return reply_invalid_args(message, r);
        r = settings_read(message, SETTINGS_IMPORT, &options, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!call_authorize(manager, message, &(PolkitDetails){.verb = "import an image"},
                            SHRUTHI_ACTION_IMPORT_IMAGE, &call))
                return 1;

        fd = call_duplicate_fd(call, fd);
        return fd < 0 ? 1
                      : image_work_start(image_work_new(call, fd, options->digest, image_work_import,
                                        image_work_append_digest));
}

/* Keeps the images that the caller has imported or that a unikernel of theirs uses. A digest is enough to
 * use an image, and other users of it are not revealed. */
static void image_work_keep_own(ImageWork *work)
{
        for (guint i = work->entries->len; i > 0; i--) {
                const StoreEntry *entry = work->entries->pdata[i - 1];
                GPtrArray *names = g_hash_table_lookup(work->users, entry->digest);

                for (guint j = names ? names->len : 0; j > 0; j--)
                        if (!g_hash_table_contains(work->own, names->pdata[j - 1]))
                                g_ptr_array_remove_index(names, j - 1);
                if ((!names || names->len == 0) && !store_is_of(entry->digest, work->call->uid, NULL))
                        g_ptr_array_remove_index(work->entries, i - 1);
        }
}

static int image_work_list(ImageWork *work, Error *ret_error)
{
        g_autofree char *broken = NULL;
        int r;

        r = images_used(&work->users, &broken, ret_error);
        if (r >= 0)
                r = store_list(&work->entries, ret_error);
        if (r >= 0 && work->own)
                image_work_keep_own(work);

        return r;
}

static int image_work_append_list(const ImageWork *work, sd_bus_message *reply)
{
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(stas)");
        for (guint i = 0; r >= 0 && i < work->entries->len; i++) {
                const StoreEntry *entry = work->entries->pdata[i];
                const GPtrArray *names = g_hash_table_lookup(work->users, entry->digest);

                r = sd_bus_message_open_container(reply, 'r', "stas");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "st", entry->digest, entry->size);
                if (r >= 0)
                        r = sd_bus_message_open_container(reply, 'a', "s");
                for (guint j = 0; names && r >= 0 && j < names->len; j++)
                        r = sd_bus_message_append(reply, "s", names->pdata[j]);
                for (unsigned j = 0; r >= 0 && j < 2; j++)
                        r = sd_bus_message_close_container(reply);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The names of the unikernels that belong to the caller or one of their groups. */
static GHashTable *call_own_unikernels(const Call *call)
{
        GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, call->manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;

                if (definition && (definition->owner == call->uid ||
                                                  (definition->group != GID_INVALID &&
                                                                  call_in_group(call, definition->group))))
                        g_hash_table_add(names, g_strdup(unikernel->name));
        }

        return names;
}

/* Everybody may list their own. */
static void on_images_list_decision(Decision decision, void *userdata)
{
        Call *call = userdata;
        ImageWork *work = image_work_new(call, -EBADF, NULL, image_work_list, image_work_append_list);

        if (decision != DECISION_YES)
                work->own = call_own_unikernels(call);
        image_work_start(work);
}

int method_list_images(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        PolkitDetails details = {.verb = "list the images", .quietly = true};
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        Call *call;
        int r;

        r = call_identify(manager, message, NULL, &error);
        if (r == 0)
                return 1;
        if (r > 0)
                r = call_begin(manager, message, NULL, &call, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        polkit_ask(manager, message, SHRUTHI_ACTION_LIST_IMAGES, &details, on_images_list_decision, call);
        return 1;
}

static int image_work_prune(ImageWork *work, Error *ret_error)
{
        return images_prune(&work->removed, &work->freed, ret_error);
}

static int image_work_append_pruned(const ImageWork *work, sd_bus_message *reply)
{
        int r = sd_bus_message_append_strv(reply, work->removed);

        return r < 0 ? r : sd_bus_message_append(reply, "t", work->freed);
}

int method_prune_images(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        GHashTableIter iter;
        gpointer value;
        Call *call;

        if (!call_authorize(manager, message, &(PolkitDetails){.verb = "prune the images"},
                            SHRUTHI_ACTION_PRUNE_IMAGES, &call))
                return 1;

        /* A unikernel that starts from a path may have imported its image a moment ago, and not opened it
         * yet. */
        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;

                if (unikernel->properties.state != UNIKERNEL_STARTING || !unikernel->loaded.definition ||
                                unikernel->loaded.definition->image[0] != '/')
                        continue;
                call_fail(call, &error,
                                error_set(&error, ERROR_BUSY,
                                                "Unikernel '%s' is starting; try again in a moment",
                                                unikernel->name));
                return 1;
        }

        return image_work_start(
                        image_work_new(call, -EBADF, NULL, image_work_prune, image_work_append_pruned));
}
