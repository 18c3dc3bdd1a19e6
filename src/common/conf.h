/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "common/error.h"
#include "common/keyfile.h"

/* shruthi.conf and shruthi.conf.d/ of /etc and /usr/lib (systemd's order: /usr/lib's drop-ins may be masked
 * by ones of the same name in /etc): what the administrator set for this host. Read by every program at its
 * start, by shruthid at Reload too. Strict like definitions. man shruthi.conf(5) explains each key. */

typedef enum Acceleration {
        ACCELERATION_AUTO,
        ACCELERATION_KVM,
        ACCELERATION_TCG,
        _ACCELERATION_MAX,
        _ACCELERATION_INVALID = -EINVAL,
} Acceleration;

typedef enum FastStart {
        FAST_START_AUTO, /* where it gains something */
        FAST_START_YES,
        FAST_START_NO,
        _FAST_START_MAX,
        _FAST_START_INVALID = -EINVAL,
} FastStart;

const char *fast_start_to_string(FastStart fast_start); /* "auto", "yes", "no" */
FastStart fast_start_from_string(const char *text);

const char *acceleration_to_string(Acceleration acceleration); /* "auto", "kvm", "tcg" */
Acceleration acceleration_from_string(const char *text);

/* [Bridge NAME]: what the administrator tells about a bridge that libvirt does not manage. */
typedef struct ConfBridge {
        char *name;
        Subnet subnet4, subnet6; /* family AF_UNSPEC: not told */
} ConfBridge;

/* Limits of users bind neither root nor whom polkit lets administer. No limit is UINT64_MAX or UINT_MAX. */
typedef struct Conf {
        char *bridge_interface;    /* BridgeInterface=: the default bridge, NULL if none */
        char **allowed_bridges;    /* AllowedBridges=: what users may attach to; default: BridgeInterface */
        char **allowed_networks;   /* AllowedNetworks=: the same of libvirt's networks; default: none */
        char **allowed_dependencies; /* AllowedDependencies=: units, or patterns, that users may name */
        char **publish_ports;        /* PublishPorts=: of the host's, that users may publish; ranges */
        char **network_pool;       /* NetworkPool=: subnets of users' networks lie in these */
        char **image_directories;  /* ImageDirectories=: below these, users may name images by path */
        char *libvirt_uri;         /* LibvirtURI=qemu:///system */
        Acceleration acceleration; /* Acceleration=auto */
        FastStart fast_start;      /* FastStart=auto */
        bool strict_addresses;     /* StrictAddresses=yes: users' guests have only what they are given */
        uint64_t memory_default;   /* DefaultMemory=32M */
        uint64_t memory_max;       /* MemoryMax=256M: of one unikernel of users */
        uint64_t memory_max_user;  /* MemoryMaxPerUser=1G: of all of one user's */
        uint64_t memory_overhead;  /* MemoryOverhead=32M: QEMU's own, which counts in the latter */
        unsigned cpus_max;         /* CPUsMax=4: of one unikernel of users */
        unsigned cpus_max_user;    /* CPUsMaxPerUser=16: of all of one user's */
        unsigned unikernels_max;   /* UnikernelsMax=infinity: of all, root's too */
        unsigned unikernels_max_user; /* UnikernelsMaxPerUser=16 */
        unsigned networks_max_user;   /* NetworksMaxPerUser=4 */
        unsigned addresses_max_user;  /* AddressesMaxPerUser=16: devices on networks of others */
        uint64_t image_size_max;      /* ImageSizeMax=256M: of one image */
        uint64_t store_size_max;      /* StoreSizeMax=64G: of all images */
        uint64_t store_size_max_user; /* StoreSizeMaxPerUser=4G: of all that one user has taken in */
        uint64_t free_space_min;      /* FreeSpaceMin=128M: of the file system, whatever is taken in */
        uint64_t volumes_size_max_user; /* VolumesSizeMaxPerUser=4G: of all volumes of one user together */
        unsigned volumes_max_user;      /* VolumesMaxPerUser=64 */
        uint64_t message_size_max;    /* MessageSizeMax=1M: a bus message's body */
        unsigned starts_in_flight;    /* StartsInFlight=4 */
        uint64_t console_rate;        /* ConsoleRate=128K: the journal's bytes a second for a guest */
        uint64_t console_burst;       /* ConsoleBurst=2M: the same at once */
        uint64_t console_rate_user;   /* ConsoleRatePerUser=512K: of all guests of a user together */
        uint64_t console_burst_user;  /* ConsoleBurstPerUser=8M */
        uint64_t silence_warning_usec; /* SilenceWarningSec=10s: of a silent boot; 0: never */
        unsigned keep_generations;     /* KeepGenerations=10: of each unikernel */
        uint64_t idle_exit_usec; /* IdleExitSec=1min: how long shruthid stays unused; UINT64_MAX: for ever */
        GPtrArray *bridges;      /* ConfBridge */
} Conf;

/* Reads all of it. With no file there, the defaults. INVALID_CONFIGURATION with file and line if anything is
 * wrong. */
int conf_load(Conf **ret_conf, Error *ret_error);

/* What holds where no file is there. */
Conf *conf_new_default(void);

/* The same from what was read already; pure. INVALID_DEFINITION. */
int conf_parse(const KeyFile *key_file, Conf **ret_conf, Error *ret_error);

/* The keys of [Shruthi], ended by NULL, and the default of each as it would be written. */
const char *const *conf_keys(void);
const char *conf_key_default(const char *key);

/* What the kernel takes as an interface's name, in printable ASCII. */
bool conf_bridge_name_is_valid(const char *name);

/* The keys of [Bridge NAME], ended by NULL; and what is told about that bridge, NULL if nothing. */
const char *const *conf_bridge_keys(void);
const ConfBridge *conf_find_bridge(const Conf *conf, const char *name);

void conf_free(Conf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_free)
