/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Connects to the console socket of NAME's runner, which copies the console to whoever is connected. Does
 * not wait: a runner that takes no more is BUSY. From then on it is between the runner and the caller. */
int console_connect(const char *name, int *ret_fd, Error *ret_error);
