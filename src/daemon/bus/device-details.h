/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "unikernel/definition.h"

/* What is known of a unikernel's networks beside their definition. */
typedef struct DeviceWiring {
        GPtrArray *leases;  /* Lease; NULL: they cannot be read */
        GPtrArray *cut_off; /* CutOff: of the guest that runs; NULL: none does */
} DeviceWiring;

/* "Devices" aa{sv}, an entry of the dictionary that GetDetails() returns: each with what the table of
 * settings has for its section. */
int details_append_devices(sd_bus_message *m, const Definition *definition, const DeviceWiring *wiring);
