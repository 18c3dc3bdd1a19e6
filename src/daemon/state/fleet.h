/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/unikernel.h"

/* A fleet: the unikernels of one owner whose definitions have the same Fleet=, and whose names begin with it
 * (shruthi.fleet(5)). It exists while there is one; nothing of it is kept anywhere else, so it is as true as
 * they are. bus/fleet-bus.c shows it on the bus. */

typedef struct Fleet {
        Manager *manager;
        char *key; /* "NAME:UID" */
        char *name, *path;
        uid_t owner;
        GHashTable *members; /* name → its state + 1 */
        unsigned counts[_UNIKERNEL_STATE_MAX];
        sd_event_source *changed_source; /* tells the bus of changes, some at a time; NULL: there are none */
        bool busy;                       /* a call about all of its members is in progress */
} Fleet;

/* Called when the properties of a unikernel were derived, and before it is freed. */
void fleets_note(Manager *manager, const char *name);
void fleets_forget(Manager *manager, const char *name);

/* By its key, and by its name and owner; NULL if there is none. */
Fleet *fleet_get(Manager *manager, const char *key);
Fleet *fleet_find(Manager *manager, const char *name, uid_t owner);

/* "/org/dream/Shruthi/fleet/ESCAPED". Free with g_free(). */
char *fleet_path(const char *key);

/* The names of its members, sorted. Free with g_ptr_array_unref(). */
GPtrArray *fleet_list_members(const Fleet *fleet);

/* For manager->fleets. */
GHashTable *fleets_new(void);
