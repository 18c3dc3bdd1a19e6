/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/error.h"
#include "unikernel/setting.h"

/* The settings of a unikernel from the command line: options (--memory=64M) or KEY=VALUE (Memory=64M). Pure:
 * settings-append.h makes a bus message from them. Only settings that were given are set. */

typedef struct DeviceSettings {
        char *device;
        char *values[_SETTING_MAX]; /* of its section, as given; NULL if not given */
} DeviceSettings;

typedef struct CommandSettings {
        char *values[_SETTING_MAX]; /* of [Unikernel], as given; "" for the default; NULL if not given.
                                     * Initrd is a file, "host:PATH" or a digest */
        char **argument_list;
        char *digest;        /* that the image must have */
        GPtrArray *networks; /* DeviceSettings; NULL if not given, empty for none */
        GPtrArray *volumes;  /* the same */
        char *credentials;   /* the device with key material; NULL if not given, "" for none */
} CommandSettings;

void command_settings_clear(CommandSettings *settings);

/* Sets a value by its key: the keys of [Unikernel] except Image, and Digest, Credentials, Network and Volume
 * (the last two may be given several times, and an empty value means none). INVALID_ARGS with name, which is
 * what the user wrote ("--memory=" or "Memory"), the value and what is allowed. */
int command_settings_set(CommandSettings *settings, const char *key, const char *name, const char *value,
                Error *ret_error);

/* Sets the guest's arguments, one per word. */
int command_settings_set_argument_list(CommandSettings *settings, char **arguments, Error *ret_error);

/* Adds a network device on the default bridge. */
void command_settings_add_network(CommandSettings *settings, const char *device);

/* Whether any setting of the unikernel is set. (The required digest alone does not count.) */
bool command_settings_any(const CommandSettings *settings);
