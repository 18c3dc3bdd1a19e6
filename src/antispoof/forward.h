/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* What libvirt's networks of mode nat need beside a table of ours: libvirt rejects whatever comes from
 * outside, and a reject is final. So one rule stands before its own, which accepts what bears our mark. Only
 * our table sets that, and only for published ports: where the table is gone, nothing passes. */

/* Sees to it that the rule is there, in whichever of libvirt's two backends is in use; or, with wanted
 * false, in none. */
int forward_set_accepted(bool wanted, Error *ret_error);
