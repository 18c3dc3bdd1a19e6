/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#define HTTP_PATH_MAX 256 /* bytes */

/* Whether path, the path of a URL from its '/' on, has only allowed characters: none that could end a line
 * of HTTP. Pure. */
bool http_path_is_valid(const char *path);
