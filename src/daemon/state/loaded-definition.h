/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "unikernel/definition.h"

/* What the registry found. definition and problem are never both set; if neither is, there is no definition
 * (any more). */
typedef struct LoadedDefinition {
        Definition *definition;
        char *problem;    /* why it is broken, with file and line */
        uint64_t generation; /* which of the kept texts it is; 0: none, as before its first change */
        bool process;        /* its image becomes a process; false if that is not in the store */
        char *owner_name; /* resolved where it may block; the number as text if the user has no name */
        char *group_name; /* "" if none */
} LoadedDefinition;

void loaded_definition_clear(LoadedDefinition *loaded);
bool loaded_definition_equal(const LoadedDefinition *a, const LoadedDefinition *b);

/* Reads the definition of name, where it may block. Never fails: the result may be empty or broken.
 * processes remembers between such calls which images become processes: digest → 0 or 1. */
void loaded_definition_read(LoadedDefinition *ret_loaded, const char *name, GHashTable *processes);
