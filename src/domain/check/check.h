/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* The folder check/ owns the verbs that only read: what "shruthictl doctor" asks of this host (this file),
 * and statistics, networks and leases as they are (report.h). service/ alone calls it.
 *
 * polkit: whether it answers, which the caller knows.
 *
 * What doctor asks of libvirt, QEMU and the host, seen by shruthi's own user: lines
 * "check=NAME|STATUS|MESSAGE|FIX" with the statuses ok, warning and failed; FIX is a command or a line to
 * write, empty where nothing is wrong. '|' in a message is written '/'. Finding something wrong is no
 * failure of the check. */
int check_host(bool polkit, Error *ret_error);
