/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* ListUnikernelDetails() and ListUnikernelStatistics(): what GetDetails() and GetStatistics() return, in one
 * call for all unikernels that the caller may see. */

int method_list_unikernel_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int method_list_unikernel_statistics(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
