/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A link has the shape that the latest of the lines for its classes says, but a pair's own before all; what
 * is no rule is refused with its line. */

#include <glib.h>
#include <string.h>

#include "link/rules.h"

static Rules *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        unsigned line = 0;
        Rules *rules = NULL;

        (void) rules_parse(text, strlen(text), &rules, &line, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return rules;
}

static char *shape_between(const Rules *rules, const char *from, const char *to)
{
        const Shape *shape =
                        rules_shape(rules, rules_find_member(rules, from), rules_find_member(rules, to));

        return shape->blocked ? g_strdup("blocked") : shape_format(shape);
}

static void expect_shape(const Rules *rules, const char *from, const char *to, const char *expected)
{
        g_autofree char *text = shape_between(rules, from, to);

        g_assert_cmpstr(text, ==, expected);
}

static void test_nothing(void)
{
        g_autoptr(Rules) rules = rules_new_direct();

        g_assert_cmpstr(rules->seed, ==, "1");
        expect_shape(rules, "a", "b", "");
}

static void test_links(void)
{
        g_autoptr(Rules) rules = parse("# a comment: ä\n"
                                       "\n"
                                       "seed lab-7\n"
                                       "member a peer\nmember b peer\nmember s service\n"
                                       "shape slow latency=200ms\nshape quick latency=1ms loss=1%\n"
                                       "link * * slow\nlink peer service quick\nlink - peer blocked\n"
                                       "link service * direct\n"
                                       "pair a b quick\npair s a slow\npair a b blocked\npair b b direct\n");

        g_assert_cmpstr(rules->seed, ==, "lab-7");
        expect_shape(rules, "a", "s", "latency=1ms loss=1%");
        expect_shape(rules, "b", "a", "latency=200ms");
        expect_shape(rules, "a", "b", "blocked");
        expect_shape(rules, "b", "b", "");
        expect_shape(rules, "s", "a", "latency=200ms");
        expect_shape(rules, "s", "b", "");
        expect_shape(rules, "other", "a", "blocked");
        expect_shape(rules, "other", "s", "latency=200ms");
        expect_shape(rules, "s", "other", "");
}

/* Whichever of the four kinds of lines is the last. */
static void test_later_lines_win(void)
{
        static const char *const lines[] = {"link * *", "link x *", "link * y", "link x y"};

        for (size_t last = 0; last < G_N_ELEMENTS(lines); last++) {
                g_autoptr(GString) text = g_string_new("member a x\nmember b y\nshape last loss=9%\n");
                g_autoptr(Rules) rules = NULL;

                for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                        if (i != last)
                                g_string_append_printf(text, "%s blocked\n", lines[i]);
                g_string_append_printf(text, "%s last", lines[last]);
                rules = parse(text->str);
                expect_shape(rules, "a", "b", "loss=9%");
        }
}

static void test_boxes(void)
{
        g_autoptr(Rules) rules =
                        parse("nat home 10.0.0.200 mapping=address-and-port-dependent "
                              "filtering=address-dependent ports=random hairpinning=no timeout=30s\n"
                              "nat plain 10.0.0.201\n"
                              "behind a home\nmember a peer\nmember b peer\n");
        const RulesNat *home = &g_array_index(rules->nats, RulesNat, 0);
        const RulesMember *a = &g_array_index(rules->members, RulesMember, rules_find_member(rules, "a")),
                          *b = &g_array_index(rules->members, RulesMember, rules_find_member(rules, "b"));
        g_autofree char *text = nat_behaviour_format(&home->behaviour),
                        *plain = nat_behaviour_format(&g_array_index(rules->nats, RulesNat, 1).behaviour);

        g_assert_cmpstr(home->name, ==, "home");
        g_assert_cmphex(home->address, ==, 0x0a0000c8);
        g_assert_cmpstr(text, ==,
                        "mapping=address-and-port-dependent filtering=address-dependent ports=random "
                        "hairpinning=no timeout=30s");
        g_assert_cmpstr(plain, ==,
                        "mapping=endpoint-independent filtering=endpoint-independent ports=preserve "
                        "hairpinning=yes timeout=2min");
        g_assert_cmpuint(a->nat_index, ==, 0);
        g_assert_cmpuint(b->nat_index, ==, RULES_NONE);
        g_assert_cmpuint(a->class_index, ==, b->class_index);
}

static const struct {
        const char *text;
        unsigned line;
        const char *message;
} refusals[] = {
                {"sede 1\n", 1, "sede: no statement: write seed, member"},
                {"\n\nseed\n", 3, "write seed WORD"},
                {"seed 1\nseed 2\n", 2, "2: there is a seed already"},
                {"seed a b\n", 1, "write seed WORD"},
                {" seed 1\n", 1, "write one space between two words"},
                {"seed  1\n", 1, "write one space between two words"},
                {"seed 1 \n", 1, "write one space between two words"},
                {"seed\t1\n", 1, "a control character"},
                {"seed 1\r\n", 1, "a control character"},
                {"#\n# \xff\n", 2, "the line is not UTF-8"},
                {"member A x\n", 1, "A"},
                {"member a X\n", 1, "X: not a name: write 1 to 63 of a-z, 0-9 and '-'"},
                {"member a *\n", 1, "*: not a name"},
                {"member a x\nmember a y\n", 2, "a: this member has a class already"},
                {"shape Slow\n", 1, "Slow: not a name"},
                {"shape direct loss=1%\n", 1, "direct: there is a shape of this name already"},
                {"shape a loss=1\n", 1, "loss: 1: not a share"},
                {"shape a loss\n", 1, "loss: write KEY=VALUE"},
                {"shape a queue=1K\n", 1, "a queue needs a rate"},
                {"link a b slow\n", 1, "slow: there is no such shape: write a line shape before it"},
                {"link a b\n", 1, "write link CLASS CLASS SHAPE"},
                {"pair a * direct\n", 1, "*"},
                {"nat n 10.0.0.1\nnat n 10.0.0.2\n", 2, "n: there is a box of this name already"},
                {"nat n 10.0.0.1\nnat m 10.0.0.1\n", 2, "10.0.0.1: another box has this address"},
                {"nat n fd00::1\n", 1, "fd00::1: not an IPv4 address"},
                {"nat n 127.0.0.1\n", 1, "127.0.0.1: not an IPv4 address"},
                {"nat n 10.0.0.1 kind=symmetric\n", 1, "kind: no property of a box"},
                {"nat n 10.0.0.1 mapping=none\n", 1, "none: write endpoint-independent"},
                {"nat n 10.0.0.1 timeout=0\n", 1, "0: not a time up to 24h"},
                {"behind a n\n", 1, "n: there is no such box: write a line nat before it"},
                {"nat n 10.0.0.1\nbehind a n\nbehind a n\n", 3, "a: this member is behind a box already"},
                {"shape a a a a a a a a a a a a a a a a a a\n", 1, "the line has more than 16 words"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                Rules *rules = NULL;
                unsigned line = 0;

                g_assert_cmpint(rules_parse(refusals[i].text, strlen(refusals[i].text), &rules, &line,
                                                &error),
                                <, 0);
                g_assert_null(rules);
                g_assert_nonnull(error.message);
                if (line != refusals[i].line || !strstr(error.message, refusals[i].message))
                        g_error("%s: %u: '%s' is not %u: '%s'", refusals[i].text, line, error.message,
                                        refusals[i].line, refusals[i].message);
        }
}

static void test_nul(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Rules *rules = NULL;
        unsigned line = 0;

        g_assert_cmpint(rules_parse("seed 1\nseed\0 2\n", 15, &rules, &line, &error), <, 0);
        g_assert_cmpuint(line, ==, 2);
}

/* The most that a caller can send is read in a blink, whatever it is. */
static void test_much(void)
{
        g_autoptr(GString) text = g_string_new(NULL), pairs = g_string_new(NULL);
        g_autoptr(Rules) rules = NULL, many = NULL;
        int64_t begin;

        for (unsigned i = 0; i < 1023; i++)
                g_string_append_printf(text, "member m%u c%u\n", i, i);
        while (text->len < RULES_SIZE_MAX - 64)
                g_string_append(text, "link * * blocked\n");
        for (unsigned i = 0; i < 1000; i++)
                for (unsigned j = 0; j < 500; j++)
                        g_string_append_printf(pairs, "pair m%u m%u blocked\n", i, (j * 7 + i) % 1000);

        begin = g_get_monotonic_time();
        rules = parse(text->str);
        many = parse(pairs->str);
        g_test_message("%.3f s", (double) (g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
        expect_shape(rules, "m3", "m999", "blocked");
        expect_shape(many, "m3", "m10", "blocked");
        expect_shape(many, "m3", "m203", "");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/link/rules/without-any-all-is-direct", test_nothing);
        g_test_add_func("/link/rules/pairs-win-over-links", test_links);
        g_test_add_func("/link/rules/later-lines-win", test_later_lines_win);
        g_test_add_func("/link/rules/boxes-behave-as-stated", test_boxes);
        g_test_add_func("/link/rules/refusals-name-line-and-value", test_refusals);
        g_test_add_func("/link/rules/a-nul-is-refused", test_nul);
        g_test_add_func("/link/rules/sixteen-megabytes-are-read-quickly", test_much);
        return g_test_run();
}
