/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* Diagnose() of the manager. */
int method_diagnose(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
