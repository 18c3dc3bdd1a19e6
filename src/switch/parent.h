/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The process that accepts connections, and has one process for each network. */

#define PARENT_NETWORKS_MAX 256

/* user: who may connect, beside root and ourselves. directory: where the rules are kept. Runs until no
 * network is left and nobody has connected for a while, which returns 0. */
int parent_run(int listen_fd, uid_t user, const char *directory);
