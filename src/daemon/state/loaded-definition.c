/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A definition as shruthid knows it, read from its files. */

#include "daemon/state/loaded-definition.h"

#include <fcntl.h>

#include "common/io.h"
#include "common/users.h"
#include "image/inspect.h"
#include "image/store.h"
#include "unikernel/generation.h"

/* Of that many images it is remembered whether they become processes. */
#define PROCESSES_MAX 4096

void loaded_definition_clear(LoadedDefinition *loaded)
{
        definition_free(loaded->definition);
        g_free(loaded->problem);
        g_free(loaded->owner_name);
        g_free(loaded->group_name);
        *loaded = (LoadedDefinition){};
}

bool loaded_definition_equal(const LoadedDefinition *a, const LoadedDefinition *b)
{
        g_autofree char *x = a->definition ? definition_format(a->definition) : NULL,
                        *y = b->definition ? definition_format(b->definition) : NULL;

        return g_strcmp0(x, y) == 0 && g_strcmp0(a->problem, b->problem) == 0;
}

/* Those of administrators have none. */
static uint64_t loaded_definition_find_generation(const Definition *definition)
{
        g_autofree char *text = NULL;

        if (definition->origin == DEFINITION_ORIGIN_CONFIG ||
                        file_read_at(AT_FDCWD, definition->path, DEFINITION_SIZE_MAX, &text, NULL) < 0)
                return 0;

        return generation_find_current(definition->name, text);
}

/* What is in the file of an image never changes, and many definitions share one. An image that is named by
 * path may be another one at the next start. */
static bool loaded_definition_find_process(GHashTable *processes, const Definition *definition)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_close_ int fd = -EBADF;
        gpointer known;
        bool process;

        if (definition->image[0] == '/')
                return false;
        if (g_hash_table_lookup_extended(processes, definition->image, NULL, &known))
                return GPOINTER_TO_INT(known);
        if (store_open(definition->image, &fd, NULL) < 0 ||
                        image_inspect(fd, definition->architecture, &info, NULL) < 0)
                return false;

        process = info->boot == IMAGE_BOOT_PROCESS;
        if (g_hash_table_size(processes) >= PROCESSES_MAX)
                g_hash_table_remove_all(processes);
        g_hash_table_insert(processes, g_strdup(definition->image), GINT_TO_POINTER(process));
        return process;
}

void loaded_definition_read(LoadedDefinition *ret_loaded, const char *name, GHashTable *processes)
{
        _cleanup_error_ Error error = ERROR_INIT;
        LoadedDefinition loaded = {};
        int r;

        r = definition_load(name, &loaded.definition, &error);
        if (r >= 0) {
                loaded.owner_name = user_name(loaded.definition->owner);
                loaded.group_name = loaded.definition->group == GID_INVALID
                                                    ? g_strdup("")
                                                    : group_name(loaded.definition->group);
                loaded.generation = loaded_definition_find_generation(loaded.definition);
                loaded.process = loaded_definition_find_process(processes, loaded.definition);
        } else if (!error.message ||
                        (error.code != ERROR_NO_SUCH_UNIKERNEL && error.code != ERROR_INVALID_NAME))
                loaded.problem = g_strdup(error_message(&error, r));

        *ret_loaded = loaded;
}
