/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/http-path.h"

#include <glib.h>
#include <string.h>

bool http_path_is_valid(const char *path)
{
        if (path[0] != '/' || strlen(path) > HTTP_PATH_MAX)
                return false;
        for (const char *p = path; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("#\"<>\\^`{|}", *p))
                        return false;

        return true;
}
