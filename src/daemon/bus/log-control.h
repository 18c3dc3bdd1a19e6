/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* org.freedesktop.LogControl1: "systemctl service-log-level shruthid.service debug". By the bus policy, only
 * root may set it. */
int log_control_export(sd_bus *bus);
