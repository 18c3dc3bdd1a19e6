/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/error.h"
#include "link/rules.h"

/* The file by which a network's process goes on after one that was killed: a line with the name of the
 * bridge, then the rules as a client has sent them. It is named as the network. */

/* text NULL: no rules. */
int rules_file_write(
                const char *directory, const char *name, const char *bridge, const char *text, size_t size);

/* Reads it; *ret_rules are direct where they cannot be read. ret_rules may be NULL. */
int rules_file_read(const char *directory, const char *name, char **ret_bridge, Rules **ret_rules);

void rules_file_remove(const char *directory, const char *name);
