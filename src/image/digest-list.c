/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SHA256SUMS and its kin. */

#include "image/digest-list.h"

#include <glib.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"

#define HEX_DIGITS 64

/* The name in a line, and its digest; NULL if it is another line, such as a comment. */
static const char *digest_line_parse(char *line, char **ret_digest)
{
        g_autofree char *hex = NULL;
        char *name;

        if (g_str_has_suffix(line, "\r"))
                line[strlen(line) - 1] = 0;
        if (strspn(line, "0123456789abcdefABCDEF") != HEX_DIGITS || line[HEX_DIGITS] != ' ' ||
                        (line[HEX_DIGITS + 1] != ' ' && line[HEX_DIGITS + 1] != '*') ||
                        !line[HEX_DIGITS + 2])
                return NULL;

        hex = g_ascii_strdown(line, HEX_DIGITS);
        *ret_digest = g_strconcat(SHRUTHI_DIGEST_PREFIX, hex, NULL);
        name = strrchr(line, '/');
        return name ? name + 1 : line + HEX_DIGITS + 2;
}

int digest_list_find(const char *data, size_t size, const char *file, char **ret_digest, Error *ret_error)
{
        g_autofree char *text = NULL, *found = NULL, *shown = text_for_display(file, 120);
        g_auto(GStrv) lines = NULL;
        unsigned n = 0;

        if (size == 0 || size > DIGEST_LIST_SIZE_MAX || memchr(data, 0, size))
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "not a list of digests: make it with sha256sum(1)");

        text = g_strndup(data, size);
        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                g_autofree char *digest = NULL;
                const char *name = digest_line_parse(*line, &digest);

                n += name != NULL;
                if (!name || !g_str_equal(name, file))
                        continue;
                if (found && !g_str_equal(found, digest))
                        return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                        "it lists '%s' twice, with different digests: keep one line", shown);
                g_free(found);
                found = g_steal_pointer(&digest);
        }
        if (!found)
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                n > 0 ? "it does not list '%s': add the line that sha256sum(1) writes"
                                      : "it has no line of sha256sum(1), and so none for '%s'",
                                shown);

        *ret_digest = g_steal_pointer(&found);
        return 0;
}
