/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* The kernel's packet filter, by libnftables. */

/* Runs the commands as one transaction. FAILED with the message of nft. */
int nft_run(const char *commands, Error *ret_error);

/* Frees the memory that libnftables has taken, until the next time. */
void nft_close(void);
