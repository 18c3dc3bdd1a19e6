/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a change does in its thread: build the new text, look what it takes, take in the images, check all
 * that a start would check, write. Nothing is on disk before the last step but images, which nobody uses. */

#include "daemon/change/change.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/users.h"
#include "daemon/change/image-access.h"
#include "daemon/change/seal-client.h"
#include "image/inspect.h"
#include "image/store.h"
#include "unikernel/arguments.h"
#include "unikernel/credential-space.h"
#include "unikernel/devices.h"
#include "unikernel/lease.h"
#include "unikernel/unit-dropins.h"
#include "unikernel/unit-files.h"

/* What stands while the image is not known yet; never written. */
#define PLACEHOLDER_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

/* A definition in the making. */
typedef struct Draft {
        Change *change;
        const Conf *conf;
        char *path, *old_text; /* NULL: there is none */
        Definition *old;       /* NULL: none, or it cannot be read */
        char *text;
        Definition *definition;
} Draft;

static void draft_clear(Draft *draft)
{
        definition_free(draft->old);
        definition_free(draft->definition);
        g_free(draft->path);
        g_free(draft->old_text);
        g_free(draft->text);
}

int change_needs_administer(Change *change, ErrorCode code, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = error_setv(&change->error, code, format, ap);
        va_end(ap);
        change->needs_administer = true;
        return r;
}

/* Lines are named only of what the caller, or somebody before, has written as a file; what is wrong in a
 * text that was sound is what was set. */
static int draft_parse(Draft *draft)
{
        Change *change = draft->change;
        const char *path = draft->path && !draft->old ? draft->path : NULL;
        g_autofree char *given = g_strconcat(change->name, SHRUTHI_DEFINITION_SUFFIX, NULL);

        g_clear_pointer(&draft->definition, definition_free);
        return definition_parse(change->name, change->kind == CHANGE_DEFINITION ? given : path, draft->text,
                        strlen(draft->text), &draft->definition, &change->error);
}

/* Changes the text further, once more is known. */
static int draft_apply(Draft *draft, const Settings *settings, const char *image, const char *initrd)
{
        char *text = settings_apply(settings, draft->text, NULL, image, initrd);

        g_free(draft->text);
        draft->text = text;
        return draft_parse(draft);
}

/* The text as it is now. A definition of an administrator's is refused before anything else is said about
 * it. */
static int draft_read_old(Draft *draft)
{
        Change *change = draft->change;
        _cleanup_error_ Error error = ERROR_INIT;
        DefinitionOrigin origin;
        size_t size;
        int r;

        r = definition_find(change->name, &draft->path, &origin, &change->error);
        if (r < 0)
                return r;
        if (origin == DEFINITION_ORIGIN_CONFIG)
                return error_set(&change->error, ERROR_NOT_MANAGED,
                                "Unikernel '%s' is defined in %s, which is left to its administrator: "
                                "change that file",
                                change->name, draft->path);
        r = file_read_at(AT_FDCWD, draft->path, DEFINITION_SIZE_MAX, &draft->old_text, &size);
        if (r < 0)
                return error_set_errno(&change->error, r, "Cannot read %s", draft->path);

        /* It may well be broken: then this change is what repairs it. */
        (void) definition_parse(change->name, draft->path, draft->old_text, size, &draft->old, &error);
        return 0;
}

static int draft_make_text(Draft *draft)
{
        Change *change = draft->change;
        g_autofree char *start = NULL, *owned = NULL;

        if (change->kind == CHANGE_DEFINITION)
                draft->text = g_strdup(change->text);
        else if (change->kind == CHANGE_SETTINGS)
                draft->text = settings_apply(change->settings, draft->old_text, draft->old, NULL,
                                change->settings->initrd_digest);
        else {
                start = g_strdup_printf("[Unikernel]\nOwner=%u\n", (unsigned) change->uid);
                draft->text = settings_apply(change->settings, start, NULL, PLACEHOLDER_DIGEST,
                                change->settings->initrd_digest);
        }

        return draft_parse(draft);
}

static const DefinitionDevice *find_device(const Definition *definition, const DefinitionDevice *like)
{
        for (guint i = 0; definition && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind == like->kind && g_str_equal(device->name, like->name))
                        return device;
        }

        return NULL;
}

/* systemd reads them as root, whoever the unikernel's owner is. What has grown since it was named keeps
 * nobody from changing something else. */
static int check_sources(const Draft *draft, const DefinitionDevice *device)
{
        if (!definition_sources_equal(draft->old, draft->definition)) {
                int r = credential_space_check(draft->definition, credential_space_known(draft->definition),
                                0, true, &draft->change->error);

                if (r < 0)
                        return r;
        }

        if (draft->change->administer || draft->change->uid == 0)
                return 0;

        for (guint i = 0; i < device->sources->len; i++) {
                const DefinitionSource *source = device->sources->pdata[i];

                if (!definition_has_source(draft->old, source))
                        return change_needs_administer(draft->change, ERROR_PATH_NOT_ALLOWED,
                                        "Credential '%s': only an administrator may name where it comes "
                                        "from; hand its content over instead ('shruthictl credential set')",
                                        source->id);
        }

        return 0;
}

static int check_image_path(const Draft *draft, const char *key, const char *image, const char *old)
{
        if (draft->change->administer || draft->change->uid == 0 || !image || image[0] != '/' ||
                        g_strcmp0(image, old) == 0)
                return 0;

        return change_needs_administer(draft->change, ERROR_PATH_NOT_ALLOWED,
                        "%s=: only an administrator may name a path; hand the file over instead", key);
}

static int needs_administer_for_group(Change *change, gid_t group)
{
        g_autofree char *name = group_name(group);

        return change_needs_administer(change, ERROR_ACCESS_DENIED,
                        "Only an administrator may name a group that they are not in (%s)", name);
}

/* What only an administrator may do. One has been asked for, or this stops here. */
static int draft_check_rights(const Draft *draft)
{
        const Definition *definition = draft->definition, *old = draft->old;
        Change *change = draft->change;
        bool administer = change->administer || change->uid == 0;
        int r;

        if (!administer && definition->owner != (old ? old->owner : change->uid))
                return change_needs_administer(change, ERROR_ACCESS_DENIED,
                                "Only an administrator may give '%s' another owner", change->name);
        if (!administer && definition->group != GID_INVALID &&
                        !call_in_group(change->call, definition->group) &&
                        (!old || old->group != definition->group))
                return needs_administer_for_group(change, definition->group);
        if (change->image_path && !administer &&
                        !image_path_directory(change->image_path, draft->conf->image_directories))
                return change_needs_administer(change, ERROR_PATH_NOT_ALLOWED,
                                "Only an administrator may name a file outside of ImageDirectories= in "
                                "shruthi.conf");

        r = check_image_path(draft, "Image", definition->image, old ? old->image : NULL);
        if (r >= 0)
                r = check_image_path(draft, "Initrd", definition->initrd, old ? old->initrd : NULL);
        for (guint i = 0; r >= 0 && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                r = device->kind == DEVICE_NETWORK
                                    ? change_check_network(change, device, find_device(old, device))
                    : device->credentials ? check_sources(draft, device)
                                          : change_check_volume(change, definition, device,
                                                            find_device(old, device));
        }

        return r;
}

static uint64_t memory_of(const Definition *definition, const Conf *conf)
{
        return definition->memory ?: conf->memory_default;
}

/* share: with what QEMU takes for itself. */
static int check_memory(const Draft *draft, const Share *share, uint64_t others)
{
        const Conf *conf = draft->conf;
        uint64_t memory = memory_of(draft->definition, conf);
        g_autofree char *wanted = size_format(memory), *limit = size_format(conf->memory_max),
                        *user_limit = size_format(conf->memory_max_user), *sum = size_format(others),
                        *overhead = size_format(conf->memory_overhead);

        if (memory > conf->memory_max)
                return change_needs_administer(draft->change, ERROR_LIMIT_EXCEEDED,
                                "%s of memory are more than a unikernel of users may have (MemoryMax=%s)",
                                wanted, limit);
        if (others > conf->memory_max_user || share->memory > conf->memory_max_user - others)
                return change_needs_administer(draft->change, ERROR_LIMIT_EXCEEDED,
                                "%s of memory, %s for QEMU itself (MemoryOverhead=) and the %s of the "
                                "owner's other unikernels are more than one user may have "
                                "(MemoryMaxPerUser=%s)",
                                wanted, overhead, sum, user_limit);

        return 0;
}

static int check_cpus(const Draft *draft, unsigned cpus, uint64_t others)
{
        const Conf *conf = draft->conf;

        if (cpus > conf->cpus_max)
                return change_needs_administer(draft->change, ERROR_LIMIT_EXCEEDED,
                                "%u CPUs are more than a unikernel of users may have (CPUsMax=%u)", cpus,
                                conf->cpus_max);
        if (others + cpus > conf->cpus_max_user)
                return change_needs_administer(draft->change, ERROR_LIMIT_EXCEEDED,
                                "%u CPUs and the %" PRIu64 " of the owner's other unikernels are more than "
                                "one user may have (CPUsMaxPerUser=%u)",
                                cpus, others, conf->cpus_max_user);

        return 0;
}

/* What one has already, one may keep, whatever else changes. before NULL: nothing. */
static int check_more(const Draft *draft, const Definition *before, const Share *others)
{
        Share share = share_of(draft->definition, draft->conf),
              old = before ? share_of(before, draft->conf) : (Share){};
        int r = 0;

        if (share.memory > old.memory)
                r = check_memory(draft, &share, others->memory);
        if (r >= 0 && share.cpus > old.cpus)
                r = check_cpus(draft, share.cpus, others->cpus);
        return r;
}

static int check_addresses(const Draft *draft, unsigned others)
{
        Change *change = draft->change;
        const Definition *definition = draft->definition, *old = draft->old;
        unsigned addresses = change_count_addresses(change, definition);
        unsigned max = draft->conf->addresses_max_user;
        unsigned before = old && old->owner == definition->owner ? change_count_addresses(change, old) : 0;

        if (addresses <= before || (others <= max && addresses <= max - others))
                return 0;

        return change_needs_administer(change, ERROR_LIMIT_EXCEEDED,
                        "%u network devices and the %u of the owner's other unikernels, on networks that "
                        "are not the owner's, are more than one user may have (AddressesMaxPerUser=%u); on "
                        "a network of the owner's ('shruthictl network create') they do not count",
                        addresses, others, max);
}

/* The limits of users; they do not bind administrators. */
static int check_share(const Draft *draft)
{
        const Definition *definition = draft->definition;
        bool same_owner = draft->old && draft->old->owner == definition->owner;
        Change *change = draft->change;
        Share others = {};
        unsigned owned = 0;
        int r;

        for (guint i = 0; i < change->shares->len; i++) {
                const Share *share = &g_array_index(change->shares, Share, i);

                if (share->uid != definition->owner)
                        continue;
                owned++;
                others.memory += share->memory;
                others.cpus += share->cpus;
                others.addresses += share->addresses;
        }

        if (!same_owner && owned >= draft->conf->unikernels_max_user) {
                g_autofree char *owner = user_name(definition->owner);

                return change_needs_administer(change, ERROR_LIMIT_EXCEEDED,
                                "User %s has %u unikernels already (UnikernelsMaxPerUser=%u)", owner, owned,
                                draft->conf->unikernels_max_user);
        }
        r = check_addresses(draft, others.addresses);
        if (r < 0)
                return r;

        return check_more(draft, same_owner ? draft->old : NULL, &others);
}

static int draft_check_limits(const Draft *draft)
{
        Change *change = draft->change;

        if (change->kind == CHANGE_CREATE && change->shares->len >= draft->conf->unikernels_max)
                return error_set(&change->error, ERROR_LIMIT_EXCEEDED,
                                "There are %u unikernels already (UnikernelsMax=%u)", change->shares->len,
                                draft->conf->unikernels_max);
        if (change->administer || change->uid == 0)
                return 0;

        /* What is root's has no share, and whoever else may change it does not make it larger than a
         * unikernel of users. */
        return draft->definition->owner == 0 ? check_more(draft, draft->old, &(Share){})
                                             : check_share(draft);
}

/* What cannot be hosted needs no room in the store. The judgement that counts is the one on the stored
 * copy. */
static int check_hostable(Change *change, int fd, ImageArchitecture asked)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        /* What cannot even be read is for the import to tell. */
        if (image_inspect(fd, asked, &info, &error) < 0 || !info->problem)
                return 0;

        return error_set(&change->error, info->problem_code, "The image is %s", info->problem);
}

static int import_fd(Change *change, int fd, const char *expected, unsigned slot, char **ret_digest)
{
        StoreLimits limits = image_limits(change->conf->conf, change->administer ? 0 : change->uid);
        int r;

        r = image_take(fd, expected, &limits, &change->pinned[slot], &change->error);
        if (r >= 0)
                *ret_digest = g_strdup(change->pinned[slot]);
        return r;
}

/* The image that the definition will name; NULL: the one that it names. */
static int take_image(const Draft *draft, char **ret_digest)
{
        Change *change = draft->change;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (change->image_path) {
                r = image_path_open(change->image_path, change->conf->conf->image_directories,
                                change->administer || change->uid == 0, &fd, &change->error);
                if (r < 0)
                        return r;
        }
        if (change->image_path || change->image_fd >= 0) {
                int image_fd = change->image_path ? fd : change->image_fd;

                r = check_hostable(change, image_fd, draft->definition->architecture);
                return r < 0 ? r : import_fd(change, image_fd, change->settings->digest, 0, ret_digest);
        }
        if (change->image_digest) {
                if (change->settings->digest && !g_str_equal(change->settings->digest, change->image_digest))
                        return error_set(&change->error, ERROR_DIGEST_MISMATCH,
                                        "The image is %s, and %s is demanded", change->image_digest,
                                        change->settings->digest);
                *ret_digest = g_strdup(change->image_digest);
        }

        return 0;
}

static int take_images(Draft *draft, char **ret_image, char **ret_initrd)
{
        Change *change = draft->change;
        int r;

        r = take_image(draft, ret_image);
        if (r >= 0 && change->settings->initrd_fd >= 0)
                r = import_fd(change, change->settings->initrd_fd, NULL, 1, ret_initrd);

        return r;
}

static int pin(Change *change, const char *image, unsigned slot)
{
        int r;

        if (!image || image[0] == '/' || change->pinned[slot])
                return 0;

        r = image_pin(image, &change->error);
        if (r >= 0)
                change->pinned[slot] = g_strdup(image);
        return r;
}

/* An image by digest must be there and sound, and want the devices that the definition has. One by path may
 * come later. */
static int draft_check_image(const Draft *draft, ImageInfo **ret_info)
{
        const Definition *definition = draft->definition;
        _cleanup_image_info_ ImageInfo *info = NULL;
        g_autoptr(GPtrArray) devices = NULL;
        Change *change = draft->change;
        int r;

        r = pin(change, definition->image, 0);
        if (r >= 0)
                r = pin(change, definition->initrd, 1);
        if (r < 0)
                return r;

        if (definition->initrd && definition->initrd[0] != '/') {
                r = store_verify(definition->initrd, &change->error);
                if (r < 0)
                        return r;
        }
        if (definition->image[0] == '/')
                return 0;

        r = store_verify(definition->image, &change->error);
        if (r >= 0)
                r = image_inspect_stored(definition->image, definition->architecture, &info, &change->error);
        if (r < 0)
                return r;
        if (info->problem)
                return error_set(&change->error, info->problem_code, "The image is %s", info->problem);

        r = devices_match(definition, info, &devices, &change->error);
        if (r >= 0)
                *ret_info = g_steal_pointer(&info);
        return r;
}

/* Text that the settings put in must come out of it as it was given. */
static int draft_check_arguments(const Draft *draft)
{
        const char *given = draft->change->settings->values[SETTING_ARGUMENTS];

        if (given && !g_str_equal(given, draft->definition->arguments))
                return error_set(&draft->change->error, ERROR_INVALID_ARGS,
                                "The arguments cannot stand in a definition as they are");

        return 0;
}

/* A list of arguments was joined for MirageOS up to here, which is what its fields could be read in. */
static int draft_settle_arguments(Draft *draft, const ImageInfo *info)
{
        g_autoptr(Settings) settings = settings_new();
        Change *change = draft->change;
        int r;

        if (!change->settings->argument_list || arguments_are_quoted(info))
                return 0;
        r = settings_join_arguments(change->settings, info, &change->error);
        if (r < 0)
                return r;

        settings_put(settings, SETTING_ARGUMENTS, change->settings->values[SETTING_ARGUMENTS]);
        r = draft_apply(draft, settings, NULL, NULL);
        return r < 0 ? r : draft_check_arguments(draft);
}

/* What stands there already is left to the start, so that the rest can be changed. */
static int draft_check_fields(const Draft *draft)
{
        Change *change = draft->change;

        if (draft->old && change->kind == CHANGE_SETTINGS && !change->settings->networks &&
                        g_str_equal(draft->old->arguments, draft->definition->arguments))
                return 0;

        return change_check_fields(change, draft->definition);
}

/* What its kind of image needs is written down where it is not what each guest has, so that all who read the
 * definition know it and it counts for its owner. */
static int draft_settle_memory(Draft *draft, const ImageInfo *info)
{
        g_autoptr(Settings) settings = settings_new();
        uint64_t memory = 0;
        int r;

        r = change_check_memory(draft->change, draft->definition, draft->old, info, &memory);
        if (r < 0 || memory == (draft->definition->memory ?: draft->conf->memory_default))
                return r;

        settings_put_bytes(settings, SETTING_MEMORY, memory);
        r = draft_apply(draft, settings, NULL, NULL);
        return r < 0 ? r : draft_check_limits(draft);
}

static bool wants_addresses(const Definition *definition)
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

/* Whether shruthi-generator would write something else now than what systemd has. By that and not by what
 * was changed: who changed it before may have been killed before systemd was told. */
static bool differs_for_systemd(const char *name)
{
        g_autoptr(Definition) definition = NULL;

        (void) definition_load_full(name, DEFINITION_IGNORE_USERS, &definition, NULL);
        return !unit_files_are_there(paths_generated_units(), name, definition);
}

static int draft_write(Draft *draft)
{
        Change *change = draft->change;
        bool create = change->kind == CHANGE_CREATE;
        _cleanup_close_ int networks = -EBADF;
        int r;

        if (create) {
                g_free(draft->text);
                draft->text = definition_format(draft->definition);
        }
        change->owner = draft->definition->owner;
        change->share = share_of(draft->definition, draft->conf);
        change->share.addresses = change_count_addresses(change, draft->definition);
        change->addresses = create && wants_addresses(draft->definition);
        r = create ? seal_forget_left(change->name, &change->error) : 0;
        if (r >= 0)
                r = change_make_volumes(change, draft->definition);
        if (r < 0)
                return r;

        r = change_hold_networks(change, draft->definition, &networks);
        if (r >= 0)
                r = definition_write(change->name, draft->text, create, &change->error);
        if (r < 0)
                change_unmake_volumes(change);
        else
                change->reload = differs_for_systemd(change->name);
        if (r >= 0 && create)
                change->taken_over = unit_dropins_list(change->name);
        return r;
}

static int work_write(Change *change)
{
        __attribute__((cleanup(draft_clear))) Draft draft = {.change = change, .conf = change->conf->conf};
        g_autofree char *image = NULL, *initrd = NULL;
        _cleanup_image_info_ ImageInfo *info = NULL;
        int r = 0;

        /* That there is none yet is seen when it is written, whoever makes one meanwhile. */
        if (change->kind != CHANGE_CREATE)
                r = draft_read_old(&draft);
        if (r >= 0)
                r = draft_make_text(&draft);
        if (r >= 0)
                r = draft_check_arguments(&draft);
        if (r >= 0)
                r = draft_check_rights(&draft);
        if (r >= 0)
                r = draft_check_limits(&draft);
        if (r >= 0)
                r = take_images(&draft, &image, &initrd);
        if (r < 0)
                return r;

        if (image || initrd) {
                g_autoptr(Settings) nothing = settings_new();

                r = draft_apply(&draft, nothing, image, initrd);
                if (r < 0)
                        return r;
        }
        r = draft_check_image(&draft, &info);
        if (r >= 0)
                r = draft_settle_arguments(&draft, info);
        if (r >= 0)
                r = draft_check_fields(&draft);
        if (r >= 0)
                r = draft_settle_memory(&draft, info);

        return r < 0 ? r : draft_write(&draft);
}

static int work_remove(Change *change)
{
        g_autoptr(GPtrArray) leases = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        /* Where that cannot be told, it is tried. */
        change->addresses = lease_list(NULL, change->name, &leases, &error) < 0 || leases->len > 0;
        r = change_remove(change);
        change->reload = r >= 0 && differs_for_systemd(change->name);
        return r;
}

void change_work(Change *change)
{
        change->needs_administer = false;
        if (!change->user)
                change->user = user_name(change->uid);
        change->result = change->kind == CHANGE_REMOVE ? work_remove(change) : work_write(change);

        /* The definition on disk holds them now, or nothing is to. */
        g_free(change->image);
        change->image = g_strdup(change->pinned[0]);
        for (size_t i = 0; i < G_N_ELEMENTS(change->pinned); i++) {
                image_unpin(change->pinned[i]);
                g_clear_pointer(&change->pinned[i], g_free);
        }
}

void change_undo(Change *change)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = definition_remove(change->name, &error);

        change_unmake_volumes(change);
        if (r < 0 && error.code != ERROR_NO_SUCH_UNIKERNEL)
                log_object(LOG_WARNING, &(LogObject){.unikernel = change->name}, NULL, NULL,
                                "Cannot take back the definition of '%s': %s", change->name,
                                error_message(&error, r));
}
