/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/check/check-private.h"

/* The bridges and networks that the configuration names, and those that were made, as they are, and how
 * full. */
void check_attachments(Host *host);

/* Whether shruthi-neighbours answers. */
void check_neighbours(void);
