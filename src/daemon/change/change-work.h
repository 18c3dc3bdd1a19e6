/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/change/settings.h"
#include "daemon/state/network.h"
#include "unikernel/generation.h"
#include "unikernel/publishers.h"
#include "unikernel/update-record.h"

/* The work on a definition in a thread, from a request to a result, each with one owner at a time. The loop
 * fills in the request and does not touch it while the thread runs; the thread does not change the
 * request. */

typedef enum ChangeKind {
        CHANGE_CREATE,
        CHANGE_SETTINGS,
        CHANGE_DEFINITION, /* the whole text */
        CHANGE_REMOVE,
        _CHANGE_KIND_MAX,
} ChangeKind;

/* What a unikernel counts as in its owner's limits. */
typedef struct ResourceUsage {
        uid_t uid;
        uint64_t memory; /* includes what is taken besides the guest's, see memory_taken() */
        unsigned cpus;
        unsigned addresses; /* as of network_count_addresses(), which depends on the networks' owners */
} ResourceUsage;

/* The usage of a definition, without its addresses. taken: see memory_taken(). */
ResourceUsage resource_usage_of(const Definition *definition, uint64_t taken, const Conf *conf);

/* For a change that is proven afterwards, see update.h. */
typedef struct ChangeUpdate {
        bool rollback;       /* the text is that of a generation (CHANGE_DEFINITION) */
        uint64_t generation; /* its number; 0 for the former one */
        bool dry_run;        /* check everything, and write nothing but images */
        bool may_restart;    /* the caller was asked for that right already */
        bool rolling;        /* the new generation first runs beside the former one, see rolling.h */
        uint64_t probation_usec, drain_usec;
        const UpdateRecord *record; /* to be written, with the generations: by it the update continues; NULL
                                     * if nothing is to be proven */
} ChangeUpdate;

/* A subnet of a libvirt network. */
typedef struct ChangeSubnet {
        Subnet subnet;
        char *bridge, *network;
} ChangeSubnet;

typedef struct ChangeRequest {
        ChangeKind kind;
        const Call *call; /* the caller's */
        char *name;
        SharedConf *conf;

        /* What the caller asks for. */
        Settings *settings; /* never NULL in the thread */
        char *text;         /* CHANGE_DEFINITION */
        int image_fd;       /* or -EBADF */
        char *image_digest; /* or NULL */
        char *image_path;   /* or NULL */

        const ChangeUpdate *update; /* NULL if it is not an update */

        /* What the loop knows. */
        uid_t owner;        /* of the existing unikernel */
        bool administer;    /* polkit has authorized the caller as an administrator */
        GArray *usages;     /* ResourceUsage: of all other unikernels */
        bool have_networks; /* bridges and networks are known; otherwise not checked */
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
        bool needs_administer; /* it stopped before changing anything; an administrator could continue */
        bool reload;           /* systemd has to reload its units */
        bool without_steps;    /* this systemd does not know RestartSteps= */
        bool addresses;    /* some must be allocated before the answer, or released */
        char *user;        /* name of the caller */
        char *image;       /* digest, for the journal; or NULL */
        char **taken_over; /* CHANGE_CREATE: existing drop-ins and links for that name; NULL if not known */
        uid_t owner;       /* of the definition that was written or removed */
        ResourceUsage usage; /* of the definition that was written */
        uint64_t old_generation, generation; /* before and after; 0 if not known */
        bool recorded;                       /* the update has its record, and continues whatever r is */
        bool unwritten;      /* nothing has changed, or it was a dry run */
        char *text;          /* of a dry run */
        Publisher *publisher; /* the same; NULL: it publishes no ports */
        GPtrArray *volumes;  /* names of those that were made for the definition; NULL: none */
} ChangeResult;

#define CHANGE_RESULT_INIT ((ChangeResult){.error = ERROR_INIT})

void change_result_clear(ChangeResult *result);

/* Initialize result with CHANGE_RESULT_INIT. */
void change_work(const ChangeRequest *request, ChangeResult *result);

/* Removes a definition that was just created, with what result says was created for it. */
void change_work_undo(const ChangeRequest *request, ChangeResult *result);

/* Whether shruthi-generator would now write something else than systemd has. */
bool change_unit_files_differ(const char *name);

/* The text of a generation that will be in force again: if a file at an image path has changed since, the
 * path is replaced by the digest of the former image. Free with g_free(). For threads. */
char *change_generation_text(const char *name, const Generation *generation);

/* Finishes interrupted removals. Called before the first client is served. */
void change_finish_removals(void);
