/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small text helpers that several layers share. Pure: no files, no bus. */

#include "common/string-util.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <string.h>

#include "common/names.h"

#define NAME_LENGTH_MAX 63
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

bool name_is_valid(const char *name)
{
        size_t length;

        if (!name)
                return false;

        length = strlen(name);
        if (length == 0 || length > NAME_LENGTH_MAX)
                return false;
        if (name[0] == '-' || name[length - 1] == '-')
                return false;

        for (const char *p = name; *p; p++)
                if (!g_ascii_islower(*p) && !g_ascii_isdigit(*p) && *p != '-')
                        return false;

        return true;
}

int name_check(const char *name, Error *ret_error)
{
        g_autofree char *shown = NULL;

        if (name_is_valid(name))
                return 0;

        shown = text_for_display(name, 80);
        return error_set(ret_error, ERROR_INVALID_NAME,
                        "'%s' is no name of a unikernel: 1 to 63 of a-z, 0-9 and '-', beginning and ending "
                        "with a letter or digit",
                        shown);
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

int size_parse(const char *text, uint64_t *ret_bytes)
{
        static const char suffixes[] = "KMGT";
        const char *suffix;
        char *end = NULL;
        uint64_t value;
        unsigned shift = 0;

        if (!text || !g_ascii_isdigit(text[0]))
                return -EINVAL;

        errno = 0;
        value = g_ascii_strtoull(text, &end, 10);
        if (errno == ERANGE)
                return -ERANGE;

        if (*end && (suffix = strchr(suffixes, *end))) {
                shift = 10 * (unsigned) (suffix - suffixes + 1);
                end++;
                if (g_str_equal(end, "iB"))
                        end += 2;
        } else if (*end == 'B')
                end++;
        if (*end)
                return -EINVAL;
        if (value > UINT64_MAX >> shift)
                return -ERANGE;

        *ret_bytes = value << shift;
        return 0;
}

char *size_format(uint64_t bytes)
{
        static const char suffixes[] = "BKMGTPE";
        unsigned unit = 0;

        while (unit + 1 < strlen(suffixes) && bytes >> (10 * (unit + 1)))
                unit++;

        uint64_t whole = bytes >> (10 * unit);
        uint64_t tenth = unit == 0 ? 0 : ((bytes >> (10 * (unit - 1))) & 1023) * 10 / 1024;

        if (tenth == 0)
                return g_strdup_printf("%" G_GUINT64_FORMAT "%c", whole, suffixes[unit]);

        return g_strdup_printf(
                        "%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT "%c", whole, tenth, suffixes[unit]);
}

char *size_format_exact(uint64_t bytes)
{
        static const char suffixes[] = "KMGT";
        unsigned unit = 0;

        while (unit < strlen(suffixes) && bytes != 0 && (bytes & 1023) == 0) {
                bytes >>= 10;
                unit++;
        }

        if (unit == 0)
                return g_strdup_printf("%" G_GUINT64_FORMAT, bytes);

        return g_strdup_printf("%" G_GUINT64_FORMAT "%c", bytes, suffixes[unit - 1]);
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

bool path_is_normalized(const char *path)
{
        g_auto(GStrv) components = NULL;

        if (path[0] != '/' || path[1] == 0 || strlen(path) >= PATH_MAX)
                return false;

        components = g_strsplit(path + 1, "/", -1);
        for (char **component = components; *component; component++)
                if (**component == 0 || g_str_equal(*component, ".") || g_str_equal(*component, ".."))
                        return false;

        return true;
}

bool digest_is_valid(const char *digest)
{
        if (!digest || !g_str_has_prefix(digest, SHRUTHI_DIGEST_PREFIX))
                return false;

        digest += strlen(SHRUTHI_DIGEST_PREFIX);
        return strlen(digest) == DIGEST_HEX_LENGTH &&
               strspn(digest, "0123456789abcdef") == DIGEST_HEX_LENGTH;
}
