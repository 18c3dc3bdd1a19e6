/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line is read as systemctl reads its own, and what makes no sense is refused with the word in
 * question. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "ctl/cli/options.h"
#include "ctl/verbs/verbs.h"

typedef struct Parsed {
        Options options;
        char **words;
        char **operands;
        Error error;
        int r;
} Parsed;

static void parse(Parsed *p, const char *line)
{
        int argc;

        g_assert_true(g_shell_parse_argv(line, &argc, &p->words, NULL));
        options_init(&p->options);
        p->error = ERROR_INIT;
        p->r = options_parse(&p->options, argc, p->words, &p->operands, &p->error);
}

static void parsed_clear(Parsed *p)
{
        options_clear(&p->options);
        g_strfreev(p->words);
        error_clear(&p->error);
}
#define _cleanup_parsed_ __attribute__((cleanup(parsed_clear)))

static void test_options_stand_anywhere(void)
{
        _cleanup_parsed_ Parsed p = {};

        parse(&p, "shruthictl logs -fn 5 a --json=short b");
        g_assert_cmpint(p.r, ==, 0);
        g_assert_cmpstr(p.operands[0], ==, "logs");
        g_assert_cmpstr(p.operands[1], ==, "a");
        g_assert_cmpstr(p.operands[2], ==, "b");
        g_assert_null(p.operands[3]);
        g_assert_true(p.options.follow);
        g_assert_cmpint(p.options.lines, ==, 5);
        g_assert_cmpint(p.options.json, ==, JSON_SHORT);
}

/* What is behind "--" is the guest's, dashes and all. */
static void test_guest_arguments_are_operands(void)
{
        _cleanup_parsed_ Parsed p = {};

        parse(&p, "shruthictl create --memory=64M a ./i -- --ipv4=10.0.0.2/24 --now");
        g_assert_cmpint(p.r, ==, 0);
        g_assert_cmpuint(p.options.n_behind, ==, 2);
        g_assert_false(p.options.now);
        g_assert_cmpstr(p.options.settings.values[SETTING_MEMORY], ==, "64M");
        g_assert_cmpstr(p.operands[3], ==, "--ipv4=10.0.0.2/24");
        g_assert_cmpstr(p.operands[4], ==, "--now");
}

static void test_properties_gather(void)
{
        _cleanup_parsed_ Parsed p = {};

        parse(&p, "shruthictl show a -p State,Result -p UUID --value");
        g_assert_cmpint(p.r, ==, 0);
        g_assert_cmpuint(p.options.properties->len, ==, 3);
        g_assert_cmpstr(p.options.properties->pdata[1], ==, "Result");
        g_assert_cmpstr(p.options.properties->pdata[2], ==, "UUID");
        g_assert_true(p.options.value);
}

static void test_signals_by_name_and_number(void)
{
        static const struct {
                const char *line;
                int signal;
        } cases[] = {
                        {"shruthictl kill a", SIGTERM},
                        {"shruthictl kill -s SIGKILL a", SIGKILL},
                        {"shruthictl kill --signal=INT a", SIGINT},
                        {"shruthictl kill -s 6 a", SIGABRT},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_parsed_ Parsed p = {};

                parse(&p, cases[i].line);
                g_assert_cmpint(p.r, ==, 0);
                g_assert_cmpint(p.options.signal, ==, cases[i].signal);
        }
}

/* "-p" is journalctl's for logs, and systemctl's for all else. */
static void test_a_letter_of_two_options(void)
{
        _cleanup_parsed_ Parsed logs = {}, late = {}, show = {};

        parse(&logs, "shruthictl logs a -p err");
        g_assert_cmpint(logs.r, ==, 0);
        g_assert_cmpint(logs.options.priority, ==, 3);
        g_assert_null(logs.options.properties);
        parse(&late, "shruthictl -n 5 -H b -p 4 logs a");
        g_assert_cmpint(late.options.priority, ==, 4);
        parse(&show, "shruthictl -p State show logs");
        g_assert_cmpint(show.r, ==, 0);
        g_assert_cmpstr(show.options.properties->pdata[0], ==, "State");
}

static void test_boot_may_have_a_value(void)
{
        static const struct {
                const char *line, *boot, *operand;
        } cases[] = {
                        {"shruthictl logs a -b", "0", NULL},
                        {"shruthictl logs -b a", "0", "a"},
                        {"shruthictl logs -b -1 a", "-1", "a"},
                        {"shruthictl logs -b-1 a", "-1", "a"},
                        {"shruthictl logs --boot=all a", "all", "a"},
                        {"shruthictl logs --boot -2 a", "-2", "a"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_parsed_ Parsed p = {};

                parse(&p, cases[i].line);
                g_assert_cmpint(p.r, ==, 0);
                g_assert_cmpstr(p.options.boot, ==, cases[i].boot);
                g_assert_cmpstr(p.operands[1], ==, cases[i].operand ?: "a");
        }
}

/* What is meant for the guest goes behind "--": said where a guest is spoken of. */
static void test_hints_at_the_guest(void)
{
        static const struct {
                const char *line;
                bool hint;
        } cases[] = {
                        {"shruthictl create a i --ipv4=10.0.0.2/24", true},
                        {"shruthictl --memory 32M create a i --ipv4=10.0.0.2/24", true},
                        {"shruthictl set a --ipv4=10.0.0.2/24", true},
                        {"shruthictl start --frob a", false},
                        {"shruthictl start create --frob", false},
                        {"shruthictl volume create a --frob", false},
                        {"shruthictl --frob", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_parsed_ Parsed p = {};

                parse(&p, cases[i].line);
                g_assert_cmpint(p.r, ==, -EINVAL);
                g_assert_nonnull(strstr(p.error.message, "Unknown option --"));
                g_assert_cmpint(strstr(p.error.message, "go after '--'") != NULL, ==, cases[i].hint);
        }
}

static void test_autostart_may_have_a_value(void)
{
        _cleanup_parsed_ Parsed bare = {}, no = {};

        parse(&bare, "shruthictl create a i --autostart");
        parse(&no, "shruthictl set a --autostart=no");
        g_assert_cmpstr(bare.options.settings.values[SETTING_AUTOSTART], ==, "yes");
        g_assert_cmpstr(no.options.settings.values[SETTING_AUTOSTART], ==, "no");
}

/* Each refusal names what was wrong. */
static void test_refusals_name_the_word(void)
{
        static const struct {
                const char *line, *word;
        } cases[] = {
                        {"shruthictl list --frob", "--frob"},
                        {"shruthictl list --frob=3", "--frob=3"},
                        {"shruthictl list -z", "-z"},
                        {"shruthictl show -p", "--property=NAME"},
                        {"shruthictl list --host", "--host=[USER@]HOST"},
                        {"shruthictl list --host=-oProxyCommand=x", "-oProxyCommand=x"},
                        {"shruthictl list --host=", "--host="},
                        {"shruthictl list --quiet=yes", "--quiet"},
                        {"shruthictl list --json=xml", "xml"},
                        {"shruthictl logs -n -5 a", "-5"},
                        {"shruthictl logs -n many a", "many"},
                        {"shruthictl logs -o xml a", "json-pretty"},
                        {"shruthictl logs -p 8 a", "--priority="},
                        {"shruthictl kill -s SIGSTOP a", "SIGSTOP"},
                        {"shruthictl create a i --memory=1m", "1m"},
                        {"shruthictl create a i --cpus=0", "0"},
                        {"shruthictl create a i --restart=maybe", "maybe"},
                        {"shruthictl create a i --autostart=maybe", "maybe"},
                        {"shruthictl create a i --verify=sha256:12", "sha256:12"},
                        {"shruthictl create a i --network=:br0", ":br0"},
                        {"shruthictl create a i --network=service:", "service:"},
                        {"shruthictl create a i --network=service:network=", "service:network="},
                        {"shruthictl create a i --network=service,macc=1", "service,macc=1"},
                        {"shruthictl create a i --volume=data", "data"},
                        {"shruthictl create a i --volume=data:relative", "data:relative"},
                        {"shruthictl create a i --volume=data:ro", "data:ro"},
                        {"shruthictl create a i --volume=data:size=big", "data:size=big"},
                        {"shruthictl create a i --volume=data:size=0", "data:size=0"},
                        {"shruthictl create a i --volume=data:volume=", "data:volume="},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_parsed_ Parsed p = {};

                parse(&p, cases[i].line);
                g_test_message("%s: %s", cases[i].line, p.error.message);
                g_assert_cmpint(p.r, ==, -EINVAL);
                g_assert_cmpint(ctl_exit_status(&(Ctl){}, &p.error), ==, CTL_EXIT_USAGE);
                g_assert_nonnull(strstr(p.error.message, cases[i].word));
        }
}

static void test_hostile_words_are_shown_harmless(void)
{
        _cleanup_parsed_ Parsed p = {};

        parse(&p, "shruthictl list '--\x1b[2J'");
        g_assert_cmpint(p.r, ==, -EINVAL);
        g_assert_null(strchr(p.error.message, '\x1b'));
        g_assert_nonnull(strstr(p.error.message, "\\x1b"));
}

static void test_verbs_are_found(void)
{
        static const struct {
                const char *line;
                VerbFunction run;
                guint operands;
        } cases[] = {
                        {"shruthictl", verb_list, 0},
                        {"shruthictl list a", verb_list, 1},
                        {"shruthictl image list", verb_image_list, 0},
                        {"shruthictl image import a b", verb_image_import, 2},
                        {"shruthictl instance create --name a --kernel b", verb_instance_create, 0},
                        {"shruthictl instance list", verb_instance_other, 1},
                        {"shruthictl start list", verb_start, 1},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_parsed_ Parsed p = {};
                const Verb *verb = NULL;
                char **operands = NULL;

                parse(&p, cases[i].line);
                g_assert_cmpint(verb_find(p.operands, &verb, &operands, &p.error), ==, 0);
                g_assert_true(verb->run == cases[i].run);
                g_assert_cmpuint(g_strv_length(operands), ==, cases[i].operands);
                g_assert_cmpint(verb_check_operands(verb, operands, &p.options, &p.error), ==, 0);
        }
}

static void test_wrong_verbs_are_refused(void)
{
        static const struct {
                const char *line, *word;
        } cases[] = {
                        {"shruthictl lsit", "'list'"},
                        {"shruthictl strat a", "'start'"},
                        {"shruthictl image lits", "'image list'"},
                        {"shruthictl frobnicate", "'frobnicate'"},
                        {"shruthictl image", "'image'"},
                        {"shruthictl start", "start NAME"},
                        {"shruthictl create a", "create NAME IMAGE"},
                        {"shruthictl console a b", "'b'"},
                        {"shruthictl image prune x", "'x'"},
                        {"shruthictl list --memory=1M", "--memory"},
                        {"shruthictl start --name=a b", "--name"},
                        {"shruthictl create a b --image=c", "--image"},
                        {"shruthictl start --now a", "--now"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_parsed_ Parsed p = {};
                const Verb *verb = NULL;
                char **operands = NULL;
                int r;

                parse(&p, cases[i].line);
                g_assert_cmpint(p.r, ==, 0);
                r = verb_find(p.operands, &verb, &operands, &p.error);
                if (r >= 0)
                        r = verb_check_operands(verb, operands, &p.options, &p.error);
                g_test_message("%s: %s", cases[i].line, p.error.message);
                g_assert_cmpint(r, ==, -EINVAL);
                g_assert_nonnull(strstr(p.error.message, cases[i].word));
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/options/stand-anywhere", test_options_stand_anywhere);
        g_test_add_func("/ctl/options/leave-the-guest-its-own", test_guest_arguments_are_operands);
        g_test_add_func("/ctl/options/properties-gather", test_properties_gather);
        g_test_add_func("/ctl/options/signals-by-name-and-number", test_signals_by_name_and_number);
        g_test_add_func("/ctl/options/autostart-may-have-a-value", test_autostart_may_have_a_value);
        g_test_add_func("/ctl/options/a-letter-of-two-options", test_a_letter_of_two_options);
        g_test_add_func("/ctl/options/boot-may-have-a-value", test_boot_may_have_a_value);
        g_test_add_func("/ctl/options/hints-at-the-guest", test_hints_at_the_guest);
        g_test_add_func("/ctl/options/refusals-name-the-word", test_refusals_name_the_word);
        g_test_add_func("/ctl/options/hostile-words-are-shown-harmless",
                        test_hostile_words_are_shown_harmless);
        g_test_add_func("/ctl/verbs/are-found", test_verbs_are_found);
        g_test_add_func("/ctl/verbs/wrong-ones-are-refused", test_wrong_verbs_are_refused);
        return g_test_run();
}
