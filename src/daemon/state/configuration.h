/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Reload(): all that an administrator may have written is read again, in threads: shruthi.conf, which
 * unikernels are enabled, the definitions, the records of networks. done (or NULL) is called after it, with
 * 0 or with a negative errno and error set where shruthi.conf is broken. */
typedef void (*ConfigurationReloaded)(int r, Error *error, void *userdata);
void configuration_reload(Manager *manager, ConfigurationReloaded done, void *userdata);
