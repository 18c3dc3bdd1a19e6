/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/unikernel.h"

/* The definitions of the three directories, kept true by inotify. Reading happens in a thread; the
 * unikernels get what was found by unikernel_apply_loaded(). */

/* Reads all of them before it returns, for the start. */
int registry_new(Manager *manager, Registry **ret_registry, Error *ret_error);
Registry *registry_free(Registry *registry);

/* Reads NAME's definition again, or all of them (NULL). done (or NULL) is called when what was there at the
 * time of the call is shown. */
void registry_refresh(Registry *registry, const char *name, void (*done)(void *userdata), void *userdata);

/* What all definitions but that of except (NULL: no exception) say of other units: OrderNode, for those that
 * say anything. */
GPtrArray *registry_collect_orders(const Manager *manager, const char *except);

/* The same of the ports that they publish: Publisher. */
GPtrArray *registry_collect_publishers(const Manager *manager, const char *except);
