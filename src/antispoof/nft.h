/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* The kernel's packet filter, by libnftables. */

/* Runs the commands as one transaction. FAILED with what nft said. */
int nft_run(const char *commands, Error *ret_error);

/* Until the next time: what libnftables has taken is given back. */
void nft_close(void);
