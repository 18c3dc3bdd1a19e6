/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every string that crosses a boundary: bus names, paths, interfaces, error names, polkit actions, units,
 * journal fields, settings. Programs and tests take them from here, so that a name is spelled once. */

#define SHRUTHI_BUS_NAME             "org.dream.Shruthi"
#define SHRUTHI_OBJECT_PATH          "/org/dream/Shruthi"
#define SHRUTHI_UNIKERNEL_PATH       SHRUTHI_OBJECT_PATH "/unikernel"
#define SHRUTHI_NETWORK_PATH         SHRUTHI_OBJECT_PATH "/network"
#define SHRUTHI_FLEET_PATH           SHRUTHI_OBJECT_PATH "/fleet"
#define SHRUTHI_VOLUME_PATH          SHRUTHI_OBJECT_PATH "/volume"
#define SHRUTHI_IMAGE_PATH           SHRUTHI_OBJECT_PATH "/image"

#define SHRUTHI_INTERFACE_MANAGER    SHRUTHI_BUS_NAME ".Manager"
#define SHRUTHI_INTERFACE_UNIKERNEL  SHRUTHI_BUS_NAME ".Unikernel"
#define SHRUTHI_INTERFACE_NETWORK    SHRUTHI_BUS_NAME ".Network"
#define SHRUTHI_INTERFACE_FLEET      SHRUTHI_BUS_NAME ".Fleet"
#define SHRUTHI_INTERFACE_VOLUME     SHRUTHI_BUS_NAME ".Volume"
#define SHRUTHI_INTERFACE_IMAGE      SHRUTHI_BUS_NAME ".Image"

#define SYSTEMD_NAME                 "org.freedesktop.systemd1"
#define SYSTEMD_PATH                 "/org/freedesktop/systemd1"

#define SHRUTHI_ERROR_PREFIX         SHRUTHI_BUS_NAME ".Error."

/* polkit actions, one per verb: SHRUTHI_ACTION_PREFIX "start" and so on. */
#define SHRUTHI_ACTION_PREFIX        SHRUTHI_BUS_NAME "."
#define SHRUTHI_ACTION_CREATE        SHRUTHI_ACTION_PREFIX "create"
#define SHRUTHI_ACTION_START         SHRUTHI_ACTION_PREFIX "start"
#define SHRUTHI_ACTION_STOP          SHRUTHI_ACTION_PREFIX "stop"
#define SHRUTHI_ACTION_RESTART       SHRUTHI_ACTION_PREFIX "restart"
#define SHRUTHI_ACTION_KILL          SHRUTHI_ACTION_PREFIX "kill"
#define SHRUTHI_ACTION_PAUSE             SHRUTHI_ACTION_PREFIX "pause"
#define SHRUTHI_ACTION_RESUME            SHRUTHI_ACTION_PREFIX "resume"
#define SHRUTHI_ACTION_UPDATE        SHRUTHI_ACTION_PREFIX "update"
#define SHRUTHI_ACTION_REMOVE        SHRUTHI_ACTION_PREFIX "remove"
#define SHRUTHI_ACTION_OPEN_CONSOLE  SHRUTHI_ACTION_PREFIX "open-console"
#define SHRUTHI_ACTION_READ_LOG      SHRUTHI_ACTION_PREFIX "read-log"
#define SHRUTHI_ACTION_READ_DETAILS  SHRUTHI_ACTION_PREFIX "read-details"
#define SHRUTHI_ACTION_IMPORT_IMAGE  SHRUTHI_ACTION_PREFIX "import-image"
#define SHRUTHI_ACTION_INSPECT_IMAGE SHRUTHI_ACTION_PREFIX "inspect-image"
#define SHRUTHI_ACTION_LIST_IMAGES   SHRUTHI_ACTION_PREFIX "list-images"
#define SHRUTHI_ACTION_PRUNE_IMAGES  SHRUTHI_ACTION_PREFIX "prune-images"
#define SHRUTHI_ACTION_SET_CREDENTIAL    SHRUTHI_ACTION_PREFIX "set-credential"
#define SHRUTHI_ACTION_REMOVE_CREDENTIAL SHRUTHI_ACTION_PREFIX "remove-credential"
#define SHRUTHI_ACTION_LIST_CREDENTIALS  SHRUTHI_ACTION_PREFIX "list-credentials"
#define SHRUTHI_ACTION_CREATE_VOLUME SHRUTHI_ACTION_PREFIX "create-volume"
#define SHRUTHI_ACTION_RESIZE_VOLUME SHRUTHI_ACTION_PREFIX "resize-volume"
#define SHRUTHI_ACTION_IMPORT_VOLUME SHRUTHI_ACTION_PREFIX "import-volume"
#define SHRUTHI_ACTION_EXPORT_VOLUME SHRUTHI_ACTION_PREFIX "export-volume"
#define SHRUTHI_ACTION_CLONE_VOLUME      SHRUTHI_ACTION_PREFIX "clone-volume"
#define SHRUTHI_ACTION_REMOVE_VOLUME SHRUTHI_ACTION_PREFIX "remove-volume"
#define SHRUTHI_ACTION_READ_VOLUME   SHRUTHI_ACTION_PREFIX "read-volume"
#define SHRUTHI_ACTION_RELOAD        SHRUTHI_ACTION_PREFIX "reload"
#define SHRUTHI_ACTION_DIAGNOSE      SHRUTHI_ACTION_PREFIX "diagnose"
#define SHRUTHI_ACTION_CREATE_NETWORK SHRUTHI_ACTION_PREFIX "create-network"
#define SHRUTHI_ACTION_REMOVE_NETWORK SHRUTHI_ACTION_PREFIX "remove-network"
#define SHRUTHI_ACTION_READ_NETWORK  SHRUTHI_ACTION_PREFIX "read-network"
#define SHRUTHI_ACTION_OPEN_LINKS    SHRUTHI_ACTION_PREFIX "open-links"
/* Allows more than shruthi.conf gives to everybody: paths, other owners, other bridges and networks,
 * volumes. */
#define SHRUTHI_ACTION_ADMINISTER    SHRUTHI_ACTION_PREFIX "administer"

#define SHRUTHI_UNIT_PREFIX          "unikernel@"
#define SHRUTHI_UNIT_SUFFIX          ".service"
#define SHRUTHI_TARGET               "unikernels.target"
#define SHRUTHI_SLICE                "unikernel"
#define SHRUTHI_SLICE_PREFIX         SHRUTHI_SLICE "-"
#define SHRUTHI_DAEMON_UNIT          "shruthid.service"
#define SHRUTHI_DEMAND_UNIT          "shruthi-demand.service"
#define SHRUTHI_DOMAIN_UNIT          "shruthi-domain.service"
#define SHRUTHI_SEAL_UNIT            "shruthi-seal@.service" /* a template */
#define SHRUTHI_LATE_UNIT            "shruthi-late.service"
#define SHRUTHI_DOMAIN_PREFIX        "unikernel-"
#define SHRUTHI_TAP_PREFIX           "shru" /* of the names of guests' interfaces that are filtered */
#define SHRUTHI_DEFINITION_SUFFIX    ".unikernel"
#define SHRUTHI_DIGEST_PREFIX        "sha256:"

/* The name by which systemd knows the archive of NAME's credentials: "shruthi.NAME". */
#define SHRUTHI_CREDENTIAL_PREFIX    "shruthi."

/* The user that both services run as, and the group whose members may create unikernels of their own. */
#define SHRUTHI_USER                 "shruthi"
#define SHRUTHI_USERS_GROUP          "shruthi-users"

/* The user of the service that emulates links. */
#define SHRUTHI_SWITCH_USER          "shruthi-switch"

/* Our element in the <metadata> of a domain, which marks the domain as ours. */
#define SHRUTHI_METADATA_NAMESPACE   "https://dream.org/xmlns/shruthi/1"
#define SHRUTHI_METADATA_PREFIX      "shruthi"

/* Journal fields of our own messages. */
#define SHRUTHI_FIELD_UNIKERNEL      "SHRUTHI_UNIKERNEL"
#define SHRUTHI_FIELD_OWNER          "SHRUTHI_OWNER"
#define SHRUTHI_FIELD_IMAGE          "SHRUTHI_IMAGE"
#define SHRUTHI_FIELD_RESULT         "SHRUTHI_RESULT"
#define SHRUTHI_FIELD_EXIT_STATUS    "SHRUTHI_EXIT_STATUS"

/* MESSAGE_IDs; the catalog in data/ explains each. */
#define SHRUTHI_MESSAGE_STARTED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b301"
#define SHRUTHI_MESSAGE_ENDED        "6f0d6cf33e0e4d2b8a70d8a4a1d4b302"
#define SHRUTHI_MESSAGE_FAILED       "6f0d6cf33e0e4d2b8a70d8a4a1d4b303"
#define SHRUTHI_MESSAGE_ADOPTED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b304"
#define SHRUTHI_MESSAGE_SILENT       "6f0d6cf33e0e4d2b8a70d8a4a1d4b305"
#define SHRUTHI_MESSAGE_THROTTLED    "6f0d6cf33e0e4d2b8a70d8a4a1d4b306"
#define SHRUTHI_MESSAGE_NO_ROOM      "6f0d6cf33e0e4d2b8a70d8a4a1d4b30b"
#define SHRUTHI_MESSAGE_PAUSED       "6f0d6cf33e0e4d2b8a70d8a4a1d4b310"
#define SHRUTHI_MESSAGE_RESUMED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b311"
#define SHRUTHI_MESSAGE_STUCK        "6f0d6cf33e0e4d2b8a70d8a4a1d4b312"
#define SHRUTHI_MESSAGE_READY        "6f0d6cf33e0e4d2b8a70d8a4a1d4b350"
#define SHRUTHI_MESSAGE_NOT_READY    "6f0d6cf33e0e4d2b8a70d8a4a1d4b351"
#define SHRUTHI_MESSAGE_FAILING      "6f0d6cf33e0e4d2b8a70d8a4a1d4b352"
#define SHRUTHI_MESSAGE_HEALTHY      "6f0d6cf33e0e4d2b8a70d8a4a1d4b353"
#define SHRUTHI_MESSAGE_UNHEALTHY    "6f0d6cf33e0e4d2b8a70d8a4a1d4b354"
#define SHRUTHI_MESSAGE_BROKEN       "6f0d6cf33e0e4d2b8a70d8a4a1d4b307"
#define SHRUTHI_MESSAGE_CREATED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b308"
#define SHRUTHI_MESSAGE_REMOVED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b309"
#define SHRUTHI_MESSAGE_CHANGED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b30a"
#define SHRUTHI_MESSAGE_UPDATED      "6f0d6cf33e0e4d2b8a70d8a4a1d4b360"
#define SHRUTHI_MESSAGE_ROLLED_BACK  "6f0d6cf33e0e4d2b8a70d8a4a1d4b361"
#define SHRUTHI_MESSAGE_CUT_OFF      "6f0d6cf33e0e4d2b8a70d8a4a1d4b340"
#define SHRUTHI_MESSAGE_REATTACHED   "6f0d6cf33e0e4d2b8a70d8a4a1d4b341"
