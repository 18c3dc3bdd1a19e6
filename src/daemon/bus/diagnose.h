/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* The manager's method Diagnose(). */
int method_diagnose(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
