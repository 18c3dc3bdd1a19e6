/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "common/error.h"
#include "unikernel/definition.h"

/* The dictionary of CreateUnikernel*() and SetSettings(): reading it from a message, and writing it to the
 * text of a definition. */

typedef enum SettingsUse {
        SETTINGS_CREATE,
        SETTINGS_UPDATE,
        SETTINGS_IMPORT, /* ImportImage(): "Digest" only */
        SETTINGS_VOLUME, /* CreateVolume() */
        SETTINGS_VOLUME_IMPORT,
} SettingsUse;

typedef struct Settings {
        char *values[_SETTING_MAX]; /* of [Unikernel], as written in a definition; "" removes it. NULL in any
                                     * field here: not given */
        char **argument_list; /* Arguments, if given as a list; values has them quoted as for MirageOS until
                               * settings_join_arguments() */
        uint64_t *size;       /* of a volume, like raw */
        bool *raw;
        char *image_digest, *initrd_digest, *digest;
        char *image_source; /* for the generation: where the image is from; not from the bus */
        char *image_pinned; /* a digest that is unpinned with these settings (image-access.h) */
        int initrd_fd;                               /* our own, or -EBADF */
        GPtrArray *networks, *volumes, *credentials; /* DefinitionDevice */
} Settings;

Settings *settings_new(void);

/* Set a setting of [Unikernel] to a copy of value, or to a number of bytes, 0 for the default. */
void settings_put(Settings *settings, SettingID id, const char *value);
void settings_put_bytes(Settings *settings, SettingID id, uint64_t bytes);

void settings_free(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

/* Reads the next a{sv} of message. INVALID_ARGS: unknown key (the message lists the known ones), wrong type,
 * duplicate key, a value that cannot be written to a definition. */
int settings_read(sd_bus_message *message, SettingsUse use, Settings **ret_settings, Error *ret_error);

/* Joins a list of arguments, if given, in the way that the image expects (info, NULL if not known).
 * INVALID_ARGS. */
int settings_join_arguments(Settings *settings, const ImageInfo *info, Error *ret_error);

/* Returns text with the given settings changed by definition_text_set(); image and initrd (digests) are kept
 * if NULL. definition is text parsed, NULL if it cannot be. Pure. */
char *settings_apply(const Settings *settings, const char *text, const Definition *definition,
                const char *image, const char *initrd);
