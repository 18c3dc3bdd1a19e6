/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* The manager's methods about images. */

/* org.dream.Shruthi.Image: the method of one image, under its object path, which contains its digest. The
 * object exists whether or not the image does. */
extern const sd_bus_vtable image_vtable[];
int image_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error);

int method_get_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_inspect_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_inspect_stored_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_import_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_list_images(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_prune_images(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
