/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "daemon/core/libvirt-helper.h"
#include "daemon/core/queue.h"
#include "daemon/core/worker.h"

/* shruthid's one object: everything it holds while it runs. It has no state of its own: unikernels are read
 * from their definitions and from systemd, and the rest is about callers and the work in progress.
 *
 * core/ owns what all other rooms use and knows none of them: this object, the queue of turns, the threads,
 * the requests to shruthi-domain, dictionaries on the bus. Everything in src/daemon may call it. daemon.c,
 * which knows all rooms, creates and frees the object. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_flush_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

typedef struct Registry Registry;
typedef struct Systemd Systemd;
typedef struct CutOffWatch CutOffWatch;

typedef struct Manager Manager;
typedef struct Network Network;

/* What a room tells later rooms, which it does not know. daemon.c connects them. */
typedef struct ManagerHooks {
        /* Adds all objects to a connection: the system bus or a peer of the private socket. */
        int (*export)(Manager *manager, sd_bus *bus);
        /* The client with that bus name has left the bus. */
        void (*client_gone)(Manager *manager, const char *name);
        /* The properties of that unikernel were derived again. */
        void (*unikernel_changed)(Manager *manager, const char *name);
        /* It is about to be forgotten. */
        void (*unikernel_gone)(Manager *manager, const char *name);
        /* shruthi.conf was broken, and is now in force. */
        void (*conf_repaired)(Manager *manager);
        /* Makes a network that is not being changed match its record. */
        void (*network_repair)(Network *network);
} ManagerHooks;

/* Limits on what callers can make us hold. */
#define CALLS_PER_USER_MAX 256 /* calls that wait for polkit or for an answer; root: CALLS_MAX */
#define CALLS_MAX          8192
#define CALL_WEIGHT_SIZE   16384 /* bytes; a call counts once more for each */
#define LOGS_PER_USER_MAX  16    /* open at once */
#define LOGS_MAX           256
#define PEERS_MAX          64 /* connections to the private socket */

/* A Conf that threads may still read after Reload has replaced it. */
typedef struct SharedConf {
        gint references;
        Conf *conf;
        bool broken; /* conf holds the defaults, for our own limits only, never for a user's request */
} SharedConf;

SharedConf *shared_conf_ref(SharedConf *shared);
SharedConf *shared_conf_unref(SharedConf *shared);

struct Manager {
        const ManagerHooks *hooks;
        sd_event *event;
        sd_bus *bus;      /* NULL if not connected */
        bool published;   /* the objects are visible on the bus */
        GPtrArray *peers; /* sd_bus: connections on the private socket, all from root */
        sd_event_source *listen_source, *connect_source;

        SharedConf *conf;
        char *acceleration;       /* "kvm", "tcg", or "" if not known yet */
        GHashTable *unikernels;   /* name → Unikernel */
        GHashTable *by_uuid;      /* UUID in lower case → Unikernel, owned by unikernels */
        GHashTable *fleets;       /* "NAME:UID" → Fleet */
        GHashTable *networks;     /* name → Network, our own */
        unsigned network_changes; /* counts begins and ends; reads from before a change are stale after it */
        GHashTable *changing;     /* name → Change in progress */
        GHashTable *shares;       /* kind and user → ChangeShare */
        GHashTable *updates;      /* name → Update in progress */
        GHashTable *sweeping;     /* names whose left-over twin is being removed */
        GHashTable *fetching;     /* names whose next image is being fetched and verified */
        GHashTable *sealing;      /* name → number of operations on its keys in progress */
        GHashTable *enabled;      /* names that "systemctl enable" starts at boot */

        Registry *registry;
        CutOffWatch *cut_off;
        Systemd *systemd;
        Queue *starts; /* in flight; includes restarts */
        Queue *stops;
        GList *active_jobs; /* Job; includes those that wait for their turn */
        Queue *polkit_queries;
        Queue *polkit_dialogs; /* the queries that a person answers */
        Queue *overviews;   /* calls about all unikernels at once */
        Worker *worker;     /* for callers */
        Worker *loader;     /* for our own work */
        LibvirtHelper *helper;

        GHashTable *clients;  /* unique name → Client: everybody who ever called and is still on the bus */
        GHashTable *queries;  /* sd_bus_message → Query that waits for polkit */
        GHashTable *calls_of; /* uid → number of calls in progress */
        unsigned n_calls;
        GList *logs;                     /* LogStream */
        struct Subscribers *subscribers; /* NULL if nobody has subscribed yet */
        char *boot_id;                   /* as journald writes it; NULL if not known yet */

        sd_event_source *idle_source;
        uint64_t idle_since, drain_since; /* µs, CLOCK_MONOTONIC */
        bool stopping;
        unsigned reloading; /* reloads in progress */
};

const Conf *manager_conf(const Manager *manager);

/* Takes ownership of conf; NULL if it is broken, then the defaults are used. */
void manager_set_conf(Manager *manager, Conf *conf);

/* The same after a reload: also tells the bus. Returns whether the previous one was broken. */
bool manager_replace_conf(Manager *manager, Conf *conf);

/* Returns INVALID_CONFIGURATION, with file and line, while shruthi.conf is broken and was so before we
 * started; the first call after it was repaired uses it. For calls that depend on limits, bridges or
 * directories in shruthi.conf. */
int manager_check_conf(Manager *manager, Error *ret_error);

/* Asks shruthi-domain, which remembers the answer, whether KVM works; updates the property. */
void manager_probe(Manager *manager);

/* Restarts the idle timeout of shruthid. */
void manager_touch(Manager *manager);

/* These send signals to the bus and to all peers. */
void manager_emit_object(
                Manager *manager, bool added, const char *signal, const char *name, const char *path);
void manager_emit_signal(Manager *manager, const char *path, const char *interface, const char *signal);
void manager_emit_changed(Manager *manager, const char *path, const char *interface, char **properties);
