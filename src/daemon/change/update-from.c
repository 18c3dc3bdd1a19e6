/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gets the image of UpdateFrom= and what it is verified with, and hands it to update.c. What has a URL is
 * fetched first, in the loop; files are opened, and everything is verified, in a thread. */

#include "daemon/change/update-from.h"

#include <string.h>

#include "common/https-url.h"
#include "common/io.h"
#include "common/names.h"
#include "common/string-util.h"
#include "daemon/change/fetch-client.h"
#include "daemon/change/image-access.h"
#include "daemon/change/source-verify.h"
#include "daemon/state/unikernel-access.h"
#include "image/digest-list.h"
#include "image/inspect.h"
#include "unikernel/update-source.h"

typedef struct UpdateFrom {
        Manager *manager;
        char *name;
        Call *call;
        ChangeUpdate change;
        SharedConf *conf;
        uid_t importer; /* who the image counts for; 0: nobody */
        char *from, *verify;
        char *image; /* of the definition */
        ImageArchitecture architecture;
        UpdateVerify how;
        const char *const *ending; /* of the signature, the one that is tried */

        /* What was fetched, or -EBADF. */
        int image_fd, beside_fd;
        char *beside_name; /* path or URL of the signature or list of digests; NULL: not known yet */

        /* The thread's. */
        int r;
        Error error;
        char *beside; /* content of the signature or list */
        size_t beside_size;
        char *digest; /* of the image, pinned unless up_to_date; NULL if it was not read */
        char *words;  /* how it was verified and where it is from */
        bool pinned, up_to_date;
} UpdateFrom;

static void update_from_free(UpdateFrom *from)
{
        g_hash_table_remove(from->manager->fetching, from->name);
        if (from->pinned)
                image_unpin(from->digest);
        close_safe(from->image_fd);
        close_safe(from->beside_fd);
        update_verify_clear(&from->how);
        g_free(from->beside_name);
        g_free(from->beside);
        g_free(from->name);
        shared_conf_unref(from->conf);
        error_clear(&from->error);
        g_free(from->from);
        g_free(from->verify);
        g_free(from->image);
        g_free(from->digest);
        g_free(from->words);
        g_free(from);
}

/* Opens a file that the definition names, so an administrator did, or a user one in ImageDirectories=. */
static int update_from_open(const UpdateFrom *from, const char *path, int *ret_fd, Error *ret_error)
{
        return image_path_open(path, from->conf->conf->image_directories, true, ret_fd, ret_error);
}

static int update_from_open_image(const UpdateFrom *from, int *ret_fd, Error *ret_error)
{
        int r = update_from_open(from, from->from, ret_fd, ret_error);

        if (r < 0 && ret_error->code == ERROR_NO_SUCH_IMAGE)
                return error_set(ret_error, ERROR_NO_SUCH_IMAGE,
                                "There is no image at %s: put it there, or correct UpdateFrom= ('shruthictl "
                                "set %s UpdateFrom=…')",
                                from->from, from->call->unikernel);
        if (r < 0)
                error_prefix(ret_error, "UpdateFrom=");
        return r;
}

static int update_from_read_all(int fd, const char *name, char **ret_data,
                size_t *ret_size, Error *ret_error)
{
        int r = fd_read_all(fd, SOURCE_BESIDE_SIZE_MAX, ret_data, ret_size);

        if (r == -E2BIG)
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "%s is larger than %d KiB, and so neither a signature nor a list of digests",
                                name, SOURCE_BESIDE_SIZE_MAX / 1024);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot read %s", name) : 0;
}

static int update_from_read_file(const UpdateFrom *from, const char *path, char **ret_data, size_t *ret_size,
                Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = update_from_open(from, path, &fd, ret_error);
        return r < 0 ? r : update_from_read_all(fd, path, ret_data, ret_size, ret_error);
}

static int update_from_refuse_unsigned(const UpdateFrom *from, Error *ret_error)
{
        g_autoptr(GString) tried = g_string_new(NULL);
        const char *const *endings = update_verify_endings(from->how.kind);

        for (const char *const *ending = endings; *ending; ending++)
                g_string_append_printf(tried, "%s%s%s", tried->len > 0 ? " or " : "", from->from, *ending);
        return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                        "There is no signature %s: sign the image with %s, and put the signature beside it",
                        tried->str,
                        from->how.kind == UPDATE_VERIFY_MINISIGN ? "'minisign -Sm'" : "'gpg --detach-sign'");
}

static int update_from_read_list(UpdateFrom *from, Error *ret_error)
{
        int r = update_from_read_file(from, from->how.path, &from->beside, &from->beside_size, ret_error);

        if (r < 0) {
                error_prefix(ret_error, "UpdateVerify=");
                return r;
        }
        from->beside_name = g_strdup(from->how.path);
        return 0;
}

/* Reads the signature or the list of digests, if that was not done yet. */
static int update_from_read_beside(UpdateFrom *from, Error *ret_error)
{
        int r;

        if (from->beside || from->how.kind == UPDATE_VERIFY_NOTHING)
                return 0;
        if (from->beside_fd >= 0)
                return update_from_read_all(from->beside_fd, from->beside_name, &from->beside,
                                &from->beside_size, ret_error);
        if (from->how.kind == UPDATE_VERIFY_SHA256SUMS)
                return update_from_read_list(from, ret_error);

        for (const char *const *ending = from->ending; *ending; ending++) {
                g_autofree char *path = g_strconcat(from->from, *ending, NULL);

                r = update_from_read_file(from, path, &from->beside, &from->beside_size, ret_error);
                if (r >= 0)
                        from->beside_name = g_steal_pointer(&path);
                if (r >= 0 || ret_error->code != ERROR_NO_SUCH_IMAGE)
                        return r;
        }
        return update_from_refuse_unsigned(from, ret_error);
}

static int update_from_verify(UpdateFrom *from, int fd, Error *ret_error)
{
        SourceImage image = {.file = update_source_file(from->from),
                        .fd = fd,
                        .size_max = from->conf->conf->image_size_max,
                        .directories = from->conf->conf->image_directories};
        g_autofree char *how = NULL;
        int r;

        r = update_from_read_beside(from, ret_error);
        if (r < 0)
                return r;
        image.beside = from->beside;
        image.beside_size = from->beside_size;
        image.beside_name = from->beside_name;
        r = source_verify(&from->how, &image, &from->digest, &how, ret_error);
        if (r < 0)
                return r;

        /* The location last: it may be long, and what shows this cuts off its end. */
        from->words = g_strconcat(how, *how ? ", from " : "", from->from, NULL);
        return 0;
}

/* Whether the definition has that image already. */
static bool update_from_is_current(const UpdateFrom *from)
{
        g_autofree char *digest = NULL;

        if (from->image[0] != '/')
                return g_str_equal(from->image, from->digest);

        return store_lookup_path(from->image, &digest) >= 0 && g_str_equal(digest, from->digest);
}

/* An image that has failed or that somebody has left, such as by a rollback, is not taken again by itself,
 * or a timer would restart the unikernel for it each time, or undo what was done by hand. */
static int update_from_check_history(const UpdateFrom *from, Error *ret_error)
{
        g_autoptr(GPtrArray) generations = generations_list(from->call->unikernel);
        const Generation *generation = generations_find_left(generations, from->digest);

        if (!generation)
                return 0;
        if (generation->state == GENERATION_FAILED)
                return error_set(ret_error, ERROR_UPDATE_FAILED,
                                "The image at %s is that of generation %" G_GUINT64_FORMAT
                                ", which failed: %s. Put another there, or try it again with 'shruthictl "
                                "update %s %s'",
                                from->from, generation->number, generation->reason ?: "it is not known why",
                                from->call->unikernel, from->digest);

        return error_set(ret_error, ERROR_UPDATE_FAILED,
                        "The image at %s is that of generation %" G_GUINT64_FORMAT
                        ", which was left by a rollback or for another image. Put another there, or take it "
                        "again with 'shruthictl update %s %s'",
                        from->from, generation->number, from->call->unikernel, from->digest);
}

/* What cannot be hosted is not imported. The check of the stored copy is the one that counts. */
static int update_from_check_hostable(const UpdateFrom *from, int fd, Error *ret_error)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        int r;

        r = image_inspect(fd, from->architecture, &info, ret_error);
        if (r >= 0 && info->problem)
                r = error_set(ret_error, info->problem_code, "The image is %s", info->problem);
        if (r < 0)
                error_prefix(ret_error, "%s", from->from);
        return r;
}

static int update_from_import(UpdateFrom *from, int fd, Error *ret_error)
{
        StoreLimits limits = image_limits(from->conf->conf, from->importer);
        g_autofree char *digest = NULL;
        int r;

        r = update_from_check_history(from, ret_error);
        if (r >= 0)
                r = update_from_check_hostable(from, fd, ret_error);
        if (r >= 0)
                r = image_acquire(fd, from->digest, &limits, &digest, ret_error);
        from->pinned = r >= 0;
        return r;
}

static int update_from_get(UpdateFrom *from, Error *ret_error)
{
        _cleanup_close_ int fd = TAKE_FD(from->image_fd);
        int r;

        r = fd >= 0 ? 0 : update_from_open_image(from, &fd, ret_error);
        if (r >= 0)
                r = update_from_verify(from, fd, ret_error);
        if (r < 0)
                return r;

        from->up_to_date = update_from_is_current(from);
        return from->up_to_date ? 0 : update_from_import(from, fd, ret_error);
}

static void update_from_run(void *userdata)
{
        UpdateFrom *from = userdata;

        from->r = update_from_get(from, &from->error);
}

/* The unikernel may be another by now, or may be updated from elsewhere. */
static int update_from_check_same(const UpdateFrom *from, const Unikernel **ret_unikernel, Error *ret_error)
{
        const Unikernel *unikernel;
        const Definition *definition;
        int r;

        r = unikernel_check_owner(from->call, ret_error);
        if (r < 0)
                return r;
        unikernel = unikernel_get(from->call->manager, from->call->unikernel);
        definition = unikernel->loaded.definition;
        if (!definition || g_strcmp0(definition->update_from, from->from) != 0 ||
                        g_strcmp0(definition->update_verify, from->verify) != 0 ||
                        g_strcmp0(definition->image, from->image) != 0)
                return error_set(ret_error, ERROR_BUSY,
                                "The definition of '%s' was changed meanwhile; try again",
                                from->call->unikernel);

        *ret_unikernel = unikernel;
        return 0;
}

static void update_from_reply_up_to_date(UpdateFrom *from, const Unikernel *unikernel)
{
        uint64_t generation = unikernel->properties.generation;

        call_reply(g_steal_pointer(&from->call), "a{sv}", 5, "Generation", "t", generation, "Former", "t",
                        generation, "Outcome", "s", "up-to-date", "Image", "s", from->digest, "Source", "s",
                        from->words);
}

static void on_update_from_got(void *userdata)
{
        UpdateFrom *from = userdata;
        const Unikernel *unikernel = NULL;
        Settings *settings;

        if (from->r >= 0)
                from->r = update_from_check_same(from, &unikernel, &from->error);
        if (from->r < 0)
                call_fail(g_steal_pointer(&from->call), &from->error, from->r);
        else if (from->up_to_date)
                update_from_reply_up_to_date(from, unikernel);
        else {
                settings = settings_new();
                settings->image_digest = g_strdup(from->digest);
                settings->image_source = g_steal_pointer(&from->words);
                settings->image_pinned = g_steal_pointer(&from->digest);
                from->pinned = false;
                update_start(g_steal_pointer(&from->call), &from->change, settings);
        }
        update_from_free(from);
}

/* --- Fetching --- */

/* A list of digests tells without the image whether that is a new one, and one that may be taken. */
static int update_from_look_up(UpdateFrom *from, Error *ret_error)
{
        int r;

        r = update_from_read_beside(from, ret_error);
        if (r < 0)
                return r;
        r = digest_list_find(from->beside, from->beside_size, update_source_file(from->from), &from->digest,
                        ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s", from->beside_name);
                return r;
        }

        from->up_to_date = update_from_is_current(from);
        return from->up_to_date ? 0 : update_from_check_history(from, ret_error);
}

static void update_from_peek(void *userdata)
{
        UpdateFrom *from = userdata;

        from->r = update_from_look_up(from, &from->error);
        if (from->up_to_date)
                from->words = g_strdup_printf("listed in %s, from %s", from->beside_name, from->from);
        else
                g_clear_pointer(&from->digest, g_free);
}

static void update_from_next(UpdateFrom *from);

static void on_update_from_peeked(void *userdata)
{
        UpdateFrom *from = userdata;

        if (from->r < 0 || from->up_to_date)
                on_update_from_got(from);
        else
                update_from_next(from);
}

static void update_from_fail(UpdateFrom *from, int r, Error *error)
{
        from->r = r;
        error_move(&from->error, error);
        on_update_from_got(from);
}

static void on_update_from_beside(int r, Error *error, int fd, void *userdata)
{
        UpdateFrom *from = userdata;
        bool missing = r < 0 && error->code == ERROR_NO_SUCH_IMAGE && *from->ending;

        if (r >= 0) {
                from->beside_fd = fd;
                update_from_next(from);
        } else if (missing && from->ending[1]) {
                from->ending++;
                g_clear_pointer(&from->beside_name, g_free);
                update_from_next(from);
        } else {
                if (missing)
                        r = update_from_refuse_unsigned(from, error);
                else
                        error_prefix(error, "%s", from->beside_name);
                update_from_fail(from, r, error);
        }
}

static void on_update_from_image(int r, Error *error, int fd, void *userdata)
{
        UpdateFrom *from = userdata;

        if (r >= 0) {
                from->image_fd = fd;
                update_from_next(from);
                return;
        }
        error_prefix(error, "%s", from->from);
        update_from_fail(from, r, error);
}

/* The URL of the signature or list of digests; NULL if there is none, or it is a file. */
static char *update_from_beside_url(const UpdateFrom *from)
{
        if (from->how.kind == UPDATE_VERIFY_SHA256SUMS)
                return text_is_url(from->how.path) ? g_strdup(from->how.path) : NULL;

        return text_is_url(from->from) && *from->ending ? g_strconcat(from->from, *from->ending, NULL)
                                                        : NULL;
}

/* Whether a list of digests is to be read before anything else: what it says may spare a transfer. */
static bool update_from_is_to_peek(const UpdateFrom *from)
{
        return from->how.kind == UPDATE_VERIFY_SHA256SUMS && !from->beside &&
               (from->beside_fd >= 0 || text_is_url(from->from));
}

static void update_from_next(UpdateFrom *from)
{
        g_autofree char *beside = from->beside_fd < 0 && !from->beside ? update_from_beside_url(from) : NULL;
        uint64_t image_size_max = from->conf->conf->image_size_max;

        if (beside) {
                from->beside_name = g_steal_pointer(&beside);
                fetch_start(from->manager->event, from->beside_name, SOURCE_BESIDE_SIZE_MAX,
                                on_update_from_beside, from);
        } else if (update_from_is_to_peek(from))
                worker_run(from->manager->worker, from->call->uid, NULL, update_from_peek,
                                on_update_from_peeked, from);
        else if (text_is_url(from->from) && from->image_fd < 0)
                fetch_start(from->manager->event, from->from, MIN(image_size_max, (uint64_t) INT64_MAX),
                                on_update_from_image, from);
        else
                worker_run(from->manager->worker, from->call->uid, NULL, update_from_run, on_update_from_got,
                                from);
}

static int update_from_check_start(
                const Call *call, const ChangeUpdate *change, const Unikernel *unikernel, Error *ret_error)
{
        const Definition *definition = unikernel ? unikernel->loaded.definition : NULL;

        if (!definition)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "The definition of '%s' cannot be read, and so not updated: %s",
                                call->unikernel,
                                unikernel && unikernel->loaded.problem ? unikernel->loaded.problem
                                                                       : "there is none");
        if (definition->origin == DEFINITION_ORIGIN_CONFIG)
                return error_set(ret_error, ERROR_NOT_MANAGED,
                                "Unikernel '%s' is defined in %s, which belongs to the administrator; edit "
                                "that file",
                                call->unikernel, definition->path);
        if (!definition->update_from)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The definition of '%s' has no UpdateFrom=: give an image ('shruthictl "
                                "update %s FILE'), or name one there ('shruthictl set %s UpdateFrom=FILE')",
                                call->unikernel, call->unikernel, call->unikernel);

        if (update_restarts(call, change)) {
                int r = call_check_conf(call->manager, SHRUTHI_ACTION_RESTART, ret_error);

                if (r < 0)
                        return r;
        }
        if (g_hash_table_contains(call->manager->fetching, call->unikernel))
                return error_set(ret_error, ERROR_BUSY,
                                "The next image of '%s' is being fetched already; wait until that is over",
                                call->unikernel);

        return change_check_free(call->manager, call->unikernel, ret_error);
}

/* Asked before anything is fetched, which may take long. */
static void on_update_from_decision(Decision decision, void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        UpdateFrom *from = userdata;

        from->change.may_restart = decision == DECISION_YES;
        if (from->change.may_restart)
                update_from_next(from);
        else
                update_from_fail(from, update_refuse_restart(decision, from->name, &error), &error);
}

/* A user's image that root's timer takes counts for the owner, or it would escape the limit of that user. */
static uid_t update_from_find_importer(const Call *call, const Definition *definition)
{
        char **directories = call->manager->conf->conf->image_directories;

        return call->uid == 0 && image_path_directory(definition->update_from, directories)
                               ? definition->owner
                               : call->uid;
}

void update_from_source(Call *call, const ChangeUpdate *change)
{
        const Unikernel *unikernel = unikernel_get(call->manager, call->unikernel);
        _cleanup_error_ Error error = ERROR_INIT;
        const Definition *definition;
        UpdateFrom *from;
        int r;

        r = update_from_check_start(call, change, unikernel, &error);
        if (r < 0) {
                call_fail(call, &error, r);
                return;
        }

        definition = unikernel->loaded.definition;
        from = g_new0(UpdateFrom, 1);
        *from = (UpdateFrom){.manager = call->manager,
                        .name = g_strdup(call->unikernel),
                        .call = call,
                        .change = *change,
                        .conf = shared_conf_ref(call->manager->conf),
                        .importer = update_from_find_importer(call, definition),
                        .from = g_strdup(definition->update_from),
                        .verify = g_strdup(definition->update_verify),
                        .image = g_strdup(definition->image),
                        .architecture = definition->architecture,
                        .image_fd = -EBADF,
                        .beside_fd = -EBADF,
                        .error = ERROR_INIT};
        g_hash_table_add(call->manager->fetching, g_strdup(call->unikernel));
        r = update_verify_parse(from->verify, &from->how, &error);
        from->ending = update_verify_endings(from->how.kind);
        if (r < 0)
                update_from_fail(from, r, &error);
        else if (update_restarts(call, change))
                update_ask_restart(call, on_update_from_decision, from);
        else
                update_from_next(from);
}
