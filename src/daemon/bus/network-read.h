/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/network.h"

/* What is told about networks, by network-read.c. */

PolkitDetails network_polkit_details(const char *verb, const Network *network);

/* A handler whose userdata is the Network. */
int network_method_get_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
