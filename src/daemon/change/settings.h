/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "common/error.h"
#include "unikernel/definition.h"

/* The dictionary that CreateUnikernel*() and SetSettings() take, read off a message; and what becomes of it
 * in a definition's text. */

typedef enum SettingsUse {
        SETTINGS_CREATE,
        SETTINGS_UPDATE,
        SETTINGS_IMPORT, /* ImportImage(): "Digest" only */
        SETTINGS_VOLUME, /* CreateVolume() */
        SETTINGS_VOLUME_IMPORT,
} SettingsUse;

typedef struct Settings {
        char *values[_SETTING_MAX]; /* those of [Unikernel] as a definition writes them; "": it shall not;
                                     * NULL in all of these: not named */
        char **argument_list; /* what Arguments is of, where they came as a list: quoted as for MirageOS
                               * until settings_join_arguments() */
        uint64_t *size;       /* of a volume, as raw */
        bool *raw;
        char *image_digest, *initrd_digest, *digest;
        int initrd_fd;                               /* our own, or -EBADF */
        GPtrArray *networks, *volumes, *credentials; /* DefinitionDevice */
} Settings;

Settings *settings_new(void);

/* Names a setting of [Unikernel] with a value, of which it takes a copy; bytes 0: that of the default. */
void settings_put(Settings *settings, SettingID id, const char *value);
void settings_put_bytes(Settings *settings, SettingID id, uint64_t bytes);

void settings_free(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

/* Reads the a{sv} that comes next in message. INVALID_ARGS: unknown key (the known ones are listed), wrong
 * type, twice the same, a value that cannot stand in a definition. */
int settings_read(sd_bus_message *message, SettingsUse use, Settings **ret_settings, Error *ret_error);

/* Joins a list of arguments for the image that they are for (NULL: it is not known); nothing where there is
 * no list. INVALID_ARGS. */
int settings_join_arguments(Settings *settings, const ImageInfo *info, Error *ret_error);

/* The text with what is named changed, by definition_text_set(); image and initrd (digests) NULL: as they
 * are. definition is what text means now, NULL where it cannot be read. Pure. */
char *settings_apply(const Settings *settings, const char *text, const Definition *definition,
                const char *image, const char *initrd);
