/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "common/error.h"
#include "common/keyfile.h"

/* shruthi.conf and shruthi.conf.d/ of /etc and /usr/lib (in systemd's order: a drop-in in /etc may mask one
 * of the same name in /usr/lib): the administrator's settings for this host. Every program reads them when
 * it starts, shruthid also on Reload. Parsed as strictly as definitions. shruthi.conf(5) explains each
 * key. */

typedef enum Acceleration {
        ACCELERATION_AUTO,
        ACCELERATION_KVM,
        ACCELERATION_TCG,
        _ACCELERATION_MAX,
        _ACCELERATION_INVALID = -EINVAL,
} Acceleration;

typedef enum FastStart {
        FAST_START_AUTO, /* where it helps */
        FAST_START_YES,
        FAST_START_NO,
        _FAST_START_MAX,
        _FAST_START_INVALID = -EINVAL,
} FastStart;

const char *fast_start_to_string(FastStart fast_start); /* "auto", "yes", "no" */
FastStart fast_start_from_string(const char *text);

/* Whose unikernels may run as processes. */
typedef enum AllowProcesses {
        ALLOW_PROCESSES_NO,
        ALLOW_PROCESSES_ADMINISTRATORS,
        ALLOW_PROCESSES_USERS,
        _ALLOW_PROCESSES_MAX,
        _ALLOW_PROCESSES_INVALID = -EINVAL,
} AllowProcesses;

const char *allow_processes_to_string(AllowProcesses allow); /* "no", "administrators", "users" */
AllowProcesses allow_processes_from_string(const char *text);

const char *acceleration_to_string(Acceleration acceleration); /* "auto", "kvm", "tcg" */
Acceleration acceleration_from_string(const char *text);

#define CONF_NO_LIBVIRT "none"

/* [Bridge NAME]: what the administrator states about a bridge that libvirt does not manage. */
typedef struct ConfBridge {
        char *name;
        Subnet subnet4, subnet6; /* family AF_UNSPEC if not stated */
} ConfBridge;

/* The limits of users apply neither to root nor to those whom polkit lets administer. UINT64_MAX or UINT_MAX
 * means no limit. */
typedef struct Conf {
        char *bridge_interface;    /* BridgeInterface=: the default bridge, NULL if none */
        char **allowed_bridges;    /* AllowedBridges=: those that users may attach to; default:
                                    * BridgeInterface */
        char **allowed_networks;   /* AllowedNetworks=: the same for libvirt's networks; default: none */
        char **allowed_dependencies; /* AllowedDependencies=: units, or patterns, that users may name */
        char **publish_ports;        /* PublishPorts=: of the host's, that users may publish; ranges */
        char **network_pool;       /* NetworkPool=: subnets of users' networks lie in these */
        char **image_directories;  /* ImageDirectories=: below these, users may name images by path */
        char *libvirt_uri;         /* LibvirtURI=qemu:///system; CONF_NO_LIBVIRT: there is none */
        Acceleration acceleration; /* Acceleration=auto */
        FastStart fast_start;      /* FastStart=auto */
        AllowProcesses allow_processes; /* AllowProcesses=administrators: whose images for spt may run */
        bool network_ring;         /* NetworkRing=no: guests for hvt are offered Solo5's ring for frames */
        bool strict_limits;        /* StrictLimits=no: users cannot change limits of their guests' slices */
        bool strict_addresses;     /* StrictAddresses=yes: users' guests may use only addresses given to
                                    * them */
        uint64_t memory_default;   /* DefaultMemory=32M */
        uint64_t memory_max;       /* MemoryMax=256M: for one unikernel of a user */
        uint64_t memory_max_user;  /* MemoryMaxPerUser=1G: for all unikernels of one user */
        uint64_t memory_overhead;  /* MemoryOverhead=32M: for QEMU itself, counts in the limit per user */
        unsigned cpus_max;         /* CPUsMax=4: for one unikernel of a user */
        unsigned cpus_max_user;    /* CPUsMaxPerUser=16: for all unikernels of one user */
        unsigned unikernels_max;   /* UnikernelsMax=infinity: for all, including root's */
        unsigned unikernels_max_user; /* UnikernelsMaxPerUser=16 */
        unsigned networks_max_user;   /* NetworksMaxPerUser=4 */
        unsigned addresses_max_user;  /* AddressesMaxPerUser=16: devices on networks of others */
        uint64_t image_size_max;      /* ImageSizeMax=256M: for one image */
        uint64_t store_size_max;      /* StoreSizeMax=64G: for all images */
        uint64_t store_size_max_user; /* StoreSizeMaxPerUser=4G: for all images that one user has imported */
        uint64_t free_space_min;      /* FreeSpaceMin=128M: stays free on the file system after an import */
        uint64_t volumes_size_max_user; /* VolumesSizeMaxPerUser=4G: for all volumes of one user together */
        unsigned volumes_max_user;      /* VolumesMaxPerUser=64 */
        uint64_t message_size_max;    /* MessageSizeMax=1M: for the body of a bus message */
        unsigned starts_in_flight;    /* StartsInFlight=4 */
        unsigned activations_max;     /* ActivationsMax=10: starts a minute of one unikernel for traffic */
        uint64_t console_rate;        /* ConsoleRate=128K: bytes a second from one guest to the journal */
        uint64_t console_burst;       /* ConsoleBurst=2M: the same at once */
        uint64_t console_rate_user;   /* ConsoleRatePerUser=512K: for all guests of a user together */
        uint64_t console_burst_user;  /* ConsoleBurstPerUser=8M */
        uint64_t silence_warning_usec; /* SilenceWarningSec=10s: of a silent boot; 0: never */
        unsigned keep_generations;     /* KeepGenerations=10: of each unikernel */
        uint64_t idle_exit_usec; /* IdleExitSec=1min: idle time until shruthid exits; UINT64_MAX: never */
        GPtrArray *bridges;      /* ConfBridge */
} Conf;

/* Reads all configuration files. Without any, the defaults apply. INVALID_CONFIGURATION with file and line
 * if anything is wrong. */
int conf_load(Conf **ret_conf, Error *ret_error);

/* The defaults, which apply where there is no file. */
Conf *conf_new_default(void);

/* The same from a key file that has been read already; pure. INVALID_DEFINITION. */
int conf_parse(const KeyFile *key_file, Conf **ret_conf, Error *ret_error);

/* The keys of [Shruthi], terminated by NULL, and the default of a key as it would be written. */
const char *const *conf_keys(void);
const char *conf_key_default(const char *key);

/* Whether the kernel accepts name as the name of an interface, and it is printable ASCII. */
bool conf_bridge_name_is_valid(const char *name);

/* The keys of [Bridge NAME], terminated by NULL; and the settings of that bridge, NULL if there are none. */
const char *const *conf_bridge_keys(void);
const ConfBridge *conf_find_bridge(const Conf *conf, const char *name);

void conf_free(Conf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_free)
