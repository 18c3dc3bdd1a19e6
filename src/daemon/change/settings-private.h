/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/settings.h"

/* Shared by the readers of single settings in settings.c and settings-devices.c. */

#define SETTINGS_KEYS_MAX (_SETTING_MAX + 16)

typedef struct SettingsReader {
        sd_bus_message *message;
        Settings *settings;
        SettingsUse use;
        const char *key;          /* being read; messages begin with it */
        DefinitionDevice *device; /* of that key, if it names devices */
        bool seen[SETTINGS_KEYS_MAX]; /* the keys that were: those of setting_table, then the others */
        Error *ret_error;
} SettingsReader;

/* Set INVALID_ARGS: with the key and why, or that its value does not have that type. */
int settings_refuse(const SettingsReader *reader, const char *why);
int settings_refuse_type(const SettingsReader *reader, const char *type);

/* Reads a string that can be written to a definition unchanged, and replaces *ret. */
int settings_read_plain(SettingsReader *reader, char **ret);
int settings_read_list(SettingsReader *reader, const Setting *setting, char **ret); /* as its field has it */
int settings_read_boolean(SettingsReader *reader, bool *ret);
int settings_read_bytes(SettingsReader *reader, uint64_t *ret);

int settings_read_networks(SettingsReader *reader);
int settings_read_volumes(SettingsReader *reader);
int settings_read_credentials(SettingsReader *reader);
