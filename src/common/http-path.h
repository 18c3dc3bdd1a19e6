/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#define HTTP_PATH_MAX 256 /* bytes */

/* What a URL's path may be made of, from its '/' on: nothing that could end a line of HTTP. Pure. */
bool http_path_is_valid(const char *path);
