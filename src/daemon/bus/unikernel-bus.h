/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/unikernel.h"

/* A unikernel on the bus: interface org.dream.Shruthi.Unikernel. Each method is a handler whose userdata is
 * the Unikernel; the manager's methods with the same verbs read the name, look it up and call these. */

extern const sd_bus_vtable unikernel_vtable[];

int unikernel_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *ret_error);

/* Returns 1 if message is for the object of a unikernel whose definition is being read, and will be
 * dispatched again, otherwise 0. For a filter of messages, because sd-bus itself answers for objects that
 * are not found. */
int unikernel_object_await(Manager *manager, sd_bus_message *message);

int unikernel_node_enumerate(
                sd_bus *bus, const char *path, void *userdata, char ***ret_nodes, sd_bus_error *ret_error);

#define UNIKERNEL_METHODS(X)                                                                                \
        X(start)                                                                                            \
        X(stop)                                                                                             \
        X(restart)                                                                                          \
        X(kill)                                                                                             \
        X(pause)                                                                                            \
        X(resume)                                                                                           \
        X(snapshot)                                                                                         \
        X(restore)                                                                                          \
        X(remove_snapshot)                                                                                  \
        X(remove)                                                                                           \
        X(set_settings)                                                                                     \
        X(set_image)                                                                                        \
        X(get_definition)                                                                                   \
        X(set_definition)                                                                                   \
        X(update)                                                                                           \
        X(update_from_source)                                                                               \
        X(rollback)                                                                                         \
        X(list_generations)                                                                                 \
        X(get_generation)                                                                                   \
        X(get_details)                                                                                      \
        X(get_arguments)                                                                                    \
        X(get_domain_xml)                                                                                   \
        X(get_statistics)                                                                                   \
        X(get_start_times)                                                                                  \
        X(open_console)                                                                                     \
        X(open_log)                                                                                         \
        X(set_credential)                                                                                   \
        X(rotate_credential)                                                                                \
        X(remove_credential)                                                                                \
        X(list_credentials)

#define X(verb)                                                                                             \
        int unikernel_method_##verb(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
UNIKERNEL_METHODS(X)
#undef X
