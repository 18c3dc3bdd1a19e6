/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/options.h"

/* polkit's password agent for terminals. */

/* Starts pkttyagent, once, if there is a terminal and --no-ask-password was not given; waits until it is
 * registered. */
void agent_open(const Options *options);

void agent_close(void);
