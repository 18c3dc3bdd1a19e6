/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/unikernel-name.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"

#define NAME_LENGTH_MAX 63

/* The length of the name without the suffix of a twin. */
static size_t name_own_length(const char *name)
{
        return strlen(name) - (g_str_has_suffix(name, NAME_TWIN_SUFFIX) ? strlen(NAME_TWIN_SUFFIX) : 0);
}

bool name_is_valid(const char *name)
{
        size_t length;

        if (!name)
                return false;

        length = name_own_length(name);
        if (length == 0 || length > NAME_LENGTH_MAX)
                return false;
        if (name[0] == '-' || name[length - 1] == '-')
                return false;

        for (size_t i = 0; i < length; i++)
                if (!g_ascii_islower(name[i]) && !g_ascii_isdigit(name[i]) && name[i] != '-')
                        return false;

        return true;
}

bool name_is_twin(const char *name)
{
        return name_is_valid(name) && g_str_has_suffix(name, NAME_TWIN_SUFFIX);
}

char *name_of_twin(const char *name)
{
        return g_strconcat(name, NAME_TWIN_SUFFIX, NULL);
}

char *name_without_twin(const char *name)
{
        return name_is_twin(name) ? g_strndup(name, name_own_length(name)) : g_strdup(name);
}

static int name_refuse(const char *name, Error *ret_error)
{
        g_autofree char *shown = text_for_display(name, 80);

        return error_set(ret_error, ERROR_INVALID_NAME,
                        "'%s' is not a valid unikernel name: use 1 to 63 of a-z, 0-9 and '-', beginning and "
                        "ending with a letter or digit",
                        shown);
}

int name_check(const char *name, Error *ret_error)
{
        return name_is_valid(name) ? 0 : name_refuse(name, ret_error);
}

int name_check_new(const char *name, Error *ret_error)
{
        return name_is_valid(name) && !name_is_twin(name) ? 0 : name_refuse(name, ret_error);
}

char **names_list(const char *path, GError **ret_error)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        g_autoptr(GDir) dir = g_dir_open(path, 0, ret_error);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (name_is_valid(name))
                        g_strv_builder_add(names, name);
        return g_strv_builder_end(names);
}

char *unit_name_for(const char *name)
{
        return g_strconcat(SHRUTHI_UNIT_PREFIX, name, SHRUTHI_UNIT_SUFFIX, NULL);
}

int unit_name_parse(const char *unit, char **ret_name)
{
        g_autofree char *name = NULL;

        if (!unit || !g_str_has_prefix(unit, SHRUTHI_UNIT_PREFIX) ||
                        !g_str_has_suffix(unit, SHRUTHI_UNIT_SUFFIX))
                return -EINVAL;
        if (strlen(unit) < strlen(SHRUTHI_UNIT_PREFIX) + strlen(SHRUTHI_UNIT_SUFFIX))
                return -EINVAL;

        name = g_strndup(unit + strlen(SHRUTHI_UNIT_PREFIX),
                        strlen(unit) - strlen(SHRUTHI_UNIT_PREFIX) - strlen(SHRUTHI_UNIT_SUFFIX));
        if (!name_is_valid(name))
                return -EINVAL;

        *ret_name = g_steal_pointer(&name);
        return 0;
}
