/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* org.freedesktop.LogControl1: "systemctl service-log-level shruthid.service debug". Setting is root's by
 * the bus policy. */
int log_control_export(sd_bus *bus);
