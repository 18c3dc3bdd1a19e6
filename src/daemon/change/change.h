/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/change-state.h"
#include "daemon/change/change-work.h"

/* Making, changing and removing a definition. change.c takes a call through the states of change-state.h in
 * the loop, one change of a name at a time; change-work.c is what happens in the thread.
 *
 * change/ owns whatever alters something on disk or in libvirt for a caller: definitions with their settings
 * and images, networks, volumes, keys. Its halves are for the loop (change, network-change, seal_enter() and
 * the like) or for threads (change-work, volume-work, image-access, the rest of seal-client), as each header
 * says. The methods of bus/ call it. */

/* Takes call, and may move what is in result. */
typedef void (*ChangeDone)(Call *call, ChangeResult *result, void *userdata);

typedef struct Change {
        ChangeState state;
        Call *call;
        ChangeRequest request;
        ChangeResult result;
        ChangeDone done; /* who answers the call; NULL: change.c. It is of one who knows that the name is
                            free */
        void *userdata;
} Change;

/* Takes call. What is asked for is filled into the request before change_start(), which takes change and
 * answers its call. */
Change *change_new(Call *call, ChangeKind kind);
void change_start(Change *change);

/* BUSY while something of that name is being changed or updated. */
int change_check_free(Manager *manager, const char *name, Error *ret_error);

/* What all unikernels but that of change count for, those included that have been written and not been read
 * back. */
GArray *change_collect_usages(const Change *change);
