/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/network.h"

/* Networks on the bus: interface org.dream.Shruthi.Network, and the Manager's methods about them. */

extern const sd_bus_vtable network_vtable[];

/* Handlers whose userdata is the Network. */
int network_method_get_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int network_method_open_links(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

/* Calls one of them for the network whose name is the message's only argument. */
int network_method_by_name(sd_bus_message *message, Manager *manager, sd_bus_message_handler_t method,
                sd_bus_error *ret_error);

int network_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *ret_error);
int network_node_enumerate(
                sd_bus *bus, const char *path, void *userdata, char ***ret_nodes, sd_bus_error *ret_error);

int method_create_network(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_remove_network(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_network(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_list_networks(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_network_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_open_network_links(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
