/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "seal/protocol.h"
#include "seal/secret.h"

/* Credentials at rest: /etc/credstore.encrypted/shruthi.NAME, a unikernel's archive sealed by systemd-creds,
 * which systemd itself unseals for unikernel@NAME.service. For each, a file NAME in our own directory has
 * the digest of that file and the names of its keys, so that they can be listed without unsealing; it exists
 * as long as there may be anything of that unikernel's.
 *
 * Of a user's own unikernels both are in the state folder, and the archive is as it is (seal/plain.h). */

/* Carries out the request. content is what the caller passed (NULL for verbs that take none), client the
 * connection: if the client hangs up before the result is written, nothing is changed. One request at a time
 * for one name. */
int store_do(const SealRequest *request, const Secret *content, int client, char ***ret_keys,
                Error *ret_error);
