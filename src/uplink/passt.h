/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "uplink/protocol.h"

/* passt(1), which is to the guest a router, with the rights of an ordinary program. Called by main() and
 * relay.c. */

#define PASST_FD 3 /* the number that its socket has there */

/* Its words, ended by NULL. alone: the host has no way out, and the guest is to reach the host's ports
 * alone; passt does that by itself from 2024 on. Free with g_strfreev(). Pure. */
char **passt_command(const char *program, const UplinkRequest *request, bool alone);

/* Why it gave up, of all that it said, for display: the last line, and where that names the consequence only
 * (from 2026 on), the first one that names what failed. Free with g_free(). Pure. */
char *passt_find_reason(const char *messages);

/* Starts it. Once this returns it has the ports that the request publishes, and ends when *ret_fd is closed:
 * a stream on which each frame stands behind its length, four bytes in network order. FAILED, NOT_SUPPORTED
 * if it is not installed. */
int passt_start(const UplinkRequest *request, int *ret_fd, Error *ret_error);
