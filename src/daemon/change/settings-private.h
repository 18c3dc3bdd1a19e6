/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/settings.h"

/* What the readers of single settings share: settings.c and settings-devices.c. */

typedef struct SettingsReader {
        sd_bus_message *message;
        Settings *settings;
        SettingsUse use;
        const char *key;          /* being read, which messages begin with */
        DefinitionDevice *device; /* of that key, if it names devices */
        uint64_t seen;            /* a bit for each key that was there: setting_table's, then the others */
        Error *ret_error;
} SettingsReader;

/* Sets INVALID_ARGS: the key and why; or that its value is not of that type. */
int settings_refuse(const SettingsReader *reader, const char *why);
int settings_refuse_type(const SettingsReader *reader, const char *type);

/* Replaces *ret by a text that can stand in a definition as it is. */
int settings_read_plain(SettingsReader *reader, char **ret);
int settings_read_list(SettingsReader *reader, const Setting *setting, char **ret); /* as its field has it */
int settings_read_boolean(SettingsReader *reader, bool *ret);
int settings_read_bytes(SettingsReader *reader, uint64_t *ret);

int settings_read_networks(SettingsReader *reader);
int settings_read_volumes(SettingsReader *reader);
int settings_read_credentials(SettingsReader *reader);
