/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* The kernel's packet filter, by libnftables. */

/* Runs the commands as one transaction. FAILED with the message of nft. */
int nft_run(const char *commands, Error *ret_error);

/* The same, trying a few times: a transaction of somebody else at the same moment makes ours fail. */
int nft_run_retrying(const char *commands, Error *ret_error);

/* The same as nft_run(), of a command that shows something; with handles. Free with g_free(). */
int nft_query(const char *command, char **ret_output, Error *ret_error);

/* Frees the memory that libnftables has taken, until the next time. */
void nft_close(void);
