/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "common/containers.h"

/* How late packets were: a histogram whose steps are an eighth of their value at most. Pure. */

typedef struct Lateness Lateness;

Lateness *lateness_new(void);
void lateness_free(Lateness *lateness);

void lateness_add(Lateness *lateness, uint64_t nsec);

/* In µs: so much that this share (0 to 1) was not later; 0 where there is none. */
uint64_t lateness_quantile(const Lateness *lateness, double share);
uint64_t lateness_max(const Lateness *lateness);
