/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* What a unikernel shall be, as said on the command line: by options (--memory=64M) or as KEY=VALUE
 * (Memory=64M). Pure: settings-append.h makes a bus message of it. Only what was named is set. */

typedef struct NetworkSetting {
        char *device;
        char *bridge;              /* or NULL */
        char *network;             /* or NULL */
        char *mac;                 /* or NULL */
        char *address, *bandwidth; /* or NULL */
        char *isolation;           /* as given, or NULL */
        bool open;                 /* no isolation */
} NetworkSetting;

typedef struct VolumeSetting {
        char *device;
        char *path;    /* of the host; else a volume: */
        char *volume;  /* its name, NULL: UNIKERNEL-DEVICE */
        uint64_t size; /* bytes that it is made with, 0: it is there */
        bool read_only;
} VolumeSetting;

typedef struct Settings {
        bool has_memory, has_cpus, has_autostart;
        uint64_t memory; /* bytes */
        unsigned cpus;
        bool autostart;
        char *arguments; /* one string, passed unchanged */
        char **argument_list;
        char *restart;
        char *architecture; /* "": the host's own */
        char *group;
        char *owner;
        char *initrd;        /* a file, "host:PATH" or a digest */
        char *digest;        /* that the image must have */
        GPtrArray *networks; /* NetworkSetting; NULL: not named, empty: none */
        GPtrArray *volumes;  /* VolumeSetting */
        char *credentials;   /* the device with key material; NULL: not named, "": none */
} Settings;

void settings_clear(Settings *settings);

/* Sets by the definition's key: Memory, CPUs, Architecture, Arguments, Restart, Autostart, Group, Owner,
 * Initrd, Digest, Credentials, Network, Volume (the last two may be given again, and an empty value says:
 * none). INVALID_ARGS with name, which is what the user called it ("--memory=" or "Memory"), the value and
 * what would be right. */
int settings_set(Settings *settings, const char *key, const char *name, const char *value, Error *ret_error);

/* The guest's arguments, each a word of its own. */
int settings_set_argument_list(Settings *settings, char **arguments, Error *ret_error);

/* One more network device, on the default bridge. */
void settings_add_network(Settings *settings, const char *device);

/* The keys that settings_set() knows, NULL-terminated. */
extern const char *const settings_keys[];

/* Is anything set that says what the unikernel shall be? (The demanded digest alone is no setting.) */
bool settings_any(const Settings *settings);
