/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where definitions are: three directories in order of precedence, and the drop-ins of all three. */

#include "unikernel/definition.h"

#include <string.h>
#include <sys/stat.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "unikernel/definition-private.h"

void definition_free(Definition *definition)
{
        if (!definition)
                return;

        g_free(definition->name);
        g_free(definition->path);
        g_strfreev(definition->dropins);
        settings_clear_fields(SECTION_UNIKERNEL, definition);
        g_clear_pointer(&definition->devices, g_ptr_array_unref);
        g_clear_pointer(&definition->overrides, g_ptr_array_unref);
        g_free(definition);
}

/* In order of precedence. */
static const char *definition_origin_dir(DefinitionOrigin origin)
{
        switch (origin) {
        case DEFINITION_ORIGIN_CONFIG:
                return paths_config_definitions();
        case DEFINITION_ORIGIN_STATE:
                return paths_state_definitions();
        default:
                return paths_vendor_definitions();
        }
}

int definition_look(const char *name, char **ret_path, DefinitionOrigin *ret_origin, bool *ret_masked,
                Error *ret_error)
{
        int r;

        r = name_check(name, ret_error);
        if (r < 0)
                return r;

        for (DefinitionOrigin origin = 0; origin < _DEFINITION_ORIGIN_MAX; origin++) {
                g_autofree char *path = g_strdup_printf(
                                "%s/%s%s", definition_origin_dir(origin), name, SHRUTHI_DEFINITION_SUFFIX);
                struct stat st;

                if (lstat(path, &st) < 0) {
                        if (errno == ENOENT)
                                continue;
                        return error_set_errno(ret_error, errno, "Cannot look for %s", path);
                }

                *ret_masked = file_is_masked(path);
                *ret_path = g_steal_pointer(&path);
                *ret_origin = origin;
                return 0;
        }

        return -ENOENT;
}

int definition_find(const char *name, char **ret_path, DefinitionOrigin *ret_origin, Error *ret_error)
{
        g_autofree char *path = NULL;
        DefinitionOrigin origin;
        bool masked = false;
        int r;

        r = definition_look(name, &path, &origin, &masked, ret_error);
        if (r == -ENOENT)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL, "there is no unikernel '%s'", name);
        if (r < 0)
                return r;
        if (masked)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                                "unikernel '%s' is masked: %s is a link to /dev/null", name, path);

        *ret_path = g_steal_pointer(&path);
        *ret_origin = origin;
        return 0;
}

static char **definition_list_dropins(const char *name)
{
        const char *dirs[_DEFINITION_ORIGIN_MAX + 1] = {0};
        char **dropins;

        for (DefinitionOrigin origin = 0; origin < _DEFINITION_ORIGIN_MAX; origin++)
                dirs[origin] = g_strdup_printf(
                                "%s/%s%s.d", definition_origin_dir(origin), name, SHRUTHI_DEFINITION_SUFFIX);
        dropins = key_file_list_dropins(dirs);
        for (DefinitionOrigin origin = 0; origin < _DEFINITION_ORIGIN_MAX; origin++)
                g_free((char *)dirs[origin]);

        return dropins;
}

/* A file that was there a moment ago and cannot be opened now is a dangling link, or was just removed. */
static int definition_add_file(KeyFile *key_file, const char *path, Error *ret_error)
{
        int r = key_file_add_path(key_file, path, ret_error);

        if (r == -ENOENT)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s: the target of the link does not exist", path);
        return r;
}

int definition_load_full(
                const char *name, DefinitionFlags flags, Definition **ret_definition, Error *ret_error)
{
        g_autoptr(Definition) definition = g_new0(Definition, 1);
        g_autoptr(KeyFile) key_file = key_file_new();
        int r;

        key_file_set_lists(key_file, definition_lists);
        r = definition_find(name, &definition->path, &definition->origin, ret_error);
        if (r < 0)
                return r;
        definition->name = g_strdup(name);
        definition->dropins = definition_list_dropins(name);

        r = definition_add_file(key_file, definition->path, ret_error);
        for (char **dropin = definition->dropins; r >= 0 && *dropin; dropin++)
                r = definition_add_file(key_file, *dropin, ret_error);
        if (r < 0)
                return r;

        r = definition_parse_key_file(definition, key_file, flags, ret_error);
        if (r < 0)
                return r;

        *ret_definition = g_steal_pointer(&definition);
        return 0;
}

int definition_load(const char *name, Definition **ret_definition, Error *ret_error)
{
        return definition_load_full(name, 0, ret_definition, ret_error);
}

int definition_load_file(
                const char *path, DefinitionFlags flags, Definition **ret_definition, Error *ret_error)
{
        g_autofree char *base = g_path_get_basename(path), *dir = g_strconcat(path, ".d", NULL);
        const char *dirs[] = {dir, NULL};
        g_autoptr(Definition) definition = g_new0(Definition, 1);
        g_autoptr(KeyFile) key_file = key_file_new();
        int r;

        if (!g_str_has_suffix(base, SHRUTHI_DEFINITION_SUFFIX))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s: the file name of a definition must be NAME" SHRUTHI_DEFINITION_SUFFIX,
                                path);
        base[strlen(base) - strlen(SHRUTHI_DEFINITION_SUFFIX)] = 0;
        r = name_check(base, ret_error);
        if (r < 0)
                return r;

        key_file_set_lists(key_file, definition_lists);
        definition->name = g_steal_pointer(&base);
        definition->origin = DEFINITION_ORIGIN_CONFIG;
        definition->path = g_strdup(path);
        definition->dropins = key_file_list_dropins(dirs);
        r = key_file_add_path(key_file, path, ret_error);
        if (r == -ENOENT)
                return error_set_errno(ret_error, r, "Cannot read %s", path);
        for (char **dropin = definition->dropins; r >= 0 && *dropin; dropin++)
                r = definition_add_file(key_file, *dropin, ret_error);
        if (r >= 0)
                r = definition_parse_key_file(definition, key_file, flags, ret_error);
        if (r < 0)
                return r;

        *ret_definition = g_steal_pointer(&definition);
        return 0;
}

int definition_parse(const char *name, const char *path, const char *text, size_t size,
                Definition **ret_definition, Error *ret_error)
{
        g_autoptr(Definition) definition = g_new0(Definition, 1);
        g_autoptr(KeyFile) key_file = key_file_new();
        int r;

        key_file_set_lists(key_file, definition_lists);
        r = name_check(name, ret_error);
        if (r < 0)
                return r;
        definition->name = g_strdup(name);
        definition->origin = DEFINITION_ORIGIN_STATE;
        definition->path = g_strdup(path);
        definition->dropins = g_new0(char *, 1);

        r = key_file_add(key_file, path, text, size, ret_error);
        if (r < 0)
                return r;
        r = definition_parse_key_file(definition, key_file, 0, ret_error);
        if (r < 0)
                return r;

        *ret_definition = g_steal_pointer(&definition);
        return 0;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int definition_list_names(char ***ret_names, Error *ret_error)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        for (DefinitionOrigin origin = 0; origin < _DEFINITION_ORIGIN_MAX; origin++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GDir) dir = g_dir_open(definition_origin_dir(origin), 0, &error);
                const char *file;

                if (!dir && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                        return error_set(ret_error, ERROR_FAILED, "Cannot list %s: %s",
                                        definition_origin_dir(origin), error->message);

                while (dir && (file = g_dir_read_name(dir))) {
                        g_autofree char *name = NULL, *path = NULL;

                        if (!g_str_has_suffix(file, SHRUTHI_DEFINITION_SUFFIX))
                                continue;
                        name = g_strndup(file, strlen(file) - strlen(SHRUTHI_DEFINITION_SUFFIX));
                        if (!name_is_valid(name) || !g_hash_table_add(seen, g_strdup(name)))
                                continue;

                        /* A mask counts as seen: it hides those of lower precedence. */
                        path = g_build_filename(definition_origin_dir(origin), file, NULL);
                        if (!file_is_masked(path))
                                g_ptr_array_add(names, g_steal_pointer(&name));
                }
        }

        g_ptr_array_sort(names, compare_names);
        g_ptr_array_add(names, NULL);
        *ret_names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
        return 0;
}

int definition_load_all(GPtrArray **ret_definitions, char **ret_broken, Error *ret_error)
{
        g_autoptr(GPtrArray) definitions =
                        g_ptr_array_new_with_free_func(definition_destroy);
        const char *broken = NULL;
        g_auto(GStrv) names = NULL;
        int r;

        r = definition_list_names(&names, ret_error);
        if (r < 0)
                return r;

        for (char **name = names; *name; name++) {
                Definition *definition = NULL;

                if (definition_load_full(*name, DEFINITION_IGNORE_USERS, &definition, NULL) >= 0)
                        g_ptr_array_add(definitions, definition);
                else if (!broken)
                        broken = *name;
        }

        if (ret_broken)
                *ret_broken = g_strdup(broken);
        *ret_definitions = g_steal_pointer(&definitions);
        return 0;
}
