/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "seal/protocol.h"
#include "seal/secret.h"

/* Credentials at rest: /etc/credstore.encrypted/shruthi.NAME, a unikernel's archive as systemd-creds seals
 * it, which systemd itself unseals for unikernel@NAME.service. Beside it, in our own directory, NAME: the
 * digest of that file and the names of its keys, so that they are listed without unsealing; as long as there
 * may be anything of a unikernel's, there is that file. */

/* Does what is asked. content is what the caller handed over (NULL for verbs that take none), client the
 * connection: who hangs up before it is written has asked for nothing. One at a time for one name. */
int store_do(const SealRequest *request, const Secret *content, int client, char ***ret_keys,
                Error *ret_error);
