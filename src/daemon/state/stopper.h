/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Tells the runner of NAME, which reads it at SIGTERM, who stops it ("stopped by user alice"). */
void stopper_write(Manager *manager, const char *name, uid_t uid);

/* Removes it again: nobody is stopping it. */
void stopper_remove(const char *name);
