/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "daemon/core/helper.h"
#include "daemon/core/queue.h"
#include "daemon/core/worker.h"

/* shruthid's one object: all that it holds while it runs. None of it is state of its own: unikernels are
 * read from their definitions and from systemd, and the rest is about who is calling and what is under way.
 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_flush_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

typedef struct Registry Registry;
typedef struct Systemd Systemd;
typedef struct CutOffWatch CutOffWatch;

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

typedef struct Manager {
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
        GHashTable *sealing;      /* names whose keys are being worked on → how often */
        GHashTable *enabled;      /* names that "systemctl enable" has made start at boot */

        Registry *registry;
        CutOffWatch *cut_off;
        Systemd *systemd;
        Queue *starts; /* in flight; restarts too */
        Queue *stops;
        GList *active_jobs; /* Job: those that wait for their turn, too */
        Queue *questions;   /* to polkit */
        Queue *interactive; /* those that a person answers */
        Queue *overviews;   /* calls about all unikernels at once */
        Worker *worker;     /* for callers */
        Worker *loader;     /* for ourselves */
        Helper *helper;

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
} Manager;

int manager_new(Manager **ret_manager, Error *ret_error);
Manager *manager_free(Manager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

/* Serves until idle or told to end. Returns the exit status of the program or a negative errno. */
int manager_run(Manager *manager);

const Conf *manager_conf(const Manager *manager);

/* INVALID_CONFIGURATION, with file and line, while shruthi.conf is broken since before we were there; the
 * first call after it was mended goes by what it says. For what goes by limits, bridges or directories that
 * it may name. */
int manager_check_conf(Manager *manager, Error *ret_error);

/* conf_load() again, in a thread, and all definitions; done (or NULL) gets 0 or a negative errno with error
 * set. */
void manager_reload(Manager *manager, void (*done)(int r, Error *error, void *userdata), void *userdata);

/* Whether KVM works is found out by shruthi-domain, which remembers it; the property follows. */
void manager_probe(Manager *manager);

/* Puts all objects on a connection: the system bus or a peer of the private socket. */
int manager_export(Manager *manager, sd_bus *bus);

/* Signals go to the bus and to all peers. */
void manager_emit_object(
                Manager *manager, bool added, const char *signal, const char *name, const char *path);
void manager_emit_signal(Manager *manager, const char *path, const char *interface, const char *signal);
void manager_emit_changed(Manager *manager, const char *path, const char *interface, char **properties);
