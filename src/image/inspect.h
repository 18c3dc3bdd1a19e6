/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/source.h"

/* What image_inspect() does with its file, for any source of bytes and as if on a host of that machine
 * (uname -m). */
int image_inspect_source(Source *source, const char *machine, ImageArchitecture asked, ImageInfo **ret_info,
                Error *ret_error);
