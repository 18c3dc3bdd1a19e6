/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Reload(): reads again, in threads, everything that an administrator may have written: shruthi.conf, the
 * set of enabled unikernels, the definitions, the records of networks. Then done (or NULL) is called, with
 * 0, or with a negative errno and error set if shruthi.conf is broken. */
typedef void (*ConfigurationReloaded)(int r, Error *error, void *userdata);
void configuration_reload(Manager *manager, ConfigurationReloaded done, void *userdata);
