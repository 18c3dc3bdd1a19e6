/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads options from the command line, by their table. */

#include "ctl/cli/options.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/string-util.h"

static const OptionInfo *option_find_by_name(const char *name)
{
        size_t n;
        const OptionInfo *table = options_table(&n);

        for (size_t i = 0; i < n; i++)
                if (g_str_equal(table[i].name, name))
                        return &table[i];

        return NULL;
}

void options_init(Options *options)
{
        *options = (Options){
                        .lines = LINES_UNSET,
                        .signal = SIGTERM,
                        .priority = -1,
                        .timeout = UINT64_MAX,
                        .given = g_ptr_array_new_with_free_func(g_free),
        };
}

void options_clear(Options *options)
{
        command_settings_clear(&options->settings);
        g_clear_pointer(&options->properties, g_ptr_array_unref);
        g_clear_pointer(&options->given, g_ptr_array_unref);
}

static int option_argument_kind(const OptionInfo *info)
{
        if (!info->placeholder)
                return no_argument;

        return g_str_has_prefix(info->placeholder, "[=") ? optional_argument : required_argument;
}

static struct option *options_build_getopt(GString *letters)
{
        size_t n;
        const OptionInfo *table = options_table(&n);
        struct option *longs = g_new0(struct option, n + 1);

        for (size_t i = 0; i < n; i++) {
                const OptionInfo *info = &table[i];

                longs[i] = (struct option){
                                .name = info->name,
                                .has_arg = option_argument_kind(info),
                                .val = (int) (256 + i),
                };
                if (info->letter && !strchr(letters->str, info->letter))
                        g_string_append_printf(letters, "%c%s", info->letter,
                                        longs[i].has_arg == no_argument         ? ""
                                        : longs[i].has_arg == optional_argument ? "::"
                                                                                : ":");
        }

        return longs;
}

static const OptionInfo *option_find(int c, const char *verb)
{
        const OptionInfo *found = NULL;
        size_t n;
        const OptionInfo *table = options_table(&n);

        if (c >= 256)
                return &table[c - 256];

        for (size_t i = 0; i < n; i++)
                if (table[i].letter == c && (!found || ((table[i].scope & OPTION_LOG) != 0) ==
                                                                            g_str_equal(verb, "logs")))
                        found = &table[i];

        return found;
}

/* Whether this word takes the next one as its value. */
static bool option_takes_next(const char *word)
{
        /* The last of several letters in one word. */
        const OptionInfo *info = g_str_has_prefix(word, "--") ? option_find_by_name(word + strlen("--"))
                                                              : option_find(word[strlen(word) - 1], "");

        return info && option_argument_kind(info) == required_argument;
}

/* The first word that is neither an option nor the value of one; "" if there is none. */
static const char *options_find_verb(int argc, char **argv)
{
        for (int i = 1; i < argc && !g_str_equal(argv[i], "--"); i++) {
                if (argv[i][0] != '-' || !argv[i][1])
                        return argv[i];
                if (option_takes_next(argv[i]))
                        i++;
        }

        return "";
}

/* getopt_long() tells which word it refused by optopt or by having stepped over it. */
static int options_refuse_word(int c, char **argv, const char *verb, Error *ret_error)
{
        const OptionInfo *info = optopt > 0 ? option_find(optopt, verb) : NULL;
        g_autofree char *shown = NULL;

        if (c == ':' && info)
                return error_set(ret_error, ERROR_INVALID_ARGS, "--%s requires a value: --%s=%s.",
                                info->name, info->name, info->placeholder);
        if (info && !info->placeholder)
                return error_set(ret_error, ERROR_INVALID_ARGS, "--%s takes no value.", info->name);

        if (optopt > 0) {
                char letter[] = {'-', (char) optopt, 0};

                shown = text_for_display(letter, 8);
        } else
                shown = text_for_display(argv[optind - 1], 80);

        /* Only these verbs pass arguments to the guest. */
        if (g_str_equal(verb, "create") || g_str_equal(verb, "set"))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Unknown option %s; see shruthictl --help. Arguments for the guest go after "
                                "'--': shruthictl %s NAME%s -- %s",
                                shown, verb, g_str_equal(verb, "create") ? " IMAGE" : "", shown);

        return error_set(ret_error, ERROR_INVALID_ARGS, "Unknown option %s; see shruthictl --help.", shown);
}

/* Called before getopt_long(), which moves "--" to the front. */
static unsigned options_count_behind(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                if (g_str_equal(argv[i], "--"))
                        return (unsigned) (argc - i - 1);

        return 0;
}

/* As with journalctl, "-b -1" is one option. */
static void option_take_boot(int argc, char **argv, const OptionInfo *info)
{
        if (info->takes_offset && !optarg && optind < argc && strchr("-+", argv[optind][0]) &&
                        g_ascii_isdigit(argv[optind][1]))
                optarg = argv[optind++];
}

int options_parse(Options *options, int argc, char **argv, char ***ret_operands, Error *ret_error)
{
        g_autoptr(GString) letters = g_string_new(":");
        g_autofree struct option *longs = options_build_getopt(letters);
        unsigned words_behind = options_count_behind(argc, argv);
        const char *verb = options_find_verb(argc, argv);
        int c, r;

        optind = 0; /* glibc: restart, and read the environment and the letters again */
        opterr = 0;

        for (;;) {
                const OptionInfo *info;

                optopt = 0;
                c = getopt_long(argc, argv, letters->str, longs, NULL);
                if (c < 0)
                        break;
                if (c == '?' || c == ':')
                        return options_refuse_word(c, argv, verb, ret_error);

                info = option_find(c, verb);
                option_take_boot(argc, argv, info);
                r = info->set(options, info, optarg, ret_error);
                if (r < 0)
                        return r;

                if (!info->is_for_here)
                        g_ptr_array_add(options->given,
                                        optarg ? g_strdup_printf("--%s=%s", info->name, optarg)
                                               : g_strdup_printf("--%s", info->name));
        }

        options->n_behind = words_behind;
        *ret_operands = argv + optind;
        return 0;
}

char **options_guest_arguments(const Options *options, char **operands, unsigned first)
{
        unsigned n = g_strv_length(operands);

        return operands + (options->n_behind + first <= n ? n - options->n_behind : n);
}

int options_take_arguments(Options *options, char **arguments, Error *ret_error)
{
        /* A whole command line in one word would be one argument with spaces. */
        if (!arguments[1] && strstr(arguments[0], " --"))
                fprintf(stderr, "Note: the text after '--' is a single argument, including its spaces. To "
                                "pass a whole command line as one string use --arguments=STRING.\n");

        return command_settings_set_argument_list(&options->settings, arguments, ret_error);
}

int options_check_scope(const Options *options, const char *verb, unsigned scopes, Error *ret_error)
{
        for (guint i = 0; i < options->given->len; i++) {
                g_autofree char *name = g_strdup((const char *) options->given->pdata[i] + strlen("--"));
                const OptionInfo *info;

                *strchrnul(name, '=') = 0;
                info = option_find_by_name(name);
                if (info && (info->scope & (scopes | OPTION_ANY)) == 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "--%s does not apply to '%s'; see man shruthictl.", name, verb);
        }

        return 0;
}
