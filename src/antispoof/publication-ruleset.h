/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "antispoof/protocol.h"

/* The table that publishes ports, as commands for nft(8). Pure. */

#define PUBLICATION_TABLE "shruthi_publish"

/* What a packet of a published port bears while the rules of others for what is forwarded look at it, and at
 * no other time: see forward.h. */
#define PUBLICATION_MARK "0x53485255"

/* Appends the table made anew with all publications (AntispoofPublication), in one transaction; or, where
 * there are none, that it is deleted. Those on standby get no new connections, and keep theirs. */
void publication_ruleset_append(GString *commands, const GPtrArray *publications);

/* The same, where there are some, of a table that is there: its chains stay. Fails where it is not. */
void publication_ruleset_append_again(GString *commands, const GPtrArray *publications);
