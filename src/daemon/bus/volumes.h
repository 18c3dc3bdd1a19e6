/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* The manager's methods about volumes. */

/* Removes, in a thread, what an interrupted import has left. For our start. */
void volumes_clean(Manager *manager);

/* org.dream.Shruthi.Volume: the methods of one volume, under its object path. The object exists whether or
 * not the volume does. */
extern const sd_bus_vtable volume_vtable[];
int volume_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *ret_error);

int method_get_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_create_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_import_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_list_volumes(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_get_volume_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_resize_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_export_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_clone_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_remove_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
