/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/manager.h"

/* The manager's methods about images. */

int method_inspect_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_inspect_stored_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_import_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_list_images(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_prune_images(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
