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

/* A definition: what a unikernel is, from NAME.unikernel and its drop-ins. Pure but for the reading of files
 * and the look-up of user names; knows neither the bus nor libvirt. man shruthi.unikernel(5) is the user's
 * view, and setting.h has the table of its keys. */

#define DEFINITION_DEVICES_MAX   29   /* slots 2 to 30 of PCI bus 0 */
#define DEFINITION_SIZE_MAX      (1024 * 1024)
#define READY_TIMEOUT_DEFAULT_USEC    (90 * G_USEC_PER_SEC)
#define HEALTHY_INTERVAL_DEFAULT_USEC (10 * G_USEC_PER_SEC)
#define HEALTHY_RETRIES_DEFAULT       3

/* Of key material, in bytes: credential-space.h has the rule. */
#define CREDENTIAL_SPACE_MAX (1024 * 1024)
#define CREDENTIAL_PAGE      4096
#define CREDENTIAL_NAME_SIZE 512

/* As many as there are pages, less that of what was set: far below the inodes. */
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

/* Where systemd takes one credential from for the unit: LoadCredential= and LoadCredentialEncrypted= of
 * systemd.exec(5), in its own words. */
typedef struct DefinitionSource {
        char *id;
        char *from;       /* an absolute path, or a name in the host's credential stores */
        bool encrypted;   /* by systemd-creds(1) */
        const char *file; /* where it stands */
        unsigned line;
} DefinitionSource;

/* What a drop-in has the last word about. */
typedef struct DefinitionOverride {
        char *setting; /* "Memory", or "[Network service] Address" */
        char *path;    /* of the drop-in */
} DefinitionOverride;

/* [Network NAME], [Volume NAME] or [Credentials NAME]; devices keep the order in which the definition writes
 * them. */
struct DefinitionDevice {
        DeviceKind kind;
        char *name;
        const char *file; /* where the section stands, for messages */
        unsigned line;
        /* network */
        char *bridge;  /* Bridge=; both NULL: conf's BridgeInterface */
        char *network; /* Network=: a libvirt network */
        char *mac;     /* MACAddress=, lower case, NULL: derived from name and host */
        char *address; /* Address= as it is written, NULL if it is not */
        AddressSetting setting; /* what it means; where it is not written, auto for what the arguments use */
        char *bandwidth;        /* Bandwidth= as it is written, NULL if it is not */
        uint64_t rate_in, rate_out; /* bytes a second to and from the guest; 0: no limit */
        bool open;                  /* Isolation=no: it may send from addresses that are not its own */
        char *publish;              /* Publish=: ports (published-port.h), '\n' between; NULL: none */
        /* volume */
        char *path;     /* Path=; else one of the store's: */
        char *volume;   /* Volume= as it is written, NULL if it is not */
        uint64_t size;  /* Size=: what it is made with where there is none yet; 0: it must be there */
        char *stored;   /* its name in the store: Volume=, or UNIKERNEL-DEVICE; NULL with Path= */
        bool read_only; /* ReadOnly= */
        /* credentials: a block device too, read only, without a path */
        bool credentials;
        GPtrArray *sources; /* DefinitionSource; NULL for other devices */
};

/* Its section, and the word that this begins with: "Network", "Volume" or "Credentials". */
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
        char **dropins; /* paths that were merged, in order */
        GPtrArray *overrides; /* DefinitionOverride */

        char *image;     /* "sha256:…" or an absolute path */
        char *initrd;    /* the same for Initrd=, NULL if none */
        char *arguments; /* as they are written, to be filled in at start (placeholders.h); "" if none */
        uint64_t memory; /* bytes, a multiple of 1 MiB; 0: conf's default */
        unsigned cpus;
        ImageArchitecture architecture; /* of the guest; UNKNOWN: as the image, if that is the host's */
        uid_t owner; /* 0 if absent */
        gid_t group; /* GID_INVALID if absent */
        bool autostart;
        RestartPolicy restart;
        char *ready;                 /* Ready=: its checks (check.h), '\n' between; NULL: started alone */
        char *ready_timeout;         /* ReadyTimeoutSec= as it is written, NULL if it is not */
        uint64_t ready_timeout_usec; /* what it means; UINT64_MAX: no limit */
        char *healthy;               /* Healthy=: the same as ready */
        char *healthy_interval;      /* HealthyIntervalSec= as it is written, NULL if it is not */
        uint64_t healthy_interval_usec;
        unsigned healthy_retries; /* HealthyRetries=, 0 if it is not written */
        char *watchdog;           /* Watchdog=: "console", NULL if it is not written */
        char *restart_sec, *restart_max_delay_sec; /* these five as they are written, NULL if they are not */
        char *restart_steps, *start_limit_interval_sec, *start_limit_burst;
        char *order[_ORDER_KEY_MAX]; /* names, separated by one space: see order.h; NULL if none */
        GPtrArray *devices; /* DefinitionDevice */
};

void definition_free(Definition *definition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Definition, definition_free)
DEFINE_DESTROY(definition)

/* The device that carries key material, NULL if there is none; there is at most one. */
const DefinitionDevice *definition_credentials(const Definition *definition);

/* HealthyRetries=, or its default. */
unsigned definition_healthy_retries(const Definition *definition);

/* What systemd is to load for the unit: whether two definitions (NULL: none) say the same. */
bool definition_sources_equal(const Definition *a, const Definition *b);

/* Whether source stands in definition (NULL: no) as it is. */
bool definition_has_source(const Definition *definition, const DefinitionSource *source);

/* Finds and reads NAME's definition: the first of /etc, /var/lib, /usr/lib, with drop-ins of all three
 * (NAME.unikernel.d/FILE.conf). NO_SUCH_UNIKERNEL, INVALID_NAME, INVALID_DEFINITION with "FILE:LINE: …" and
 * what would be right. */
int definition_load(const char *name, Definition **ret_definition, Error *ret_error);

/* The same; with DEFINITION_IGNORE_USERS the names in Owner= and Group= are not looked up and count as
 * absent, for the generator, which runs when nothing that could answer is up yet. */
typedef enum DefinitionFlags {
        DEFINITION_IGNORE_USERS = 1 << 0,
} DefinitionFlags;

int definition_load_full(
                const char *name, DefinitionFlags flags, Definition **ret_definition, Error *ret_error);

/* Reads the file at path, wherever it is, and the drop-ins in PATH.d, as NAME.unikernel of /etc.
 * INVALID_ARGS where it is not called NAME.unikernel. */
int definition_load_file(
                const char *path, DefinitionFlags flags, Definition **ret_definition, Error *ret_error);

/* Parses text as NAME.unikernel, for what came over the bus or out of an editor; path is shown in errors,
 * NULL: nobody wrote a file, and they name what was set. No drop-ins. */
int definition_parse(const char *name, const char *path, const char *text, size_t size,
                Definition **ret_definition, Error *ret_error);

/* Where NAME is defined, without reading it: path and origin. NO_SUCH_UNIKERNEL, also when it is masked by a
 * link to /dev/null. */
int definition_find(const char *name, char **ret_path, DefinitionOrigin *ret_origin, Error *ret_error);

/* All names that are defined and not masked, readable or not, each once, sorted. Files whose names no
 * unikernel can have are left out. */
int definition_list_names(char ***ret_names, Error *ret_error);

/* All that can be read (Definition), with DEFINITION_IGNORE_USERS, in the order of their names. ret_broken
 * (or NULL): the name of one that cannot be read, NULL if all can. */
int definition_load_all(GPtrArray **ret_definitions, char **ret_broken, Error *ret_error);

/* A new definition's text in canonical form, with a comment on top that says who made it. Free with
 * g_free(). */
char *definition_format(const Definition *definition);

/* The same of the section of one device. */
char *definition_device_format(const DefinitionDevice *device);

/* One change to a definition's text that keeps comments, order and all else as they are: sets (or, with
 * value NULL, removes) KEY in [TYPE NAME] (section_name NULL for [Unikernel]), adding the section at the end
 * where it is not there. The value of a list is its lines, '\n' between, which take the place of all that
 * are there. key NULL with value NULL removes the whole section, with another value adds it
 * without a key. Pure text work; the caller has checked the value and parses the result. */
char *definition_text_set(const char *text, const char *section_type, const char *section_name,
                const char *key, const char *value);

/* Writes NAME.unikernel into /var/lib (mode 0640), atomically and fsynced. exclusive: UNIKERNEL_EXISTS if
 * there is one anywhere, also when another creates it at the same moment. Otherwise NOT_MANAGED with the
 * path when one in /etc would hide it (a mask does too). */
int definition_write(const char *name, const char *text, bool exclusive, Error *ret_error);

/* Removes NAME.unikernel of /var/lib and then its drop-ins there, so that it never stands without them.
 * NOT_MANAGED with the path when it stands elsewhere. */
int definition_remove(const char *name, Error *ret_error);

/* The same in two steps, for what goes with it in between: first it is no definition any more, then it is
 * gone with its drop-ins. A power cut between the two leaves it among those that are listed, to be ended by
 * whoever comes next. The first step is taken back by definition_restore(). */
int definition_retire(const char *name, Error *ret_error);
int definition_restore(const char *name, Error *ret_error);
int definition_forget_retired(const char *name, Error *ret_error);
char **definition_list_retired(void);

/* Removes what a write that was cut short has left in /var/lib. Only before anything is written there. */
void definitions_tidy(void);
