/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan and its seed mean the same members, addresses and schedule each time, to the byte; other seeds mean
 * others. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "fleet/plan/values.h"

static char *source_path(const char *name)
{
        return g_build_filename(g_getenv("SHRUTHI_SOURCE_ROOT"), "tests/unit/fleet", name, NULL);
}

/* Of the sample with a replacement in its text. */
static char *expand(const char *from, const char *to)
{
        g_autofree char *path = source_path("sample.fleet"), *text = NULL, *changed = NULL;
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) parts = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        parts = g_strsplit(text, from, -1);
        changed = g_strjoinv(to, parts);
        (void) fleet_plan_parse(path, changed, strlen(changed), &plan, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        (void) fleet_expand(plan, &expansion, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return fleet_expansion_format(expansion);
}

/* To write the file anew after a change that is meant: SHRUTHI_WRITE_EXPECTED=1. */
static void test_same_to_the_byte(void)
{
        g_autofree char *path = source_path("sample.expected"), *expected = NULL, *found = expand("@", "@"),
                        *again = expand("@", "@");

        if (g_getenv("SHRUTHI_WRITE_EXPECTED"))
                g_assert_true(g_file_set_contents(path, found, -1, NULL));
        g_assert_true(g_file_get_contents(path, &expected, NULL, NULL));
        g_assert_cmpstr(found, ==, expected);
        g_assert_cmpstr(again, ==, expected);
}

static void test_other_seed(void)
{
        g_autofree char *one = expand("@", "@"), *other = expand("Seed=42", "Seed=43");

        g_assert_cmpstr(one, !=, other);
}

/* A comment, and an event that comes last, leave what was drawn before. */
static void test_streams_are_apart(void)
{
        g_autofree char *one = expand("@", "@"),
                        *other = expand("[Churn peer]",
                                        "[Event 59s]\nStop=1 of peer\n# other\n[Churn peer]");
        g_auto(GStrv) lines = g_strsplit(one, "\n", -1);

        for (char **line = lines; *line; line++)
                g_assert_nonnull(strstr(other, *line));
}

/* The members of the schedule's lines with that time and verb. */
static guint count_lines(const char *text, const char *time, const char *verb)
{
        g_autofree char *begin = g_strdup_printf("{\"time\":%s,\"verb\":\"%s\",", time, verb);
        guint n = 0;

        for (const char *p = text; (p = strstr(p, begin)); p++)
                n++;
        return n;
}

static void test_amounts(void)
{
        g_autofree char *text = expand("@", "@");

        g_assert_cmpuint(count_lines(text, "5.000", "start"), ==, 1);
        g_assert_cmpuint(count_lines(text, "5.500", "start"), ==, 1);
        g_assert_cmpuint(count_lines(text, "6.000", "start"), ==, 1);
        g_assert_cmpuint(count_lines(text, "10.000", "stop"), ==, 3);
        g_assert_cmpuint(count_lines(text, "10.000", "pause"), ==, 2);
        g_assert_cmpuint(count_lines(text, "10.000", "execute"), ==, 1);
        /* Only those that were stopped, and only those that were paused. */
        g_assert_cmpuint(count_lines(text, "20.000", "start"), ==, 3);
        g_assert_cmpuint(count_lines(text, "20.000", "resume"), ==, 2);
        g_assert_cmpuint(count_lines(text, "20.000", "restart"), ==, 2);
        g_assert_cmpuint(count_lines(text, "30.000", "kill"), ==, 1);
        g_assert_cmpuint(count_lines(text, "30.000", "stop"), ==, 2);
}

static void test_choice_is_of_others(void)
{
        g_autofree char *text = expand("@", "@");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        /* peer-0 has .3: .2 is the seed's. */
        for (guint i = 0; i < 6; i++) {
                g_autofree char *own = g_strdup_printf("10.130.0.%u", i + 3);
                const char *to = strstr(lines[i + 1], "--to="), *end = strstr(to, " ");
                g_autofree char *list = g_strndup(to + 5, (size_t) (end - to - 5));
                g_auto(GStrv) chosen = g_strsplit(list, ",", -1);

                g_assert_cmpuint(g_strv_length(chosen), ==, 3);
                g_assert_false(g_strv_contains((const char *const *) chosen, own));
        }
}

/* What a table says stands for itself: shruthid does not take it for a field of its own. */
static void test_values_are_quoted(void)
{
        g_autofree char *text = expand("@", "@");

        g_assert_nonnull(strstr(text, "--note={{y}} --brace={{x}}"));
        g_assert_nonnull(strstr(text, "Memory=18M"));
        g_assert_nonnull(strstr(text, "Ready=console:^x{2}$"));
        g_assert_nonnull(strstr(text, "--ipv4={service.address}"));
}

/* A value from a table cannot join the lines of a definition. */
static void test_values_end_their_line(void)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *folder = g_dir_make_tmp("shruthi-fleet-XXXXXX", &error),
                        *values = g_build_filename(folder, "v.csv", NULL),
                        *path = g_build_filename(folder, "a.fleet", NULL);
        static const char text[] = "[Group peer]\nImage=/a\nCount=1\nValues=v.csv\nArguments=--x={x}\n"
                                   "Memory=16M\n";
        static const struct {
                const char *csv;
                bool good;
        } cases[] = {{"x\na\\\n", false}, {"x\na\\\\\n", true}, {"x\na\\b\n", true}};

        g_assert_no_error(error);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(FleetPlan) plan = NULL;
                g_autoptr(FleetExpansion) expansion = NULL;
                _cleanup_error_ Error refusal = ERROR_INIT;

                g_assert_true(g_file_set_contents(values, cases[i].csv, -1, NULL));
                g_assert_cmpint(fleet_plan_parse(path, text, strlen(text), &plan, NULL), ==, 0);
                g_assert_cmpint(fleet_expand(plan, &expansion, &refusal) >= 0, ==, cases[i].good);
                if (!cases[i].good)
                        g_assert_nonnull(strstr(refusal.message,
                                        ":5: Arguments=: with its fields filled in, it "
                                        "ends with a '\\'"));
                else
                        g_assert_cmpuint(fleet_member_at(expansion, 0)->memory, ==, 16 * 1024 * 1024);
        }
        g_assert_cmpint(g_unlink(values), ==, 0);
        g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* What would be later than Duration= is not in the schedule, and counted. */
static void test_nothing_after_the_end(void)
{
        static const char text[] = "[Fleet]\nDuration=20s\n[Group peer]\nImage=/a\nCount=3\n"
                                   "[Event 10s]\nStop=peer-0\n[Event 20s]\nStart=peer-0\n"
                                   "[Event 21s]\nStop=peer-1\nExecStart=/bin/true\n";
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;

        g_assert_cmpint(fleet_plan_parse("/a.fleet", text, strlen(text), &plan, NULL), ==, 0);
        g_assert_cmpint(fleet_expand(plan, &expansion, NULL), ==, 0);
        g_assert_cmpuint(expansion->schedule->len, ==, 2);
        g_assert_cmpuint(expansion->n_left_out, ==, 2);
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
        const FleetEntry *x = a, *y = b;

        return x->usec < y->usec ? -1 : x->usec > y->usec;
}

/* The quartiles of 4000 first sessions are those of the distribution: within 6%, which is beyond four
 * standard deviations of each. */
static void test_lengths_have_their_distribution(void)
{
        static const struct {
                const char *session;
                double quartiles[3];
        } cases[] = {
                        {"exponential 10s", {2.877, 6.931, 13.863}},
                        {"uniform 10s 20s", {12.5, 15, 17.5}},
                        {"weibull 10s 2", {5.364, 8.326, 11.774}},
                        {"pareto 2s 1.5", {2.423, 3.175, 5.04}},
                        {"fixed 3s", {3, 3, 3}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text =
                                g_strdup_printf("[Group p]\nImage=/a\nCount=4000\n[Churn p]\nSession=%s\n"
                                                "Absence=fixed 7d\nUntil=7d\n",
                                                cases[i].session);
                g_autoptr(FleetPlan) plan = NULL;
                g_autoptr(FleetExpansion) expansion = NULL;

                g_assert_cmpint(fleet_plan_parse("/a.fleet", text, strlen(text), &plan, NULL), ==, 0);
                g_assert_cmpint(fleet_expand(plan, &expansion, NULL), ==, 0);
                g_assert_cmpuint(expansion->schedule->len, ==, 4000);
                g_array_sort(expansion->schedule, compare_entries);
                for (guint k = 0; k < 3; k++) {
                        double found = (double) g_array_index(
                                                       expansion->schedule, FleetEntry, (k + 1) * 1000)
                                                       .usec /
                                       G_USEC_PER_SEC;

                        g_assert_cmpfloat_with_epsilon(
                                        found, cases[i].quartiles[k], 0.06 * cases[i].quartiles[k]);
                }
        }
}

static void test_values_refusals(void)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                        {"", "f.csv:1: the file is empty"},
                        {"a,b\n1\n", "f.csv:2: 1 fields, and the head has 2"},
                        {"a,a\n", "f.csv:1: the column 'a' is there twice"},
                        {"index\n", "f.csv:1: each member has a field 'index' already"},
                        {"a b\n", "f.csv:1: 'a b' is not the name of a field"},
                        {"a\n\"x\n", "a field of several lines"},
                        {"a\n\"x", "f.csv:2: a quote is not closed"},
                        {"a\nx\"y\n", "f.csv:2: a quote within a field"},
                        {"a\n\x01\n", "control characters"},
                        {"a\n\xff\n", "not text in UTF-8"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                GPtrArray *columns, *rows;
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(fleet_values_parse("f.csv", cases[i].text, strlen(cases[i].text), &columns,
                                                &rows, &error),
                                <, 0);
                g_assert_nonnull(strstr(error.message, cases[i].message));
        }
}

static void test_values_endings(void)
{
        static const char text[] = "a,b\r\n1,\"x\"\r\n2,";
        g_autoptr(GPtrArray) columns = NULL, rows = NULL;

        g_assert_cmpint(fleet_values_parse("f.csv", text, strlen(text), &columns, &rows, NULL), ==, 0);
        g_assert_cmpuint(rows->len, ==, 2);
        g_assert_cmpstr(((char **) rows->pdata[0])[1], ==, "x");
        g_assert_cmpstr(((char **) rows->pdata[1])[1], ==, "");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fleet/expand/same-to-the-byte", test_same_to_the_byte);
        g_test_add_func("/fleet/expand/other-seed", test_other_seed);
        g_test_add_func("/fleet/expand/streams-are-apart", test_streams_are_apart);
        g_test_add_func("/fleet/expand/amounts", test_amounts);
        g_test_add_func("/fleet/expand/choice-is-of-others", test_choice_is_of_others);
        g_test_add_func("/fleet/expand/values-are-quoted", test_values_are_quoted);
        g_test_add_func("/fleet/expand/values-end-their-line", test_values_end_their_line);
        g_test_add_func("/fleet/expand/nothing-after-the-end", test_nothing_after_the_end);
        g_test_add_func("/fleet/expand/lengths-have-their-distribution",
                        test_lengths_have_their_distribution);
        g_test_add_func("/fleet/expand/values-refusals", test_values_refusals);
        g_test_add_func("/fleet/expand/values-endings", test_values_endings);
        return g_test_run();
}
