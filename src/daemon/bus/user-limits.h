/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* GetLimits(): what a user has used of what shruthi.conf gives to each. */

int method_get_limits(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
