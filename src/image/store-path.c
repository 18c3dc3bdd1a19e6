/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What stored images are called. Apart from the rest of the store, for those who only read one. */

#include <glib.h>
#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "image/store-private.h"

const char *store_file_name(const char *digest)
{
        return digest + strlen(SHRUTHI_DIGEST_PREFIX);
}

char *store_path(const char *digest)
{
        return digest_is_valid(digest) ? g_build_filename(paths_images(), store_file_name(digest), NULL)
                                       : NULL;
}
