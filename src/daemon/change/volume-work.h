/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/change/settings.h"
#include "volume/store.h"

/* One of the manager's methods about volumes in progress. volumes.c takes it through the loop: a thread
 * reads who owns the volume, polkit is asked about that, a thread acts, polkit is asked again if an
 * administrator is needed, the call is answered. volume-work.c does the work in threads; all of it
 * blocks. */

typedef struct VolumeWork VolumeWork;

typedef struct VolumeVerb {
        const char *action; /* polkit's */
        const char *verb;   /* "resize": for messages */
        const char *done;   /* "resized": for the journal; NULL if nothing is changed */
        bool existing;      /* about an existing volume: authorization depends on its owner */
        int (*act)(VolumeWork *work, Error *ret_error);
        int (*append)(const VolumeWork *work, sd_bus_message *reply);
} VolumeVerb;

struct VolumeWork {
        const VolumeVerb *verb;
        Call *call;
        SharedConf *conf; /* set once polkit has answered */

        /* What the caller asks for. */
        char *name;         /* NULL for all */
        uint64_t size;      /* bytes */
        char *clone;        /* name of the new volume; NULL if none, or if it is work->name */
        int fd;             /* to import or export; or -EBADF */
        Settings *settings; /* Group, Owner; or NULL */

        /* What the loop knows. */
        bool administer; /* polkit has authorized the caller as an administrator */
        bool all;        /* polkit lets the caller see those of others too */

        /* What the thread found. */
        Volume *volume;      /* the one that polkit is asked about */
        char *owner, *group; /* names, "" if none */
        char **users;        /* unikernels whose definitions name it, with a right to it */
        GPtrArray *volumes;  /* Volume: of the list */
        GPtrArray *users_of; /* char **: users of each of them */
        VolumeUse use;
        bool needs_administer; /* it stopped before changing anything; an administrator could continue */
        int result;
        Error error;
};

/* Held while an existing volume is checked and acted on, and while one is removed, so that its name cannot
 * pass to another owner meanwhile. */
extern GMutex volume_identity_lock;

void volume_work_free(VolumeWork *work);

/* Reads volume, owner and group for the query to polkit. Errors: NO_SUCH_VOLUME. */
int volume_work_look(VolumeWork *work, Error *ret_error);

/* The work of each verb. All except create, import and list act on work->volume, and return BUSY if that
 * name belongs to a different owner since polkit was asked. */
int volume_work_create(VolumeWork *work, Error *ret_error);
int volume_work_import(VolumeWork *work, Error *ret_error);
int volume_work_list(VolumeWork *work, Error *ret_error);
int volume_work_details(VolumeWork *work, Error *ret_error);
int volume_work_resize(VolumeWork *work, Error *ret_error);
int volume_work_export(VolumeWork *work, Error *ret_error);
int volume_work_clone(VolumeWork *work, Error *ret_error);
int volume_work_remove(VolumeWork *work, Error *ret_error);
