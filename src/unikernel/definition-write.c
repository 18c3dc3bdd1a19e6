/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions that are made through the bus: written and removed, in /var/lib only. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "unikernel/definition-private.h"

static char *file_name(const char *name)
{
        return g_strconcat(name, SHRUTHI_DEFINITION_SUFFIX, NULL);
}

static int refuse_foreign(const char *name, const char *path, Error *ret_error)
{
        return error_set(ret_error, ERROR_NOT_MANAGED,
                        "unikernel '%s' is defined in %s, which is left to its administrator: change or "
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
                return error_set(ret_error, ERROR_UNIKERNEL_EXISTS,
                                "there is a unikernel '%s' already, in %s", name, path);
        if (r >= 0 && origin == DEFINITION_ORIGIN_CONFIG)
                return refuse_foreign(name, path, ret_error);

        file = file_name(name);
        r = exclusive ? file_create(paths_state_definitions(), file, text, strlen(text), 0640)
                      : file_replace(paths_state_definitions(), file, text, strlen(text), 0640);
        if (r == -EEXIST)
                return error_set(ret_error, ERROR_UNIKERNEL_EXISTS, "there is a unikernel '%s' already",
                                name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write %s/%s", paths_state_definitions(), file);

        return 0;
}

static int remove_dropins(const char *name, Error *ret_error)
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
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s to disk", paths_state_definitions()) : 0;
}

int definition_remove(const char *name, Error *ret_error)
{
        g_autofree char *path = NULL, *file = NULL;
        DefinitionOrigin origin;
        int r;

        r = definition_find(name, &path, &origin, ret_error);
        if (r < 0)
                return r;
        if (origin != DEFINITION_ORIGIN_STATE)
                return refuse_foreign(name, path, ret_error);

        /* The drop-ins last: were they gone and the file still there after a crash, the unikernel could do
         * what one of them had kept from it. */
        file = file_name(name);
        r = file_remove(paths_state_definitions(), file);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot remove %s", path);

        r = remove_dropins(name, ret_error);
        if (r < 0)
                error_prefix(ret_error, "%s is removed, but", path);

        return r;
}

void definitions_tidy(void)
{
        file_remove_remains(AT_FDCWD, paths_state_definitions(), NULL);
}
