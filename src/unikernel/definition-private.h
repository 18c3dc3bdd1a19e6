/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Between definition.c, which knows where definitions are, definition-parse.c, which knows what stands in
 * them, and definition-write.c. */

/* What stands first for NAME: a definition, or a mask. -ENOENT without an Error when there is neither. */
int definition_look(const char *name, char **ret_path, DefinitionOrigin *ret_origin, bool *ret_masked,
                Error *ret_error);

/* Fills definition, whose name, origin, path and dropins are set, from what was read. */
int definition_parse_key_file(
                Definition *definition, const KeyFile *key_file, DefinitionFlags flags, Error *ret_error);
