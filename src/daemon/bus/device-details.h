/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "unikernel/definition.h"

/* What is known of a unikernel's networks apart from the definition. */
typedef struct DeviceWiring {
        GPtrArray *leases;  /* Lease; NULL if they cannot be read */
        GPtrArray *cut_off; /* CutOff: of the running guest; NULL if it does not run */
} DeviceWiring;

/* Appends "Devices" aa{sv} to the dictionary that GetDetails() returns: each device with the settings that
 * the table of settings has for its section. */
int details_append_devices(sd_bus_message *m, const Definition *definition, const DeviceWiring *wiring);
