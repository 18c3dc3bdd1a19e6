/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/change/settings.h"
#include "volume/store.h"

/* One of the manager's methods about volumes on its way. volumes.c takes it through the loop: the thread
 * looks whose volume it is, polkit is asked about that, the thread acts, polkit is asked once more where an
 * administrator is needed, the answer. volume-work.c is what happens in the thread; all of it blocks. */

typedef struct VolumeWork VolumeWork;

typedef struct VolumeVerb {
        const char *action; /* of polkit */
        const char *verb;   /* "resize": for messages */
        const char *done;   /* "resized": for the journal; NULL: nothing was changed */
        bool existing;      /* about one that is there: whose it is decides who may */
        int (*act)(VolumeWork *work, Error *ret_error);
        int (*append)(const VolumeWork *work, sd_bus_message *reply);
} VolumeVerb;

struct VolumeWork {
        const VolumeVerb *verb;
        Call *call;
        SharedConf *conf; /* once polkit has answered */

        /* What is asked for. */
        char *name;         /* NULL: all of them */
        uint64_t size;      /* bytes */
        char *clone;        /* name of the volume that is made; NULL where none is, or work->name is it */
        int fd;             /* to be imported, or exported; or -EBADF */
        Settings *settings; /* Group, Owner; or NULL */

        /* What the loop knows. */
        bool administer; /* polkit has let the caller */
        bool all;        /* polkit lets them see those of others, too */

        /* What the thread found. */
        Volume *volume;      /* the one that polkit is asked about */
        char *owner, *group; /* names, "" if none */
        char **users;        /* unikernels whose definitions name it, and may */
        GPtrArray *volumes;  /* Volume: of the list */
        GPtrArray *users_of; /* char **: users of each of them */
        VolumeUse use;
        bool needs_administer; /* it stopped before anything was done, and would go on if they may */
        int result;
        Error error;
};

/* Held while a volume that is there is looked at and acted on, and while one is removed: a name becomes
 * another's only after that. */
extern GMutex volume_identity_lock;

void volume_work_free(VolumeWork *work);

/* Reads volume, owner and group, to ask polkit about. NO_SUCH_VOLUME. */
int volume_work_look(VolumeWork *work, Error *ret_error);

/* What each verb does. All but create, import and list act on work->volume, and say BUSY where that name has
 * become another's since polkit was asked. */
int volume_work_create(VolumeWork *work, Error *ret_error);
int volume_work_import(VolumeWork *work, Error *ret_error);
int volume_work_list(VolumeWork *work, Error *ret_error);
int volume_work_details(VolumeWork *work, Error *ret_error);
int volume_work_resize(VolumeWork *work, Error *ret_error);
int volume_work_export(VolumeWork *work, Error *ret_error);
int volume_work_clone(VolumeWork *work, Error *ret_error);
int volume_work_remove(VolumeWork *work, Error *ret_error);
