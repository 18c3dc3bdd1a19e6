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

/* shruthid's one object: all that it holds while it runs. None of it is state of its own: unikernels are
 * read from their definitions and from systemd, and the rest is about who is calling and what is under way.
 *
 * core/ owns what all other rooms stand on and knows none of them: this object, the queue of turns, the
 * threads, the calls of shruthi-domain, dictionaries on the bus. Everybody in src/daemon may call it. The
 * object is made and taken apart by daemon.c, which knows all rooms. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_flush_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

typedef struct Registry Registry;
typedef struct Systemd Systemd;
typedef struct CutOffWatch CutOffWatch;

typedef struct Manager Manager;
typedef struct Network Network;

/* What a room has to say to those after it, which it does not know: daemon.c connects them. */
typedef struct ManagerHooks {
        /* Puts all objects on a connection: the system bus or a peer of the private socket. */
        int (*export)(Manager *manager, sd_bus *bus);
        /* The client of that name has left the bus. */
        void (*client_gone)(Manager *manager, const char *name);
        /* What is shown of that unikernel has been derived anew. */
        void (*unikernel_changed)(Manager *manager, const char *name);
        /* shruthi.conf was broken, and is in force now. */
        void (*conf_repaired)(Manager *manager);
        /* Brings a network that is not being changed to what its record says. */
        void (*network_repair)(Network *network);
} ManagerHooks;

/* Limits on what callers can make us hold. */
#define CALLS_PER_USER_MAX 256 /* calls that wait for polkit or for an answer; root: CALLS_MAX */
#define CALLS_MAX          8192
#define CALL_WEIGHT_SIZE   16384 /* bytes; each so many more make a call count for one more */
#define LOGS_PER_USER_MAX  16    /* open at once */
#define LOGS_MAX           256
#define PEERS_MAX          64 /* connections to the private socket */

/* A Conf that threads may still look at after Reload has put another in its place. */
typedef struct SharedConf {
        gint references;
        Conf *conf;
        bool broken; /* conf is the defaults: for what bounds us, and nothing that a user asks for */
} SharedConf;

SharedConf *shared_conf_ref(SharedConf *shared);
SharedConf *shared_conf_unref(SharedConf *shared);

struct Manager {
        const ManagerHooks *hooks;
        sd_event *event;
        sd_bus *bus;      /* NULL while there is none */
        bool published;   /* objects are there for others to see */
        GPtrArray *peers; /* sd_bus: connections on the private socket, all of them root's */
        sd_event_source *listen_source, *connect_source;

        SharedConf *conf;
        char *acceleration;       /* "kvm", "tcg", "" unknown yet */
        GHashTable *unikernels;   /* name → Unikernel */
        GHashTable *by_uuid;      /* UUID in lower case → Unikernel, owned by unikernels */
        GHashTable *networks;     /* name → Network: ours */
        unsigned network_changes; /* begun and ended: what was read before one is stale after it */
        GHashTable *changing;     /* names that a change is under way for → Change */
        GHashTable *updates;      /* names that an update is under way for → Update */
        GHashTable *sealing;      /* names whose keys are being worked on → how often */
        GHashTable *enabled;      /* names that "systemctl enable" has made start at boot */

        Registry *registry;
        CutOffWatch *cut_off;
        Systemd *systemd;
        Queue *starts; /* in flight; restarts too */
        Queue *stops;
        GList *active_jobs; /* Job: those that wait for their turn, too */
        Queue *polkit_queries;
        Queue *polkit_dialogs; /* those queries that a person answers */
        Queue *overviews;   /* calls about all unikernels at once */
        Worker *worker;     /* for callers */
        Worker *loader;     /* for ourselves */
        LibvirtHelper *helper;

        GHashTable *clients;  /* unique name → Client: who has ever called and is still on the bus */
        GHashTable *queries;  /* sd_bus_message → Query: waits for polkit */
        GHashTable *calls_of; /* uid → number of calls under way */
        unsigned n_calls;
        GList *logs;                     /* LogStream */
        struct Subscribers *subscribers; /* NULL: nobody has subscribed yet */
        char *boot_id;                   /* as journald writes it; NULL: not known yet */

        sd_event_source *idle_source;
        uint64_t idle_since, drain_since; /* µs, CLOCK_MONOTONIC */
        bool stopping;
        unsigned reloading; /* under way */
};

const Conf *manager_conf(const Manager *manager);

/* Takes conf; NULL: it is broken, and the defaults stand in. */
void manager_set_conf(Manager *manager, Conf *conf);

/* The same when it is read again: tells the bus. Returns whether the one before was broken. */
bool manager_replace_conf(Manager *manager, Conf *conf);

/* INVALID_CONFIGURATION, with file and line, while shruthi.conf is broken since before we were there; the
 * first call after it was mended goes by what it says. For what goes by limits, bridges or directories that
 * it may name. */
int manager_check_conf(Manager *manager, Error *ret_error);

/* Whether KVM works is found out by shruthi-domain, which remembers it; the property follows. */
void manager_probe(Manager *manager);

/* Something has happened: the time until shruthid may go starts over. */
void manager_touch(Manager *manager);

/* Signals go to the bus and to all peers. */
void manager_emit_object(
                Manager *manager, bool added, const char *signal, const char *name, const char *path);
void manager_emit_signal(Manager *manager, const char *path, const char *interface, const char *signal);
void manager_emit_changed(Manager *manager, const char *path, const char *interface, char **properties);
