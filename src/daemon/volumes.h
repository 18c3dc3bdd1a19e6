/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/manager.h"

/* The manager's methods about volumes. */

/* Clears away, in a thread, what an import left that was cut off. For the start. */
void volumes_clean(Manager *manager);

int method_create_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_import_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_list_volumes(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_volume_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_resize_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_export_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_remove_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
