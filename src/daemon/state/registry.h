/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/unikernel.h"

/* The definitions in the three directories, kept up to date by inotify. A thread reads them;
 * unikernel_apply_loaded() passes the result to the unikernels. */

/* Reads all definitions synchronously, for our start. */
int registry_new(Manager *manager, Registry **ret_registry, Error *ret_error);
Registry *registry_free(Registry *registry);

/* Reads the definition of name again, or all of them (NULL). done (or NULL) is called when the bus shows the
 * definitions as they were at the time of this call, or newer. */
void registry_refresh(Registry *registry, const char *name, void (*done)(void *userdata), void *userdata);

/* For the handler of a call about a unikernel that is not known, by name, or NULL if that is not known
 * either: looks whether files have changed of which inotify has told nothing yet. Returns true if what
 * they say is being read: message is dispatched to its handler again then, and the handler returns 1.
 * false: there is none. It causes no read that would not take place anyway, so such calls cost little,
 * whoever sends them. */
bool registry_await(Registry *registry, sd_bus_message *message, const char *name);

/* What all definitions except that of except (may be NULL) say about other units: an OrderNode for each that
 * says anything. */
GPtrArray *registry_collect_orders(const Manager *manager, const char *except);

/* The same of the ports that they publish: Publisher. */
GPtrArray *registry_collect_publishers(const Manager *manager, const char *except);
