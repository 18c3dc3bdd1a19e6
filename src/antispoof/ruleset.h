/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "antispoof/protocol.h"

/* The commands for nft(8) that filter what comes from interfaces. Each text is one transaction, which the
 * kernel takes whole or not at all. Pure. */

/* What all of the tables are called. */
#define RULESET_NAME "shruthi"

/* Appends the tables with their rules, made anew, without any interface in them. Tables of these names that
 * there are are deleted. */
void ruleset_append_tables(GString *commands);

/* Appends that an interface is filtered; nothing changes where it is already. The tables must be there. */
void ruleset_append_filter(GString *commands, const AntispoofFilter *filter);

/* Appends that it is no longer; nothing changes where it is not. The tables must be there. */
void ruleset_append_removal(GString *commands, const AntispoofFilter *filter);

/* Appends what changes nothing, and fails where one of the tables is not there. */
void ruleset_append_test(GString *commands);
