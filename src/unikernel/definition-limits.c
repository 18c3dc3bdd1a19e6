/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of [Unikernel] that limit what the guest uses, in the terms of systemd.resource-control(5). They
 * accept what systemd does except for what it would expand, or read as an escape, and for percentages of the
 * host's memory. */

#include <string.h>

#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "unikernel/definition-private.h"

#define WEIGHT_MAX       10000
#define QUOTA_MAX        100000 /* percent: a thousand processors */
#define PROCESSOR_MAX    8191   /* CPU_SET_MAX of systemd */
#define PROCESSORS_SIZE  1024
#define MEMORY_LIMIT_MIN (UINT64_C(1) << 20)
#define MEMORY_LIMIT_MAX (UINT64_C(1) << 45) /* twice what a guest can have */
#define IO_LIMIT_MAX     UINT64_C(1000000000000000)

int definition_parse_weight(DefinitionParser *parser, const KeyFileEntry *entry)
{
        bool idle = parser->setting == &setting_table[SETTING_CPU_WEIGHT];
        guint64 weight;

        if (!(idle && g_str_equal(entry->value, "idle")) &&
                        !g_ascii_string_to_unsigned(entry->value, 10, 1, WEIGHT_MAX, &weight, NULL))
                return key_file_refuse(entry, parser->ret_error, "not a number from 1 to %d%s", WEIGHT_MAX,
                                idle ? ", or idle" : "");

        return definition_put_text(parser, entry);
}

/* "20%", "12.5%", "250%": at most two digits behind the point, as in systemd. */
static bool quota_is_valid(const char *text)
{
        size_t whole = strspn(text, G_CSET_DIGITS), part = 0;
        const char *p = text + whole;

        if (whole == 0 || whole > 6)
                return false;
        if (*p == '.') {
                part = strspn(p + 1, G_CSET_DIGITS);
                if (part == 0 || part > 2)
                        return false;
                p += 1 + part;
        }

        return g_str_equal(p, "%") && strspn(text, "0.%") < strlen(text) &&
               g_ascii_strtod(text, NULL) <= QUOTA_MAX;
}

int definition_parse_quota(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (!quota_is_valid(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "not a share of one processor's time: write a number from 0.01%% to %d%%, "
                                "such as 20%%, or 200%% for two processors",
                                QUOTA_MAX);

        return definition_put_text(parser, entry);
}

static bool processors_are_valid(const char *word)
{
        g_auto(GStrv) ends = g_strsplit(word, "-", 2);
        guint64 first, last;

        if (!g_ascii_string_to_unsigned(ends[0], 10, 0, PROCESSOR_MAX, &first, NULL))
                return false;

        return !ends[1] || g_ascii_string_to_unsigned(ends[1], 10, first, PROCESSOR_MAX, &last, NULL);
}

static int processors_refuse_word(
                const DefinitionParser *parser, const KeyFileEntry *entry, const char *word)
{
        g_autofree char *shown = text_for_display(word, 80);

        return key_file_refuse(entry, parser->ret_error,
                        "'%s' is neither the number of a processor nor a range of numbers, such as 0-3,6",
                        shown);
}

int definition_parse_processors(DefinitionParser *parser, const KeyFileEntry *entry)
{
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t,", -1);
        bool any = false;

        if (strlen(entry->value) > PROCESSORS_SIZE)
                return key_file_refuse(entry, parser->ret_error, "too long: write ranges, at most %d bytes",
                                PROCESSORS_SIZE);
        for (char **word = words; *word; word++) {
                if (**word == 0)
                        continue;
                if (!processors_are_valid(*word))
                        return processors_refuse_word(parser, entry, *word);
                any = true;
        }
        if (!any)
                return key_file_refuse(entry, parser->ret_error,
                                "no processor: write their numbers, such as 0-3,6");

        return definition_put_text(parser, entry);
}

int definition_parse_memory_limit(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t bytes = 0;
        int r = size_parse(entry->value, &bytes);

        if (r < 0 && r != -ERANGE)
                return key_file_refuse(entry, parser->ret_error,
                                "not a size: write a whole number and K, M, G or T (base 1024), such as "
                                "64M");
        if (r < 0 || bytes < MEMORY_LIMIT_MIN || bytes > MEMORY_LIMIT_MAX)
                return key_file_refuse(entry, parser->ret_error,
                                "out of range: write 1M to 32T, which is for the guest and QEMU together");

        *(uint64_t *) setting_field(parser->setting, parser->definition) = bytes;
        return 0;
}

/* Digits and K, M, G or T, base 1000 as systemd counts here. */
static int io_rate_parse(const char *text)
{
        static const char units[] = "KMGT";
        char *end = NULL;
        const char *unit;
        uint64_t rate;

        if (!g_ascii_isdigit(text[0]))
                return -EINVAL;
        errno = 0;
        rate = g_ascii_strtoull(text, &end, 10);
        if (errno != 0 || rate > IO_LIMIT_MAX)
                return -ERANGE;
        unit = *end ? strchr(units, *end) : NULL;
        if (*end && (!unit || end[1]))
                return -EINVAL;
        for (ptrdiff_t i = unit ? unit - units : -1; i >= 0; i--)
                if (rate > IO_LIMIT_MAX / 1000)
                        return -ERANGE;
                else
                        rate *= 1000;

        return rate == 0 ? -ERANGE : 0;
}

/* systemd would read '"' and '\\' as escapes and '%' as a specifier. */
static bool io_path_is_valid(const char *path)
{
        for (const char *p = path; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("\"'\\%", *p))
                        return false;

        return g_str_equal(path, "/") || path_is_normalized(path);
}

static int io_refuse(const DefinitionParser *parser, const KeyFileEntry *entry)
{
        bool bytes = strstr(parser->setting->key, "Bandwidth") != NULL;

        return key_file_refuse(entry, parser->ret_error,
                        "not a limit: write %s with K, M, G or T (base 1000), such as %s for the file "
                        "system of the volumes, or /srv/disk %s for that of a path",
                        bytes ? "bytes a second" : "operations a second", bytes ? "10M" : "500",
                        bytes ? "10M" : "500");
}

/* The part in front of the rate: "" if there is no path. */
static char *io_path_of(const char *value)
{
        const char *space = value[0] == '/' ? strchr(value, ' ') : value;

        return g_strndup(value, space ? (size_t) (space - value) : strlen(value));
}

/* As in systemd, a later line about the same path counts instead of the former. */
static int io_add(DefinitionParser *parser, const KeyFileEntry *entry, const char *path, const char *value)
{
        char **field = setting_field(parser->setting, parser->definition);
        g_auto(GStrv) values = g_strsplit(*field ?: "", "\n", -1);
        g_autoptr(GString) text = g_string_new(NULL);
        unsigned n = 1;

        for (char **one = values; *one; one++) {
                g_autofree char *other = io_path_of(*one);

                if (**one == 0 || g_str_equal(other, path))
                        continue;
                g_string_append_printf(text, "%s\n", *one);
                n++;
        }
        if (n > IO_LIMIT_PATHS_MAX)
                return key_file_refuse(entry, parser->ret_error, "one path too many: write at most %d",
                                IO_LIMIT_PATHS_MAX);

        g_string_append(text, value);
        g_free(*field);
        *field = g_strdup(text->str);
        return 0;
}

int definition_parse_io_limit(DefinitionParser *parser, const KeyFileEntry *entry)
{
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t", -1);
        const char *path = "", *rate = NULL;
        g_autofree char *value = NULL;
        int r;

        /* An empty value clears the list, as in systemd. */
        if (entry->value[0] == 0) {
                g_clear_pointer((char **) setting_field(parser->setting, parser->definition), g_free);
                return 0;
        }

        for (char **word = words; *word; word++) {
                if (**word == 0)
                        continue;
                if (rate || (*path == 0 && **word == '/' && !io_path_is_valid(*word)))
                        return io_refuse(parser, entry);
                if (*path == 0 && **word == '/')
                        path = *word;
                else
                        rate = *word;
        }
        r = rate ? io_rate_parse(rate) : -EINVAL;
        if (r == -ERANGE)
                return key_file_refuse(entry, parser->ret_error, "out of range: write 1 to 1000T");
        if (r < 0)
                return io_refuse(parser, entry);

        value = *path ? g_strdup_printf("%s %s", path, rate) : g_strdup(rate);
        return io_add(parser, entry, path, value);
}

bool definition_has_limits(const Definition *definition)
{
        for (SettingID id = SETTING_CPU_WEIGHT; id <= SETTING_MEMORY_MAX; id++) {
                g_autofree char *value = setting_format(&setting_table[id], definition);

                if (value)
                        return true;
        }

        return false;
}

int definition_check_slice_limits(const DefinitionParser *parser)
{
        const Definition *definition = parser->definition;
        const char *path = definition->path ?: "", *colon = definition->path ? ": " : "";

        /* systemd reads the slice when nothing is up yet that could tell the number. */
        if (definition->owner_is_name && definition_has_limits(definition))
                return error_set(parser->ret_error, ERROR_INVALID_DEFINITION,
                                "%s%sOwner= is a name, but the limits of the guest are needed before names "
                                "of users can be looked up: write the number of the user (id -u)",
                                path, colon);

        return 0;
}
