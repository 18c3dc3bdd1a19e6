/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions made through the bus: written to and removed from /var/lib only. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "unikernel/definition-private.h"

static char *definition_file_name(const char *name)
{
        return g_strconcat(name, SHRUTHI_DEFINITION_SUFFIX, NULL);
}

/* A definition that is being removed, while other things are removed with it. Readers of definitions do not
 * see it. */
#define RETIRED_SUFFIX SHRUTHI_DEFINITION_SUFFIX ".removed"

static char *definition_retired_name(const char *name)
{
        return g_strconcat(".", name, RETIRED_SUFFIX, NULL);
}

static int definition_refuse_foreign(const char *name, const char *path, Error *ret_error)
{
        return error_set(ret_error, ERROR_NOT_MANAGED,
                        "unikernel '%s' is defined in %s, which belongs to the administrator; change or "
                        "remove that file",
                        name, path);
}

int definition_write(const char *name, const char *text, bool exclusive, Error *ret_error)
{
        g_autofree char *path = NULL, *file = NULL;
        DefinitionOrigin origin;
        bool masked = false;
        int r;

        r = definition_look(name, &path, &origin, &masked, ret_error);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r >= 0 && masked && origin <= DEFINITION_ORIGIN_STATE)
                return error_set(ret_error, ERROR_NOT_MANAGED,
                                "unikernel '%s' is masked by the administrator: %s is a link to /dev/null",
                                name, path);
        if (r >= 0 && !masked && exclusive)
                return error_set(ret_error, ERROR_UNIKERNEL_EXISTS, "unikernel '%s' already exists, in %s",
                                name, path);
        if (r >= 0 && origin == DEFINITION_ORIGIN_CONFIG)
                return definition_refuse_foreign(name, path, ret_error);

        file = definition_file_name(name);
        r = exclusive ? file_create(paths_state_definitions(), file, text, strlen(text), 0640)
                      : file_replace(paths_state_definitions(), file, text, strlen(text), 0640);
        if (r == -EEXIST)
                return error_set(ret_error, ERROR_UNIKERNEL_EXISTS, "unikernel '%s' already exists", name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write %s/%s", paths_state_definitions(), file);

        return 0;
}

static int definition_remove_dropins(const char *name, Error *ret_error)
{
        g_autofree char *path = g_strdup_printf(
                        "%s/%s%s.d", paths_state_definitions(), name, SHRUTHI_DEFINITION_SUFFIX);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *file;
        int r;

        while (dir && (file = g_dir_read_name(dir))) {
                g_autofree char *dropin = g_build_filename(path, file, NULL);

                if (unlink(dropin) < 0 && errno != ENOENT)
                        return error_set_errno(ret_error, errno, "Cannot remove %s", dropin);
        }
        if (rmdir(path) < 0)
                return errno == ENOENT ? 0 : error_set_errno(ret_error, errno, "Cannot remove %s", path);

        r = directory_sync(paths_state_definitions());
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s to disk", paths_state_definitions())
                     : 0;
}

/* Renames a definition to its retired name, or back. */
static int definition_move(const char *name, bool back)
{
        g_autofree char *file = definition_file_name(name), *retired = definition_retired_name(name);
        g_autofree char *from = g_build_filename(paths_state_definitions(), back ? retired : file, NULL);
        g_autofree char *to = g_build_filename(paths_state_definitions(), back ? file : retired, NULL);

        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, back ? RENAME_NOREPLACE : 0) < 0)
                return -errno;

        return directory_sync(paths_state_definitions());
}

int definition_retire(const char *name, Error *ret_error)
{
        g_autofree char *path = NULL;
        DefinitionOrigin origin;
        int r;

        r = definition_find(name, &path, &origin, ret_error);
        if (r < 0)
                return r;
        if (origin != DEFINITION_ORIGIN_STATE)
                return definition_refuse_foreign(name, path, ret_error);

        r = definition_move(name, false);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot remove %s", path) : 0;
}

int definition_restore(const char *name, Error *ret_error)
{
        int r = definition_move(name, true);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot restore the definition of '%s'", name) : 0;
}

int definition_forget_retired(const char *name, Error *ret_error)
{
        g_autofree char *retired = definition_retired_name(name);
        int r;

        r = definition_remove_dropins(name, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s/%s" SHRUTHI_DEFINITION_SUFFIX " was removed, but",
                                paths_state_definitions(), name);
                return r;
        }

        r = file_remove(paths_state_definitions(), retired);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot remove %s/%s", paths_state_definitions(),
                                       retired)
                     : 0;
}

char **definition_list_retired(void)
{
        g_autoptr(GDir) dir = g_dir_open(paths_state_definitions(), 0, NULL);
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        const char *file;

        while (dir && (file = g_dir_read_name(dir)))
                if (file[0] == '.' && g_str_has_suffix(file, RETIRED_SUFFIX)) {
                        g_autofree char *name =
                                        g_strndup(file + 1, strlen(file + 1) - strlen(RETIRED_SUFFIX));

                        if (name_is_valid(name))
                                g_strv_builder_add(names, name);
                }

        return g_strv_builder_end(names);
}

int definition_remove(const char *name, Error *ret_error)
{
        int r = definition_retire(name, ret_error);

        return r < 0 ? r : definition_forget_retired(name, ret_error);
}

void definitions_tidy(void)
{
        file_remove_remains(AT_FDCWD, paths_state_definitions(), NULL);
}
