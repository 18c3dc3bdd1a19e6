/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/change-state.h"
#include "daemon/change/change-work.h"

/* Creates, changes and removes definitions. change.c takes a call through the states of change-state.h in
 * the loop, one change of a name at a time; change-work.c does the work in a thread.
 *
 * change/ owns everything that a caller can change on disk or in libvirt: definitions with their settings
 * and images, networks, volumes, keys. A function is either for the loop (change, network-change,
 * seal_enter() and similar) or for threads (change-work, volume-work, image-access, the rest of
 * seal-client), as each header says. The methods in bus/ call it. */

/* Takes ownership of call, and may move the contents of result. */
typedef void (*ChangeDone)(Call *call, ChangeResult *result, void *userdata);

typedef struct Change {
        ChangeState state;
        Call *call;
        ChangeRequest request;
        ChangeResult result;
        bool quiet; /* one of many: nobody is asked for an administrator's right, and what needs it fails */
        bool expected;   /* its addresses will be wanted (change-share.h) */
        ChangeDone done; /* answers the call; NULL for change.c. Set only if the name is known to be free */
        void *userdata;
} Change;

/* Takes call. The caller of this function fills in the request and then calls change_start(), which takes
 * change and answers its call. */
Change *change_new(Call *call, ChangeKind kind);
void change_start(Change *change);

/* Returns BUSY while the unikernel is being changed or updated. */
int change_check_free(Manager *manager, const char *name, Error *ret_error);

/* The usage of all unikernels except that of change, including those written but not read back yet. */
GArray *change_collect_usages(const Change *change);
