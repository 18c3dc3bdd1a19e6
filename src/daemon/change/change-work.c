/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The work of a change in its thread: build the new text, check rights and limits, import the images, check
 * all that a start would check, write. Until the last step only the imported images are on disk, which
 * nobody uses yet. */

#include "daemon/change/change-work-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/systemd-version.h"
#include "common/users.h"
#include "daemon/change/image-access.h"
#include "daemon/change/seal-client.h"
#include "image/inspect.h"
#include "image/store.h"
#include "unikernel/arguments.h"
#include "unikernel/credential-space.h"
#include "unikernel/devices.h"
#include "unikernel/lease.h"
#include "unikernel/memory.h"
#include "unikernel/process-rules.h"
#include "unikernel/unit-dropins.h"
#include "unikernel/unit-files.h"

/* Stands in while the image is not known yet; never written. */
#define PLACEHOLDER_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static void draft_clear(Draft *draft)
{
        for (size_t i = 0; i < G_N_ELEMENTS(draft->pinned); i++) {
                image_unpin(draft->pinned[i]);
                g_free(draft->pinned[i]);
        }
        definition_free(draft->old);
        definition_free(draft->definition);
        generation_free(draft->target);
        generation_free(draft->replaced);
        g_free(draft->path);
        g_free(draft->old_text);
        g_free(draft->text);
}

void change_result_clear(ChangeResult *result)
{
        error_clear(&result->error);
        g_free(result->user);
        g_free(result->image);
        g_strfreev(result->taken_over);
        g_clear_pointer(&result->volumes, g_ptr_array_unref);
        g_free(result->text);
        publisher_free(result->publisher);
        *result = CHANGE_RESULT_INIT;
}

ResourceUsage resource_usage_of(const Definition *definition, uint64_t taken, const Conf *conf)
{
        return (ResourceUsage){
                        .uid = definition->owner,
                        .memory = (definition->memory ?: conf->memory_default) + taken,
                        .cpus = definition->cpus,
        };
}

bool draft_may_administer(const Draft *draft)
{
        return draft->request->administer || draft->request->call->uid == 0;
}

int draft_needs_administer(const Draft *draft, ErrorCode code, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = error_setv(&draft->result->error, code, format, ap);
        va_end(ap);
        draft->result->needs_administer = true;
        return r;
}

const DefinitionDevice *draft_find_old_device(const Draft *draft, const DefinitionDevice *like)
{
        for (guint i = 0; draft->old && i < draft->old->devices->len; i++) {
                const DefinitionDevice *device = draft->old->devices->pdata[i];

                if (device->kind == like->kind && g_str_equal(device->name, like->name))
                        return device;
        }

        return NULL;
}

unsigned draft_count_addresses(const Draft *draft, const Definition *definition)
{
        return network_count_addresses(draft->request->claims, draft->conf, definition);
}

/* Messages name lines only for text that the caller, or somebody before, wrote as a file; an error in a text
 * that was valid before comes from the settings. */
static int draft_parse(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        const char *path = draft->path && !draft->old ? draft->path : NULL;
        g_autofree char *given = g_strconcat(request->name, SHRUTHI_DEFINITION_SUFFIX, NULL);

        g_clear_pointer(&draft->definition, definition_free);
        return definition_parse(request->name, request->kind == CHANGE_DEFINITION ? given : path,
                        draft->text, strlen(draft->text), &draft->definition, &draft->result->error);
}

/* Changes the text again, when more is known. */
static int draft_apply(Draft *draft, const Settings *settings, const char *image, const char *initrd)
{
        char *text = settings_apply(settings, draft->text, NULL, image, initrd);

        g_free(draft->text);
        draft->text = text;
        return draft_parse(draft);
}

/* Reads the current text. Refuses a definition of an administrator before anything else about it is
 * reported. */
static int draft_read_old(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        _cleanup_error_ Error error = ERROR_INIT;
        DefinitionOrigin origin;
        size_t size;
        int r;

        r = definition_find(request->name, &draft->path, &origin, &draft->result->error);
        if (r < 0)
                return r;
        if (origin == DEFINITION_ORIGIN_CONFIG)
                return error_set(&draft->result->error, ERROR_NOT_MANAGED,
                                "Unikernel '%s' is defined in %s, which belongs to the administrator; edit "
                                "that file",
                                request->name, draft->path);
        r = file_read_at(AT_FDCWD, draft->path, DEFINITION_SIZE_MAX, &draft->old_text, &size);
        if (r < 0)
                return error_set_errno(&draft->result->error, r, "Cannot read %s", draft->path);

        /* It may be broken: this change may repair it. */
        (void) definition_parse(request->name, draft->path, draft->old_text, size, &draft->old, &error);
        return 0;
}

/* The number is what limits need (definition_check_slice_limits()), and stays true if the user is renamed.
 * An unknown name is refused by the parser. */
static void draft_number_owner(Draft *draft)
{
        const Settings *settings = draft->request->settings;
        const char *given = settings ? settings->values[SETTING_OWNER] : NULL;
        g_autofree char *number = NULL;
        uid_t owner;

        if (draft->request->kind == CHANGE_DEFINITION ||
                        (draft->request->update && draft->request->update->rollback))
                return;
        if (given && user_find(given, &owner) >= 0)
                number = g_strdup_printf("%u", (unsigned) owner);
        else if (!given && draft->old && draft->old->owner_is_name)
                number = g_strdup_printf("%u", (unsigned) draft->old->owner);
        if (number) {
                char *text = definition_text_set(draft->text, "Unikernel", NULL, "Owner", number);

                g_free(draft->text);
                draft->text = text;
        }
}

static int draft_make_text(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        g_autofree char *start = NULL, *owned = NULL;

        if (request->update && request->update->rollback) {
                int r = draft_read_generation(draft);

                if (r < 0)
                        return r;
        } else if (request->kind == CHANGE_DEFINITION)
                draft->text = g_strdup(request->text);
        else if (request->kind == CHANGE_SETTINGS)
                draft->text = settings_apply(request->settings, draft->old_text, draft->old, NULL,
                                request->settings->initrd_digest);
        else {
                start = g_strdup_printf("[Unikernel]\nOwner=%u\n", (unsigned) request->call->uid);
                draft->text = settings_apply(request->settings, start, NULL, PLACEHOLDER_DIGEST,
                                request->settings->initrd_digest);
        }

        draft_number_owner(draft);
        return draft_parse(draft);
}

/* An image that cannot be hosted is not imported. The check of the stored copy is the one that counts. */
static int draft_check_hostable(const Draft *draft, int fd)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        /* The import reports an image that cannot even be read. */
        if (image_inspect(fd, draft->definition->architecture, &info, &error) < 0 || !info->problem)
                return 0;

        return error_set(&draft->result->error, info->problem_code, "The image is %s", info->problem);
}

static int draft_import_fd(Draft *draft, int fd, const char *expected, unsigned slot, char **ret_digest)
{
        StoreLimits limits = image_limits(
                        draft->conf, draft->request->administer ? 0 : draft->request->call->uid);
        int r;

        r = image_acquire(fd, expected, &limits, &draft->pinned[slot], &draft->result->error);
        if (r >= 0)
                *ret_digest = g_strdup(draft->pinned[slot]);
        return r;
}

/* Gets the image that the definition will name; NULL to keep the current one. */
static int draft_acquire_image(Draft *draft, char **ret_digest)
{
        const ChangeRequest *request = draft->request;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (request->image_path) {
                r = image_path_open(request->image_path, draft->conf->image_directories,
                                draft_may_administer(draft), &fd, &draft->result->error);
                if (r < 0)
                        return r;
        }
        if (request->image_path || request->image_fd >= 0) {
                int image_fd = request->image_path ? fd : request->image_fd;

                r = draft_check_hostable(draft, image_fd);
                return r < 0 ? r
                             : draft_import_fd(draft, image_fd, request->settings->digest, 0, ret_digest);
        }
        if (request->image_digest) {
                if (request->settings->digest &&
                                !g_str_equal(request->settings->digest, request->image_digest))
                        return error_set(&draft->result->error, ERROR_DIGEST_MISMATCH,
                                        "Image digest is %s, expected %s", request->image_digest,
                                        request->settings->digest);
                *ret_digest = g_strdup(request->image_digest);
        }

        return 0;
}

static int draft_acquire_images(Draft *draft, char **ret_image, char **ret_initrd)
{
        const ChangeRequest *request = draft->request;
        int r;

        r = draft_acquire_image(draft, ret_image);
        if (r >= 0 && request->settings->initrd_fd >= 0)
                r = draft_import_fd(draft, request->settings->initrd_fd, NULL, 1, ret_initrd);

        return r;
}

static int draft_pin_image(Draft *draft, const char *image, unsigned slot)
{
        int r;

        if (!image || image[0] == '/' || draft->pinned[slot])
                return 0;

        r = image_pin(image, &draft->result->error);
        if (r >= 0)
                draft->pinned[slot] = g_strdup(image);
        return r;
}

/* An image named by digest must exist, be intact, and match the devices of the definition. An image named by
 * path may appear later. */
static int draft_check_image(Draft *draft, ImageInfo **ret_info)
{
        const Definition *definition = draft->definition;
        _cleanup_image_info_ ImageInfo *info = NULL;
        g_autoptr(GPtrArray) devices = NULL;
        int r;

        r = draft_pin_image(draft, definition->image, 0);
        if (r >= 0)
                r = draft_pin_image(draft, definition->initrd, 1);
        if (r < 0)
                return r;

        if (definition->initrd && definition->initrd[0] != '/') {
                r = store_verify(definition->initrd, &draft->result->error);
                if (r < 0)
                        return r;
        }
        if (definition->image[0] == '/')
                return 0;

        r = store_verify(definition->image, &draft->result->error);
        if (r >= 0)
                r = image_inspect_stored(
                                definition->image, definition->architecture, &info, &draft->result->error);
        if (r < 0)
                return r;
        if (info->problem)
                return error_set(
                                &draft->result->error, info->problem_code, "The image is %s", info->problem);

        r = user_rules_check(definition, info, &draft->result->error);
        if (r >= 0)
                r = devices_match(definition, info, &devices, &draft->result->error);
        if (r >= 0 && info->boot == IMAGE_BOOT_PROCESS)
                r = process_rules_check(definition, info, draft->conf, &draft->result->error);
        if (r >= 0)
                *ret_info = g_steal_pointer(&info);
        return r;
}

/* The arguments, once written to the text, must read back as they were given. */
static int draft_check_arguments(const Draft *draft, const char *given)
{
        if (given && !g_str_equal(given, draft->definition->arguments))
                return error_set(&draft->result->error, ERROR_INVALID_ARGS,
                                "The arguments cannot be written into a definition");

        return 0;
}

/* Until here a list of arguments was quoted as for MirageOS, so that its fields could be read. */
static int draft_settle_arguments(Draft *draft, const ImageInfo *info)
{
        g_autoptr(Settings) settings = settings_new();
        const ChangeRequest *request = draft->request;
        int r;

        if (!request->settings->argument_list || arguments_are_quoted(info))
                return 0;

        settings->argument_list = g_strdupv(request->settings->argument_list);
        r = settings_join_arguments(settings, info, &draft->result->error);
        if (r >= 0)
                r = draft_apply(draft, settings, NULL, NULL);
        return r < 0 ? r : draft_check_arguments(draft, settings->values[SETTING_ARGUMENTS]);
}

/* Existing arguments are checked only at the start, so that the rest can be changed. */
static int draft_check_fields(const Draft *draft)
{
        const ChangeRequest *request = draft->request;

        if (draft->old && request->kind == CHANGE_SETTINGS && !request->settings->networks &&
                        g_str_equal(draft->old->arguments, draft->definition->arguments))
                return 0;

        return draft_check_placeholders(draft);
}

/* Memory that the kind of image needs is written to the definition if it differs from the default, so that
 * all readers know it and it counts for its owner. */
static int draft_settle_memory(Draft *draft, const ImageInfo *info)
{
        g_autoptr(Settings) settings = settings_new();
        uint64_t memory = 0;
        int r;

        r = draft_check_memory(draft, info, &memory);
        if (r >= 0 && memory != (draft->definition->memory ?: draft->conf->memory_default)) {
                settings_put_bytes(settings, SETTING_MEMORY, memory);
                r = draft_apply(draft, settings, NULL, NULL);
        }
        if (r < 0)
                return r;

        draft->process = info && info->boot == IMAGE_BOOT_PROCESS;
        draft->taken = memory_taken(draft->process, draft->conf);
        return draft_check_limits(draft);
}

static bool definition_wants_addresses(const Definition *definition)
{
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind == DEVICE_NETWORK &&
                                (device->setting.mode4 != ADDRESS_MODE_NONE ||
                                                device->setting.mode6 != ADDRESS_MODE_NONE))
                        return true;
        }

        return false;
}

/* Whether shruthi-generator would now write something else than systemd has. This does not depend on what
 * was changed: after an earlier change shruthid may have been killed before it told systemd. */
bool change_unit_files_differ(const char *name)
{
        g_autoptr(Definition) definition = NULL;

        (void) definition_load_full(name, DEFINITION_IGNORE_USERS, &definition, NULL);
        return !unit_files_are_there(paths_generated_units(), name, definition);
}

static int draft_write(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        ChangeResult *result = draft->result;
        bool create = request->kind == CHANGE_CREATE;
        _cleanup_close_ int networks = -EBADF;
        int r;

        if (create) {
                g_free(draft->text);
                draft->text = definition_format(draft->definition);
        }
        if (request->update && request->update->dry_run) {
                result->text = g_strdup(draft->text);
                result->unwritten = true;
                return 0;
        }
        result->owner = draft->definition->owner;
        result->usage = resource_usage_of(draft->definition, draft->taken, draft->conf);
        result->publisher = publisher_new(draft->definition);
        result->usage.addresses = draft_count_addresses(draft, draft->definition);
        result->addresses = create && definition_wants_addresses(draft->definition);
        if (create)
                generations_remove(request->name);
        r = create ? seal_forget_left(request->name, &draft->result->error) : 0;
        if (r >= 0)
                r = draft_make_volumes(draft);
        if (r < 0)
                return r;

        r = draft_lock_networks(draft, &networks);
        if (r >= 0 && !create)
                r = draft_keep_generations(draft);
        if (r >= 0 && !result->unwritten)
                r = definition_write(request->name, draft->text, create, &draft->result->error);
        if (r < 0) {
                if (!create)
                        draft_take_back_generation(draft);
                change_result_remove_volumes(result, request->name);
        } else {
                if (!create)
                        draft_trim_generations(draft);
                result->reload = change_unit_files_differ(request->name);
                result->without_steps = draft->definition->restart_steps &&
                                        systemd_version() < SYSTEMD_VERSION_RESTART_STEPS;
        }
        if (r >= 0 && create) {
                g_auto(GStrv) links = unit_links_list(request->name);
                g_autoptr(GStrvBuilder) files = g_strv_builder_new();
                g_auto(GStrv) dropins = unit_dropins_list(request->name, draft->definition->owner);

                g_strv_builder_addv(files, (const char **) dropins);
                g_strv_builder_addv(files, (const char **) links);
                result->taken_over = g_strv_builder_end(files);
        }
        return r;
}

static int draft_make(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        g_autofree char *image = NULL, *initrd = NULL;
        _cleanup_image_info_ ImageInfo *info = NULL;
        int r = 0;

        /* Whether one already exists is checked when it is written, so without a race. */
        if (request->kind != CHANGE_CREATE)
                r = draft_read_old(draft);
        if (r >= 0)
                r = draft_make_text(draft);
        if (r >= 0)
                r = draft_check_arguments(draft, request->settings->values[SETTING_ARGUMENTS]);
        if (r >= 0)
                r = draft_check_rights(draft);
        if (r >= 0)
                r = draft_check_own_name(draft);
        if (r >= 0)
                r = draft_check_loops(draft);
        if (r >= 0)
                r = draft_check_ports(draft);
        if (r >= 0)
                r = draft_check_limits(draft);
        if (r >= 0)
                r = draft_acquire_images(draft, &image, &initrd);
        if (r < 0)
                return r;

        if (image || initrd) {
                g_autoptr(Settings) nothing = settings_new();

                r = draft_apply(draft, nothing, image, initrd);
                if (r < 0)
                        return r;
        }
        r = draft_check_image(draft, &info);
        if (r >= 0)
                r = draft_settle_arguments(draft, info);
        if (r >= 0)
                r = draft_check_fields(draft);
        if (r >= 0)
                r = draft_settle_memory(draft, info);
        if (r >= 0)
                r = draft_check_rolling(draft);

        return r < 0 ? r : draft_write(draft);
}

static int change_work_write(const ChangeRequest *request, ChangeResult *result)
{
        Draft draft = {.request = request, .result = result, .conf = request->conf->conf};
        int r = draft_make(&draft);

        result->image = g_strdup(draft.pinned[0]);
        draft_clear(&draft);
        return r;
}

static int change_work_retire(const ChangeRequest *request, ChangeResult *result)
{
        g_autoptr(GPtrArray) leases = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        /* If it is not known, a release is tried. */
        result->addresses = lease_list(NULL, request->name, &leases, &error) < 0 || leases->len > 0;
        r = change_work_remove(request, result);
        result->reload = r >= 0 && change_unit_files_differ(request->name);
        return r;
}

void change_work(const ChangeRequest *request, ChangeResult *result)
{
        result->user = user_name(request->call->uid);
        result->owner = request->owner;
        result->r = request->kind == CHANGE_REMOVE ? change_work_retire(request, result)
                                                   : change_work_write(request, result);
}

void change_work_undo(const ChangeRequest *request, ChangeResult *result)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = definition_remove(request->name, &error);

        change_result_remove_volumes(result, request->name);
        if (r < 0 && error.code != ERROR_NO_SUCH_UNIKERNEL)
                log_object(LOG_WARNING, &(LogObject){.unikernel = request->name}, NULL, NULL,
                                "Cannot remove the new definition of '%s': %s", request->name,
                                error_message(&error, r));
}
