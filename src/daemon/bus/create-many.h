/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* CreateUnikernels(): many unikernels by one call, as those of a fleet. Each is a change like any other,
 * with its own answer in the reply. Called by manager-bus.c. */

#define CREATE_MANY_MAX 128 /* so that a user's other calls have room beside it, see CALLS_PER_USER_MAX */

int method_create_unikernels(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
