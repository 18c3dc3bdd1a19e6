/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/keyfile.h"

/* The settings of a unikernel: one row for each key of a definition, in the order in which definitions are
 * written. The parser and the writer of definitions, shruthid's dictionaries, and the options and KEY=VALUE
 * words of shruthictl are all driven by it, and tests compare manual pages, XML and completions with it.
 *
 * To add a setting:
 * 1. Add its ID below, in order, and its field to Definition or DefinitionDevice (definition.h).
 * 2. Add its row to definition-settings.c; its parser and formatter only where no existing one fits.
 * 3. Use the value where it counts, such as in domain-xml.c. GetDetails() returns those of devices by
 *    itself; add one of [Unikernel] to details_append_guest() and, if it takes effect at a start,
 *    details_append_next_start() (unikernel-details.c), for which "daemon-details" asks. Mark a setting
 *    that only administrators may write; change-work-rights.c checks it by that mark.
 * 4. Run the unit tests: "documentation" and "documented" name where it is missing in shruthi.unikernel(5),
 *    shruthictl(1), the XML of Manager and Unikernel, and the three completions. NEWS is written by hand.
 * 5. Test it in test-definition.c, which has a list of all keys, and, with or without the need for a
 * restart, in test-started.c. */

typedef struct Definition Definition;
typedef struct DefinitionDevice DefinitionDevice;
typedef struct DefinitionParser DefinitionParser;

typedef enum SettingSection {
        SECTION_UNIKERNEL,
        SECTION_NETWORK,
        SECTION_VOLUME,
        SECTION_CREDENTIALS,
        _SECTION_MAX,
        _SECTION_INVALID = -EINVAL,
} SettingSection;

const char *setting_section_to_string(SettingSection section); /* "Unikernel", "Network", … */
SettingSection setting_section_from_string(const char *text);

typedef enum SettingID {
        SETTING_IMAGE,
        SETTING_INITRD,
        SETTING_ARGUMENTS,
        SETTING_MEMORY,
        SETTING_CPUS,
        SETTING_ARCHITECTURE,
        SETTING_OWNER,
        SETTING_GROUP,
        SETTING_AUTOSTART,
        SETTING_RESTART,
        SETTING_ACTIVATION,
        SETTING_STOP_WHEN_IDLE,
        SETTING_READY,
        SETTING_READY_TIMEOUT,
        SETTING_HEALTHY,
        SETTING_HEALTHY_INTERVAL,
        SETTING_HEALTHY_RETRIES,
        SETTING_WATCHDOG,
        SETTING_UPDATE_FROM,
        SETTING_UPDATE_VERIFY,
        SETTING_FLEET,
        SETTING_RESTART_SEC,
        SETTING_RESTART_STEPS,
        SETTING_RESTART_MAX_DELAY_SEC,
        SETTING_START_LIMIT_INTERVAL_SEC,
        SETTING_START_LIMIT_BURST,
        SETTING_REQUIRES, /* as in OrderKey, from here … */
        SETTING_WANTS,
        SETTING_BINDS_TO,
        SETTING_AFTER,
        SETTING_BEFORE,
        SETTING_CONFLICTS,
        SETTING_PART_OF,
        SETTING_UPHOLDS,
        SETTING_ON_FAILURE, /* … to here */
        SETTING_CPU_WEIGHT, /* of the slice that QEMU is in (slice-limits.h), from here … */
        SETTING_CPU_QUOTA,
        SETTING_ALLOWED_CPUS,
        SETTING_IO_WEIGHT,
        SETTING_IO_READ_BANDWIDTH_MAX,
        SETTING_IO_WRITE_BANDWIDTH_MAX,
        SETTING_IO_READ_IOPS_MAX,
        SETTING_IO_WRITE_IOPS_MAX,
        SETTING_MEMORY_HIGH,
        SETTING_MEMORY_MAX, /* … to here */
        SETTING_BRIDGE,
        SETTING_NETWORK,
        SETTING_MAC_ADDRESS,
        SETTING_ADDRESS,
        SETTING_BANDWIDTH,
        SETTING_ISOLATION,
        SETTING_PUBLISH,
        SETTING_PATH,
        SETTING_SIZE,
        SETTING_VOLUME,
        SETTING_READ_ONLY,
        SETTING_LOAD_CREDENTIAL,
        SETTING_LOAD_CREDENTIAL_ENCRYPTED,
        _SETTING_MAX,
        _SETTING_INVALID = -EINVAL,
} SettingID;

/* The type on the bus, which also gives the type of the field if the row has no formatter of its own. */
typedef enum SettingType {
        SETTING_TYPE_TEXT = 's',    /* char *, NULL or "": not written */
        SETTING_TYPE_BYTES = 't',   /* uint64_t, 0: not written; "64M" in a definition */
        SETTING_TYPE_NUMBER = 'u',  /* unsigned, 1: not written */
        SETTING_TYPE_BOOLEAN = 'b', /* bool, false: not written */
        SETTING_TYPE_LIST = 'a', /* char *, lines separated by '\n', NULL: not written; "as", and a key that
                                  * may occur several times in a definition; SETTING_WORDS: other lists */
        SETTING_TYPE_FILE = 'h', /* char *; "KEY" h, or "KEYDigest" s */
        SETTING_TYPE_SOURCE = 0, /* not on the bus: a list of sources of credentials */
} SettingType;

typedef enum SettingFlags {
        SETTING_WITHOUT_START = 1 << 0, /* takes effect at once: a running guest needs no restart for it */
        /* Some of its values, or all, may be set by administrators only, apart from what exceeds the limits
         * of users. daemon/change/change-work-rights.c says which; of a setting that it does not name,
         * all. */
        SETTING_ADMINISTRATOR = 1 << 1,
        SETTING_INVERTED = 1 << 2, /* a boolean whose field is true where "no" is written */
        SETTING_WORDS = 1 << 3,    /* a list of words on one line, separated by spaces; several lines, or
                                    * options, are one list, and an empty one clears it */
} SettingFlags;

typedef struct Setting {
        const char *key; /* in the definition, and on the bus */
        SettingSection section;
        SettingType type;
        unsigned flags;
        size_t offset, size; /* of its field in Definition, or in DefinitionDevice for the other sections */

        /* Reads the value of the definition into the field; an error has file, line, value and what would be
         * right. */
        int (*parse)(DefinitionParser *parser, const KeyFileEntry *entry);
        /* Returns its value in a definition; NULL: it is not written. Free with g_free(). format NULL: by
         * type. */
        char *(*format)(const Definition *definition);
        /* For text: whether shruthictl may send it at all. NULL: shruthid decides. */
        bool (*is_valid)(const char *text);
        const char *takes; /* the values that it takes, in words that follow "write" and "give"; or NULL */

        /* For shruthictl: an option ("--memory=SIZE"), or a word of a device's option ("mac" of
         * "--network=a,mac=…"). NULL if there is none. */
        const char *option, *metavar, *help;
} Setting;

extern const Setting setting_table[_SETTING_MAX];

/* The row of a key of a section; NULL if there is none. Case counts. */
const Setting *setting_find(SettingSection section, const char *key);

/* Its field in a Definition or, for a key of a device's section, in a DefinitionDevice. */
void *setting_field(const Setting *setting, void *owner);

/* The text in a definition for its field in owner; NULL if there is none. Free with g_free(). */
char *setting_format(const Setting *setting, const void *owner);

/* The values of a list (text; NULL: none), and the text of values. Free with g_strfreev() and g_free(). */
char **setting_split(const Setting *setting, const char *text);
char *setting_join(const Setting *setting, char *const *values);

/* Gives a setting of [Unikernel] the value that it has when it is not written; frees nothing. */
void setting_reset(const Setting *setting, Definition *definition);

/* Frees what the fields of one section hold. */
void settings_clear_fields(SettingSection section, void *owner);
