/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/change/settings.h"
#include "daemon/state/network.h"
#include "unikernel/generation.h"
#include "unikernel/publishers.h"

/* What happens to a definition in a thread: a request goes in, a result comes out, and both have one owner
 * at a time. The loop fills in the request and does not touch it while the thread has it; the thread changes
 * nothing in it. */

typedef enum ChangeKind {
        CHANGE_CREATE,
        CHANGE_SETTINGS,
        CHANGE_DEFINITION, /* the whole text */
        CHANGE_REMOVE,
        _CHANGE_KIND_MAX,
} ChangeKind;

/* What a unikernel counts for in its owner's limits. */
typedef struct ResourceUsage {
        uid_t uid;
        uint64_t memory; /* with QEMU's own */
        unsigned cpus;
        unsigned addresses; /* of network_count_addresses(), by whom has its networks */
} ResourceUsage;

/* Without its addresses. */
ResourceUsage resource_usage_of(const Definition *definition, const Conf *conf);

/* What makes a change one that is proven afterwards: update.h. */
typedef struct ChangeUpdate {
        bool rollback;       /* the text is that of a generation (CHANGE_DEFINITION) */
        uint64_t generation; /* which; 0: the former one */
        bool dry_run;        /* all is checked, and nothing written but images */
        bool prove;          /* the unikernel runs: a record is left, by which the update goes on */
        uint64_t probation_usec, old_started;
        char boot_id[33];
} ChangeUpdate;

/* A subnet of one of libvirt's networks. */
typedef struct ChangeSubnet {
        Subnet subnet;
        char *bridge, *network;
} ChangeSubnet;

typedef struct ChangeRequest {
        ChangeKind kind;
        const Call *call; /* whose caller it is */
        char *name;
        SharedConf *conf;

        /* What is asked for. */
        Settings *settings; /* never NULL in the thread */
        char *text;         /* CHANGE_DEFINITION */
        int image_fd;       /* or -EBADF */
        char *image_digest; /* or NULL */
        char *image_path;   /* or NULL */

        const ChangeUpdate *update; /* NULL: it is none */

        /* What the loop knows. */
        uid_t owner;        /* of what is there */
        bool administer;    /* polkit has let the caller */
        GArray *usages;     /* ResourceUsage: of all other unikernels */
        bool have_networks; /* of this host; else they are not checked */
        char **bridges, **networks;
        GPtrArray *subnets; /* ChangeSubnet: of libvirt's networks; or NULL */
        GPtrArray *claims;  /* NetworkClaim: of our networks */
        GPtrArray *orders;  /* OrderNode: of all other unikernels that name units */
        GPtrArray *publishers; /* Publisher: all other unikernels that publish ports */
        GArray *listeners;     /* Listener: programs of this host; or NULL */
} ChangeRequest;

typedef struct ChangeResult {
        int r; /* 0, or a negative errno with error */
        Error error;
        bool needs_administer; /* it stopped before anything was done, and would go on if the caller may */
        bool reload;           /* systemd has something to learn */
        bool without_steps;    /* … of which it knows nothing: RestartSteps= */
        bool addresses;    /* a device is to be given one before the answer, or has some to be given back */
        char *user;        /* name of the caller */
        char *image;       /* digest, for the journal; or NULL */
        char **taken_over; /* CHANGE_CREATE: drop-ins that were there for that name; NULL: not known */
        uid_t owner;       /* of what was written; of what was removed */
        ResourceUsage usage; /* of what was written */
        uint64_t old_generation, generation; /* before and after; 0: not known */
        bool recorded;                       /* the update has its record: it goes on, whatever r is */
        bool unwritten;      /* it is as it was: nothing was to be changed, or it was a dry run */
        char *text;          /* of a dry run */
        Publisher *publisher; /* the same; NULL: it publishes no ports */
        GPtrArray *volumes;  /* names of those that were made for the definition; NULL: none */
} ChangeResult;

#define CHANGE_RESULT_INIT ((ChangeResult){.error = ERROR_INIT})

void change_result_clear(ChangeResult *result);

/* result is one of CHANGE_RESULT_INIT. */
void change_work(const ChangeRequest *request, ChangeResult *result);

/* Takes back a definition that was just made, of whose making result tells. */
void change_work_undo(const ChangeRequest *request, ChangeResult *result);

/* Whether shruthi-generator would write something else now than what systemd has. */
bool change_unit_files_differ(const char *name);

/* The text of a generation as it is to be in force again: an image that it names by path is, where that file
 * is another by now, the one of that time by its digest. Free with g_free(). For threads. */
char *change_generation_text(const char *name, const Generation *generation);

/* Before anybody is served: ends the removals that were cut short. */
void change_finish_removals(void);
