/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What only an administrator may set in the definition being made. The table of settings (setting.h) marks
 * those settings, so none is forgotten: a setting without a check of its own here may be kept or removed,
 * but not changed. The checks of networks, volumes, order and published ports are in change-work-*.c
 * beside it. Runs in the thread of a change. */

#include "common/users.h"
#include "daemon/change/change-work-private.h"
#include "daemon/change/image-access.h"
#include "unikernel/credential-space.h"
#include "unikernel/update-source.h"

static int draft_check_image_path(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        const char *image = *(char **) setting_field(setting, draft->definition);
        const char *before = draft->old ? *(char **) setting_field(setting, draft->old) : NULL;

        if (draft_may_administer(draft) || !image || image[0] != '/' || g_strcmp0(image, before) == 0)
                return 0;

        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                        "%s=: only an administrator may name a path; pass the file instead", setting->key);
}

static int draft_check_owner(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        const ChangeRequest *request = draft->request;
        uid_t before = draft->old ? draft->old->owner : request->call->uid;

        if (draft_may_administer(draft) || draft->definition->owner == before)
                return 0;

        return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                        "Only an administrator may change the owner of '%s'", request->name);
}

static int draft_check_group(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        gid_t group = draft->definition->group;
        g_autofree char *name = NULL;

        if (draft_may_administer(draft) || group == GID_INVALID ||
                        call_in_group(draft->request->call, group) ||
                        (draft->old && draft->old->group == group))
                return 0;

        name = group_name(group);
        return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                        "Only an administrator may name a group that the caller is not in (%s)", name);
}

/* systemd reads the sources as root, whoever owns the unikernel. */
static int draft_check_sources(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        bool encrypted = setting == &setting_table[SETTING_LOAD_CREDENTIAL_ENCRYPTED];

        if (draft_may_administer(draft))
                return 0;

        for (guint i = 0; i < device->sources->len; i++) {
                const DefinitionSource *source = device->sources->pdata[i];

                if (source->encrypted == encrypted && !definition_has_source(draft->old, source))
                        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                                        "Credential '%s': only an administrator may name its source; pass "
                                        "its content instead ('shruthictl credential set')",
                                        source->id);
        }

        return 0;
}

/* Its owner's slice bounds what a guest can have, and limits of its own restrict it further. Only a path
 * shows what else the host has. */
static int draft_check_slice_limit(const Draft *draft, const Setting *setting,
                const DefinitionDevice *device, const DefinitionDevice *old)
{
        g_autofree char *value = setting_format(setting, draft->definition),
                        *before = draft->old ? setting_format(setting, draft->old) : NULL;
        g_auto(GStrv) values = g_strsplit(value ?: "", "\n", -1), known = g_strsplit(before ?: "", "\n", -1);

        if (draft_may_administer(draft) || g_strcmp0(value, before) == 0)
                return 0;
        if (draft->conf->strict_limits)
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "%s=: only an administrator may change limits of guests, by StrictLimits= "
                                "of shruthi.conf",
                                setting->key);
        for (char **one = values; setting->type == SETTING_TYPE_LIST && *one; one++)
                if (**one == '/' && !g_strv_contains((const char *const *) known, *one))
                        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                                        "%s=%s: only an administrator may name a path; leave it out to "
                                        "limit what goes to the volumes",
                                        setting->key, *one);
        for (char **one = known; setting->type == SETTING_TYPE_LIST && *one; one++)
                if (**one == '/' && !g_strv_contains((const char *const *) values, *one))
                        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                                        "%s=%s: only an administrator may remove or change the limit of a "
                                        "path; write it too",
                                        setting->key, *one);

        return 0;
}

/* Where updates come from, and the files that they are verified with. */
static int draft_check_update(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        _cleanup_update_verify_ UpdateVerify verify = {};
        const char *value = *(char **) setting_field(setting, draft->definition), *path = value;
        const char *before = draft->old ? *(char **) setting_field(setting, draft->old) : NULL;

        if (draft_may_administer(draft) || !value || g_strcmp0(value, before) == 0)
                return 0;

        if (setting == &setting_table[SETTING_UPDATE_VERIFY]) {
                (void) update_verify_parse(value, &verify, NULL);
                path = verify.path;
        }
        if (!path || image_path_directory(path, draft->conf->image_directories))
                return 0;
        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                        "%s=: only an administrator may name a server, or a file outside "
                        "ImageDirectories= of shruthi.conf",
                        setting->key);
}

const SettingCheck setting_checks[_SETTING_MAX] = {
                [SETTING_IMAGE] = draft_check_image_path,
                [SETTING_INITRD] = draft_check_image_path,
                [SETTING_OWNER] = draft_check_owner,
                [SETTING_GROUP] = draft_check_group,
                [SETTING_UPDATE_FROM] = draft_check_update,
                [SETTING_UPDATE_VERIFY] = draft_check_update,
                [SETTING_START_LIMIT_INTERVAL_SEC] = draft_check_start_limit,
                [SETTING_START_LIMIT_BURST] = draft_check_start_limit,
                [SETTING_REQUIRES... SETTING_ON_FAILURE] = draft_check_order,
                [SETTING_CPU_WEIGHT... SETTING_MEMORY_MAX] = draft_check_slice_limit,
                [SETTING_BRIDGE] = draft_check_attachment,
                [SETTING_NETWORK] = draft_check_attachment,
                [SETTING_MAC_ADDRESS] = draft_check_mac,
                [SETTING_ADDRESS] = draft_check_address,
                [SETTING_PUBLISH] = draft_check_publish,
                [SETTING_PATH] = draft_check_volume_path,
                [SETTING_VOLUME] = draft_check_stored_volume,
                [SETTING_LOAD_CREDENTIAL] = draft_check_sources,
                [SETTING_LOAD_CREDENTIAL_ENCRYPTED] = draft_check_sources,
};

static int draft_check_unchanged(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        const void *owner = device ?: (const void *) draft->definition;
        const void *old_owner = device ? old : (const void *) draft->old;
        g_autofree char *value = setting_format(setting, owner),
                        *before = old_owner ? setting_format(setting, old_owner) : NULL;

        if (draft_may_administer(draft) || !value || g_strcmp0(value, before) == 0)
                return 0;
        if (!device)
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "Only an administrator may set %s=%s", setting->key, value);

        return draft_needs_administer(draft,
                        device->kind == DEVICE_NETWORK ? ERROR_NETWORK_NOT_ALLOWED : ERROR_ACCESS_DENIED,
                        "%s '%s': only an administrator may set %s=%s", definition_device_section(device),
                        device->name, setting->key, value);
}

static int draft_check_section(const Draft *draft, SettingSection section, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        int r = 0;

        for (SettingID id = 0; r >= 0 && id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                SettingCheck check = setting_checks[id] ?: draft_check_unchanged;

                if (setting->section == section && (setting->flags & SETTING_ADMINISTRATOR))
                        r = check(draft, setting, device, old);
        }

        return r;
}

/* Sources that have grown since they were named do not prevent other changes. */
static int draft_check_credential_space(const Draft *draft)
{
        if (definition_sources_equal(draft->old, draft->definition))
                return 0;

        return credential_space_check(draft->definition, credential_space_known(draft->definition), 0, true,
                        &draft->result->error);
}

static int draft_check_device(const Draft *draft, const DefinitionDevice *device)
{
        const DefinitionDevice *old = draft_find_old_device(draft, device);
        int r = 0;

        if (device->kind == DEVICE_NETWORK)
                r = draft_check_network(draft, device);
        else if (device->credentials)
                r = draft_check_credential_space(draft);

        return r < 0 ? r : draft_check_section(draft, definition_device_section_type(device), device, old);
}

/* A fleet's members are found by their names, and then by their mark. */
static int draft_check_fleet(const Draft *draft)
{
        const char *fleet = draft->definition->fleet;
        g_autofree char *prefix = g_strconcat(fleet ?: "", "-", NULL);

        if (!fleet || g_str_has_prefix(draft->request->name, prefix) ||
                        (draft->old && g_strcmp0(draft->old->fleet, fleet) == 0))
                return 0;

        return error_set(&draft->result->error, ERROR_INVALID_DEFINITION,
                        "Fleet=%s: the name of a member of this fleet begins with %s, and '%s' does not",
                        fleet, prefix, draft->request->name);
}

int draft_check_rights(const Draft *draft)
{
        const GPtrArray *devices = draft->definition->devices;
        const char *path = draft->request->image_path;
        int r;

        if (path && !draft_may_administer(draft) &&
                        !image_path_directory(path, draft->conf->image_directories))
                return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                                "Only an administrator may name a file outside ImageDirectories= of "
                                "shruthi.conf");

        r = draft_check_fleet(draft);
        if (r >= 0)
                r = draft_check_section(draft, SECTION_UNIKERNEL, NULL, NULL);
        for (guint i = 0; r >= 0 && i < devices->len; i++)
                r = draft_check_device(draft, devices->pdata[i]);

        return r;
}
