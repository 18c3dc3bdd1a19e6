/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* GetLimits(): how much a user uses of the limits that shruthi.conf sets for each user. */

int method_get_limits(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
