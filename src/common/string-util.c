/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/string-util.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "common/names.h"

#define DIGEST_HEX_LENGTH 64

int string_table_lookup(const char *const *table, size_t n, const char *text)
{
        if (!text)
                return -EINVAL;

        for (size_t i = 0; i < n; i++)
                if (g_strcmp0(table[i], text) == 0)
                        return (int) i;

        return -EINVAL;
}

int boolean_parse(const char *text, bool *ret)
{
        static const char *const yes[] = {"yes", "true", "on", "1", "y", "t"};
        static const char *const no[] = {"no", "false", "off", "0", "n", "f"};

        if (!text)
                return -EINVAL;

        for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
                if (g_ascii_strcasecmp(text, yes[i]) == 0) {
                        *ret = true;
                        return 0;
                }
                if (g_ascii_strcasecmp(text, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }
        }

        return -EINVAL;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
        return g_ascii_string_to_unsigned(text, 10, min, max, ret, NULL) ? 0 : -EBADMSG;
}

char *text_for_display(const char *text, size_t max_length)
{
        g_autoptr(GString) out = g_string_new(NULL);
        const char *p = text ?: "";
        size_t n = 0;

        while (*p) {
                gunichar c = g_utf8_get_char_validated(p, -1);
                bool valid = c != (gunichar) -1 && c != (gunichar) -2;

                if (n++ >= max_length) {
                        g_string_append(out, "…");
                        break;
                }
                if (valid && g_unichar_isprint(c)) {
                        g_string_append_unichar(out, c);
                        p = g_utf8_next_char(p);
                } else {
                        g_string_append_printf(out, "\\x%02x", (unsigned char) *p);
                        p++;
                }
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

bool digest_is_valid(const char *digest)
{
        if (!digest || !g_str_has_prefix(digest, SHRUTHI_DIGEST_PREFIX))
                return false;

        digest += strlen(SHRUTHI_DIGEST_PREFIX);
        return strlen(digest) == DIGEST_HEX_LENGTH &&
               strspn(digest, "0123456789abcdef") == DIGEST_HEX_LENGTH;
}
