/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* The folder check/ owns the verbs that only read: the checks of "shruthictl doctor" (this file), and
 * statistics, networks and leases (report.h). Only service/ calls it.
 *
 * polkit says whether polkit answers, which the caller knows.
 *
 * Checks libvirt, QEMU and the host as shruthi's own user, for doctor. Emits lines
 * "check=NAME|STATUS|MESSAGE|FIX" with the statuses ok, warning and failed; FIX is a command or a
 * configuration line, empty if nothing is wrong. '|' in a message is written as '/'. A problem found is not
 * an error of this function. */
int check_host(bool polkit, Error *ret_error);
