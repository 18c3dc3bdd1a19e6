/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/error.h"
#include "unikernel/setting.h"

/* The settings of a unikernel as the command line gives them: by options (--memory=64M) or as KEY=VALUE
 * (Memory=64M). Pure: settings-append.h makes a bus message of it. Only what was named is set. */

typedef struct DeviceSettings {
        char *device;
        char *values[_SETTING_MAX]; /* of its section, as they were given; NULL: not named */
} DeviceSettings;

typedef struct CommandSettings {
        char *values[_SETTING_MAX]; /* of [Unikernel], as they were given; "": the default; NULL: not named.
                                     * Initrd is a file, "host:PATH" or a digest */
        char **argument_list;
        char *digest;        /* that the image must have */
        GPtrArray *networks; /* DeviceSettings; NULL: not named, empty: none */
        GPtrArray *volumes;  /* the same */
        char *credentials;   /* the device with key material; NULL: not named, "": none */
} CommandSettings;

void command_settings_clear(CommandSettings *settings);

/* Sets by key: those of [Unikernel] but Image, and Digest, Credentials, Network and Volume (the last two may
 * be given again, and an empty value says: none). INVALID_ARGS with name, which is what the user called it
 * ("--memory=" or "Memory"), the value and what would be right. */
int command_settings_set(CommandSettings *settings, const char *key, const char *name, const char *value,
                Error *ret_error);

/* The guest's arguments, each a word of its own. */
int command_settings_set_argument_list(CommandSettings *settings, char **arguments, Error *ret_error);

/* One more network device, on the default bridge. */
void command_settings_add_network(CommandSettings *settings, const char *device);

/* Is anything set that says what the unikernel shall be? (The demanded digest alone is no setting.) */
bool command_settings_any(const CommandSettings *settings);
