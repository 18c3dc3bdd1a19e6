/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/address.h"
#include "common/conf.h"
#include "common/containers.h"
#include "common/error.h"
#include "common/keyfile.h"
#include "common/users.h"
#include "image/image.h"
#include "unikernel/order-key.h"
#include "unikernel/setting.h"

/* A definition: what a unikernel is, read from NAME.unikernel and its drop-ins. Pure except for reading
 * files and looking up user names; knows neither the bus nor libvirt. shruthi.unikernel(5) is the user's
 * view, and setting.h has the table of its keys. */

#define DEFINITION_DEVICES_MAX   29   /* slots 2 to 30 of PCI bus 0 */
#define DEFINITION_SIZE_MAX      (1024 * 1024)
#define READY_TIMEOUT_DEFAULT_USEC    (90 * G_USEC_PER_SEC)
#define HEALTHY_INTERVAL_DEFAULT_USEC (10 * G_USEC_PER_SEC)
#define HEALTHY_RETRIES_DEFAULT       3

#define IO_LIMIT_PATHS_MAX 16 /* per key of IOReadBandwidthMax= and its kin */

/* Limits of key material, in bytes: credential-space.h has the rule. */
#define CREDENTIAL_SPACE_MAX (1024 * 1024)
#define CREDENTIAL_PAGE      4096
#define CREDENTIAL_NAME_SIZE 512

/* One per page, less the page of the keys that were set: far below the number of inodes. */
#define CREDENTIAL_SOURCES_MAX (CREDENTIAL_SPACE_MAX / CREDENTIAL_PAGE - 1)

typedef enum RestartPolicy {
        RESTART_NO,
        RESTART_ON_FAILURE,
        RESTART_ALWAYS,
        _RESTART_POLICY_MAX,
        _RESTART_POLICY_INVALID = -EINVAL,
} RestartPolicy;

const char *restart_policy_to_string(RestartPolicy policy); /* "no", "on-failure", "always" */
RestartPolicy restart_policy_from_string(const char *text);

/* Where systemd loads one credential of the unit from: LoadCredential= and LoadCredentialEncrypted= of
 * systemd.exec(5), in systemd's terms. */
typedef struct DefinitionSource {
        char *id;
        char *from;       /* an absolute path, or a name in the host's credential stores */
        bool encrypted;   /* by systemd-creds(1) */
        const char *file; /* the file that names it */
        unsigned line;
} DefinitionSource;

/* A setting whose value comes from a drop-in. */
typedef struct DefinitionOverride {
        char *setting; /* "Memory", or "[Network service] Address" */
        char *path;    /* of the drop-in */
} DefinitionOverride;

/* [Network NAME], [Volume NAME] or [Credentials NAME]; devices keep the order of the definition. */
struct DefinitionDevice {
        DeviceKind kind;
        char *name;
        const char *file; /* of the section, for messages */
        unsigned line;
        /* network */
        char *bridge;  /* Bridge=; if network is NULL too: conf's BridgeInterface */
        char *network; /* Network=: a libvirt network */
        char *mac;     /* MACAddress=, lower case; NULL: derived from name and host */
        char *address; /* Address= as written, NULL if absent */
        AddressSetting setting; /* what it means; if absent: auto for what the arguments use */
        char *bandwidth;        /* Bandwidth= as written, NULL if absent */
        uint64_t rate_in, rate_out; /* bytes a second to and from the guest; 0: no limit */
        bool open;                  /* Isolation=no: it may send from addresses that are not its own */
        char *publish;              /* Publish=: ports (published-port.h), '\n' between; NULL: none */
        /* volume */
        char *path;     /* Path=; NULL: a volume of the store */
        char *volume;   /* Volume= as written, NULL if absent */
        uint64_t size;  /* Size=: to create it with if it does not exist; 0: it must exist */
        char *stored;   /* its name in the store: Volume=, or UNIKERNEL-DEVICE; NULL with Path= */
        bool read_only; /* ReadOnly= */
        /* credentials: also a block device, read-only, without a path */
        bool credentials;
        GPtrArray *sources; /* DefinitionSource; NULL for other devices */
};

/* The type of its section, and its name: "Network", "Volume" or "Credentials". */
SettingSection definition_device_section_type(const DefinitionDevice *device);
const char *definition_device_section(const DefinitionDevice *device);
void definition_device_free(DefinitionDevice *device);
DEFINE_DESTROY(definition_device)

typedef enum DefinitionOrigin {
        DEFINITION_ORIGIN_CONFIG, /* /etc: the administrator's */
        DEFINITION_ORIGIN_STATE,  /* /var/lib: made through the bus */
        DEFINITION_ORIGIN_VENDOR, /* /usr/lib: shipped by a package */
        _DEFINITION_ORIGIN_MAX,
        _DEFINITION_ORIGIN_INVALID = -EINVAL,
} DefinitionOrigin;

struct Definition {
        char *name;
        DefinitionOrigin origin;
        char *path;     /* of the file */
        char **dropins; /* paths of those merged, in order */
        GPtrArray *overrides; /* DefinitionOverride */

        char *image;     /* "sha256:…" or an absolute path */
        char *initrd;    /* the same for Initrd=, NULL if none */
        char *arguments; /* as written, expanded at start (placeholders.h); "" if none */
        uint64_t memory; /* bytes, a multiple of 1 MiB; 0: conf's default */
        unsigned cpus;
        ImageArchitecture architecture; /* of the guest; UNKNOWN: the image's, if it is the host's */
        uid_t owner; /* 0 if absent */
        bool owner_is_name; /* Owner= has a name instead of a number */
        gid_t group; /* GID_INVALID if absent */
        bool autostart;
        RestartPolicy restart;
        char *activation;            /* Activation=: "traffic", NULL if absent */
        char *stop_when_idle;        /* StopWhenIdleSec= as written, NULL if absent */
        uint64_t stop_when_idle_usec; /* what it means; 0: never */
        char *ready;                 /* Ready=: its checks (check.h), separated by '\n'; NULL: only
                                      * started */
        char *ready_timeout;         /* ReadyTimeoutSec= as written, NULL if absent */
        uint64_t ready_timeout_usec; /* what it means; UINT64_MAX: no limit */
        char *healthy;               /* Healthy=: its checks, as in ready */
        char *healthy_interval;      /* HealthyIntervalSec= as written, NULL if absent */
        uint64_t healthy_interval_usec;
        unsigned healthy_retries; /* HealthyRetries=, 0 if absent */
        char *watchdog;           /* Watchdog=: "console", NULL if absent */
        char *update_from, *update_verify;         /* see update-source.h; NULL if absent */
        char *fleet; /* Fleet=: the fleet that it is a member of, NULL if absent */
        char *restart_sec, *restart_max_delay_sec; /* these five as written, NULL if absent */
        char *restart_steps, *start_limit_interval_sec, *start_limit_burst;
        char *order[_ORDER_KEY_MAX]; /* names, separated by one space: see order.h; NULL if none */
        /* Limits of the slice that QEMU is in (slice-limits.h), NULL or 0 if absent; the four of the disk:
         * "PATH RATE" or "RATE", separated by '\n'. */
        char *cpu_weight, *cpu_quota, *allowed_cpus, *io_weight;
        char *io_read_bandwidth_max, *io_write_bandwidth_max, *io_read_iops_max, *io_write_iops_max;
        uint64_t memory_high, memory_max;
        GPtrArray *devices; /* DefinitionDevice */
};

void definition_free(Definition *definition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Definition, definition_free)
DEFINE_DESTROY(definition)

/* The device that carries key material, NULL if there is none; there is at most one. */
const DefinitionDevice *definition_credentials(const Definition *definition);

/* Whether it limits what the guest uses: CPUWeight= to MemoryMax=. */
bool definition_has_limits(const Definition *definition);

/* Whether traffic to its published ports starts it. */
bool definition_is_on_demand(const Definition *definition);

/* HealthyRetries=, or its default. */
unsigned definition_healthy_retries(const Definition *definition);

/* Whether two definitions (NULL: none) have systemd load the same credentials for the unit. */
bool definition_sources_equal(const Definition *a, const Definition *b);

/* Whether definition (NULL: no) has exactly that source. */
bool definition_has_source(const Definition *definition, const DefinitionSource *source);

/* Finds and reads NAME's definition: the first in /etc, /var/lib, /usr/lib, with the drop-ins of all three
 * (NAME.unikernel.d/FILE.conf). NO_SUCH_UNIKERNEL, INVALID_NAME, INVALID_DEFINITION with "FILE:LINE: …"
 * and what would be right. */
int definition_load(const char *name, Definition **ret_definition, Error *ret_error);

/* The same; with DEFINITION_IGNORE_USERS the names in Owner= and Group= are not looked up and count as
 * absent. The generator needs this: it runs before anything that could answer is up. */
typedef enum DefinitionFlags {
        DEFINITION_IGNORE_USERS = 1 << 0,
} DefinitionFlags;

int definition_load_full(
                const char *name, DefinitionFlags flags, Definition **ret_definition, Error *ret_error);

/* Reads the file at path, wherever it is, and the drop-ins in PATH.d, as NAME.unikernel of /etc.
 * INVALID_ARGS if it is not called NAME.unikernel. */
int definition_load_file(
                const char *path, DefinitionFlags flags, Definition **ret_definition, Error *ret_error);

/* Parses text as NAME.unikernel, for text that came over the bus or from an editor. Errors show path; NULL:
 * nobody wrote a file, and errors name the setting instead. No drop-ins. */
int definition_parse(const char *name, const char *path, const char *text, size_t size,
                Definition **ret_definition, Error *ret_error);

/* Finds where NAME is defined, without reading it: path and origin. NO_SUCH_UNIKERNEL, also if it is masked
 * by a link to /dev/null. */
int definition_find(const char *name, char **ret_path, DefinitionOrigin *ret_origin, Error *ret_error);

/* All names that are defined and not masked, even if unreadable, each once, sorted. Files whose names no
 * unikernel can have are left out. */
int definition_list_names(char ***ret_names, Error *ret_error);

/* All definitions that can be read (Definition), with DEFINITION_IGNORE_USERS, in the order of their names.
 * ret_broken (or NULL): the name of one that cannot be read, NULL if all can. */
int definition_load_all(GPtrArray **ret_definitions, char **ret_broken, Error *ret_error);

/* The text of a new definition in canonical form, with a comment on top that says who made it. Free with
 * g_free(). */
char *definition_format(const Definition *definition);

/* The same for the section of one device. */
char *definition_device_format(const DefinitionDevice *device);

/* Makes one change to a definition's text and keeps comments, order and all else as they are: sets (or, with
 * value NULL, removes) KEY in [TYPE NAME] (section_name NULL for [Unikernel]). A missing section is added at
 * the end. The value of a list is its lines, separated by '\n', which replace all existing ones. key NULL
 * with value NULL removes the whole section, with another value adds it without a key. Pure; the caller has
 * checked the value and parses the result. */
char *definition_text_set(const char *text, const char *section_type, const char *section_name,
                const char *key, const char *value);

/* Writes NAME.unikernel into /var/lib (mode 0640), atomically and fsynced. exclusive: UNIKERNEL_EXISTS if it
 * exists anywhere, also if another process creates it at the same moment. Otherwise NOT_MANAGED with the
 * path if a file in /etc would hide it (a mask does too). */
int definition_write(const char *name, const char *text, bool exclusive, Error *ret_error);

/* Removes NAME.unikernel from /var/lib and then its drop-ins there, so that it never exists without them.
 * NOT_MANAGED with the path if it is elsewhere. */
int definition_remove(const char *name, Error *ret_error);

/* The same in two steps, for what is removed with it in between: first it is no longer a definition, then it
 * is deleted with its drop-ins. A power failure between the two leaves it in the list of retired ones, for
 * the next caller to finish. definition_restore() undoes the first step. */
int definition_retire(const char *name, Error *ret_error);
int definition_restore(const char *name, Error *ret_error);
int definition_forget_retired(const char *name, Error *ret_error);
char **definition_list_retired(void);

/* Removes the remains of interrupted writes in /var/lib. Only before anything is written there. */
void definitions_tidy(void);
