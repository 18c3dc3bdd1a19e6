/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* shruthi-demand: has systemd start unikernels with Activation=traffic when shruthi-antispoof holds
 * something for them, and stop those that are idle. It keeps nothing: which unikernels there are it reads
 * from their definitions, what is held from shruthi-antispoof, and whether they are ready from systemd. */

typedef struct Service Service;

/* listen_fd: of shruthi-demand.socket; a connection there means that definitions may have changed. */
int service_new(sd_event *event, sd_bus *bus, int listen_fd, Service **ret_service);
void service_free(Service *service);
