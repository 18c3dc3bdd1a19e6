/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking up users and groups, with buffers that grow as getpwnam_r(3) and its kin ask for. */

#include "common/users.h"

#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/string-util.h"

#define BUFFER_SIZE_MIN 1024
#define BUFFER_SIZE_MAX (1024 * 1024)

int user_number_parse(const char *text, uint32_t *ret)
{
        guint64 value;

        if (!g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX - 1, &value, NULL) || value == UINT16_MAX)
                return -EINVAL;

        *ret = (uint32_t) value;
        return 0;
}

/* As in a user namespace of the user's own. */
uid_t user_number_here(uid_t uid)
{
        return paths_are_of_user() && uid == getuid() ? 0 : uid;
}

uid_t user_number_outside(uid_t uid)
{
        return paths_are_of_user() && uid == 0 ? getuid() : uid;
}

static int find(const char *name, bool group, uint32_t *ret_id)
{
        for (size_t size = BUFFER_SIZE_MIN; size <= BUFFER_SIZE_MAX; size *= 4) {
                g_autofree char *buffer = g_malloc(size);
                struct passwd passwd, *found_user = NULL;
                struct group grp, *found_group = NULL;
                int error;

                error = group ? getgrnam_r(name, &grp, buffer, size, &found_group)
                              : getpwnam_r(name, &passwd, buffer, size, &found_user);
                if (error == ERANGE)
                        continue;
                if (!found_user && !found_group)
                        return error == 0 || error == ENOENT ? -ESRCH : -error;

                *ret_id = group ? grp.gr_gid : user_number_here(passwd.pw_uid);
                return 0;
        }

        return -ENOBUFS;
}

int user_find(const char *name, uid_t *ret_uid)
{
        return find(name, false, ret_uid);
}

int group_find(const char *name, gid_t *ret_gid)
{
        return find(name, true, ret_gid);
}

static int parse(const char *what, const char *text, bool group, uint32_t *ret_id, Error *ret_error)
{
        const char *kind = group ? "group" : "user";
        g_autofree char *shown = text_for_display(text, 80);
        int r;

        if (user_number_parse(text, ret_id) >= 0) {
                *ret_id = group ? *ret_id : user_number_here(*ret_id);
                return 0;
        }
        if (!*text || *text == '-' || strspn(text, "0123456789") == strlen(text))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s: '%s' is neither the name nor the number of a %s", what, shown, kind);

        r = find(text, group, ret_id);
        if (r == -ESRCH)
                return error_set(ret_error, ERROR_INVALID_ARGS, "%s: there is no %s '%s' on this host", what,
                                kind, shown);
        if (r < 0)
                return error_set_errno(ret_error, r, "%s: cannot look up the %s '%s'", what, kind, shown);

        return 0;
}

int user_parse(const char *what, const char *text, uid_t *ret_uid, Error *ret_error)
{
        return parse(what, text, false, ret_uid, ret_error);
}

int group_parse(const char *what, const char *text, gid_t *ret_gid, Error *ret_error)
{
        return parse(what, text, true, ret_gid, ret_error);
}

char *user_name(uid_t uid)
{
        uid = user_number_outside(uid);
        for (size_t size = BUFFER_SIZE_MIN; size <= BUFFER_SIZE_MAX; size *= 4) {
                g_autofree char *buffer = g_malloc(size);
                struct passwd record, *found = NULL;
                int error = getpwuid_r(uid, &record, buffer, size, &found);

                if (found)
                        return g_strdup(record.pw_name);
                if (error != ERANGE)
                        break;
        }

        return g_strdup_printf("%u", (unsigned) uid);
}

char *group_name(gid_t gid)
{
        for (size_t size = BUFFER_SIZE_MIN; size <= BUFFER_SIZE_MAX; size *= 4) {
                g_autofree char *buffer = g_malloc(size);
                struct group record, *found = NULL;
                int error = getgrgid_r(gid, &record, buffer, size, &found);

                if (found)
                        return g_strdup(record.gr_name);
                if (error != ERANGE)
                        break;
        }

        return g_strdup_printf("%u", (unsigned) gid);
}
