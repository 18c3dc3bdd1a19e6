/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/fleet.h"

/* Fleets on the bus: interface org.dream.Shruthi.Fleet, and the Manager's methods about them. */

extern const sd_bus_vtable fleet_vtable[];

int fleet_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error);
int fleet_node_enumerate(
                sd_bus *bus, const char *path, void *userdata, char ***ret_nodes, sd_bus_error *ret_error);

int method_list_fleets(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_fleet(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
