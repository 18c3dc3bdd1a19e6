/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/demand-protocol.h"
#include "demand/service.h"
#include "demand/waiter.h"
#include "helper/call.h"

/* Shared by service.c (what is done), antispoof-link.c (shruthi-antispoof), systemd-link.c (units and their
 * jobs) and listening.c (definitions, and having their ports published). */

typedef struct Unit {
        Service *service;
        char *name;
        char *path; /* of its unit, on the bus */
        DemandWaiter waiter;
        char *job;       /* what we have asked for; NULL: no answer yet, or nothing */
        uint64_t begun;  /* when we have asked for its start last, in µs of CLOCK_MONOTONIC */
        bool failed;     /* that job did; it is not known yet whether it was begun */
        bool asked;      /* for its state, and no answer yet */
        bool asked_late; /* it may have changed since */
        sd_bus_slot *changed_slot, *state_slot, *job_slot;
        sd_event_source *retry_source; /* its state could not be asked for */
        sd_event_source *decide_source; /* at waiter.next */
        bool refused;                   /* a refusal of it is recorded: unikernel/refusal.h */
        bool listed;   /* shruthi-antispoof waits for it */
        bool defined;  /* there is a definition, and it says so */
        char *text;    /* that one; NULL: not read yet */
        bool stale;    /* its ports are not known to be published as text says */
        int64_t retry; /* not before, in µs of CLOCK_MONOTONIC */
        char *problem; /* why they could not be; said already */
} Unit;

struct Service {
        sd_event *event;
        sd_bus *bus;
        unsigned limit;   /* starts a minute */
        bool conf_failed; /* shruthi.conf is wrong, which was said */
        int listen_fd;
        int antispoof; /* the connection; negative: none */
        sd_event_source *listen_source, *antispoof_source, *connect_source, *read_source, *listening_source,
                        *idle_source;
        sd_bus_slot *job_slot;
        GHashTable *units; /* name → Unit */
        /* Whose ports shruthi-domain is publishing. */
        DomainCall *call;
        char *called; /* its name */
        GString *output;
};

/* service.c */
Unit *service_find(Service *service, const char *name);
Unit *service_get(Service *service, const char *name);
void unit_decide(Unit *unit);
/* Forgets those that nobody speaks of. */
void service_tidy(Service *service);

/* antispoof-link.c */
void antispoof_link_open(Service *service);
void antispoof_link_close(Service *service);
void antispoof_link_tell(Service *service, DemandWord word, const char *name);

/* systemd-link.c */
int systemd_link_open(Service *service);
void unit_follow(Unit *unit);
void unit_ask_state(Unit *unit);
void unit_start(Unit *unit);
void unit_stop(Unit *unit);

/* listening.c */
int listening_open(Service *service);
void listening_close(Service *service);
/* Reads the definitions soon. */
void listening_read(Service *service);
/* Some unit may need its ports published now. */
void listening_continue(Service *service);
