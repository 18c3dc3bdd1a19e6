/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Which unikernels with Activation=traffic refuse what comes, because they could not be started for it: an
 * empty file /run/shruthi/refusals/NAME for each. Written by shruthi-demand, which leaves none when it ends;
 * read by shruthid. */

int refusal_begin(const char *name);
int refusal_end(const char *name); /* 0, too, if there was none */
bool refusal_is_noted(const char *name);

/* Of all. */
void refusals_end(void);
