/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What definitions say of other units: read, refused, written back, and loops found wherever they are. */

#include <glib.h>
#include <string.h>

#include "common/systemd-version.h"
#include "unikernel/order.h"
#include "unikernel/unit-files.h"

#define IMAGE "[Unikernel]\nImage=/a\n"

static Definition *parse_as(const char *name, const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;
        int r = definition_parse(name, "f", text, strlen(text), &definition, &error);

        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(r, ==, 0);
        return definition;
}

/* Several lines are one list, an empty one clears it, and each name is there once, in its short form. */
static void test_names(void)
{
        g_autoptr(Definition) d =
                        parse_as("a", IMAGE "After=x\nAfter=\nAfter=b  c.target\tunikernel@d.service b\n"
                                            "After=e\nRequires=srv-my\\x2ddata.mount\nWants=\n");
        g_auto(GStrv) names = order_names(d, ORDER_AFTER), none = order_names(d, ORDER_WANTS);
        g_autofree char *unit = order_name_unit("b"), *other = order_name_unit("c.target");

        g_assert_cmpstr(d->order[ORDER_AFTER], ==, "b c.target d e");
        g_assert_cmpstr(d->order[ORDER_REQUIRES], ==, "srv-my\\x2ddata.mount");
        g_assert_cmpuint(g_strv_length(names), ==, 4);
        g_assert_cmpuint(g_strv_length(none), ==, 0);
        g_assert_true(order_is_any(d));
        g_assert_true(order_list_has(d->order[ORDER_AFTER], "e"));
        g_assert_false(order_list_has(d->order[ORDER_AFTER], "c"));
        g_assert_false(order_list_has(d->order[ORDER_WANTS], "c"));
        g_assert_cmpstr(unit, ==, "unikernel@b.service");
        g_assert_cmpstr(other, ==, "c.target");
}

#define NO_NAME(shown)                                                                                      \
        "'" shown "' is neither the name of a unikernel (a-z, 0-9 and '-') nor that of a unit with its "    \
        "suffix, such as postgresql.service"

static void test_refusals(void)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                        {"After=B\n", "f:3: After=B: " NO_NAME("B")},
                        {"Wants=b 100%i.service\n", "f:3: Wants=b 100%i.service: " NO_NAME("100%i.service")},
                        {"Requires=../x\n", "f:3: Requires=../x: " NO_NAME("../x")},
                        {"Requires=..\n", "f:3: Requires=..: " NO_NAME("..")},
                        {"Before=getty@.service\n",
                                        "f:3: Before=getty@.service: " NO_NAME("getty@.service")},
                        {"Before=.service\n", "f:3: Before=.service: " NO_NAME(".service")},
                        {"Before=@x.service\n", "f:3: Before=@x.service: " NO_NAME("@x.service")},
                        {"Conflicts=ssh.servic\n", "f:3: Conflicts=ssh.servic: " NO_NAME("ssh.servic")},
                        {"PartOf=\"b\"\n", "f:3: PartOf=\"b\": " NO_NAME("\"b\"")},
                        {"Upholds=b,c\n", "f:3: Upholds=b,c: " NO_NAME("b,c")},
                        {"OnFailure=a/b.service\n", "f:3: OnFailure=a/b.service: " NO_NAME("a/b.service")},
                        {"BindsTo=a\n", "f:3: BindsTo=a: a unikernel cannot name itself: name another"},
                        {"After=unikernel@a.service\n", "f:3: After=unikernel@a.service: a unikernel cannot "
                                                        "name itself: name "
                                                        "another"},
                        {"After=web_next\n", "f:3: After=web_next: 'web_next' is there only during a "
                                             "rolling update of 'web': name that"},
                        {"Wants=unikernel@web_next.service\n",
                                        "f:3: Wants=unikernel@web_next.service: "
                                        "'unikernel@web_next.service' is there only during a rolling update "
                                        "of 'web': name that"},
                        {"RestartSec=soon\n", "f:3: RestartSec=soon: not a time: write a number and ms, s, "
                                              "min or h, "
                                              "such as 5s"},
                        {"RestartSec=-1\n", "f:3: RestartSec=-1: not a time: write a number and ms, s, min "
                                            "or h, such "
                                            "as 5s"},
                        {"StartLimitBurst=0\n", "f:3: StartLimitBurst=0: not a number from 1 to 2147483647"},
                        {"RestartSteps=1001\n", "f:3: RestartSteps=1001: not a number from 1 to 1000"},
                        {"RestartSteps=3\n", "f: RestartSteps= does nothing without RestartMaxDelaySec=: "
                                             "write that "
                                             "too"},
                        {"RestartMaxDelaySec=3\n", "f: RestartMaxDelaySec= does nothing without "
                                                   "RestartSteps=: write that "
                                                   "too"},
                        {"RestartSec=5s\nRestartSteps=3\nRestartMaxDelaySec=5\n",
                                        "f: RestartMaxDelaySec= is not more than RestartSec=: write a "
                                        "longer "
                                        "time"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strconcat(IMAGE, cases[i].text, NULL);
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(Definition) d = NULL;

                g_assert_cmpint(definition_parse("a", "f", text, strlen(text), &d, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_cmpstr(error.message, ==, cases[i].message);
        }
}

/* However many there are, in one line or in several. */
static void test_too_many(void)
{
        g_autoptr(GString) lines = g_string_new(IMAGE), line = g_string_new(IMAGE "Wants=");
        const GString *texts[] = {lines, line};

        for (unsigned i = 0; i < 10000; i++)
                g_string_append_printf(line, "n%u ", i);
        for (unsigned i = 0; i <= ORDER_NAMES_MAX; i++)
                g_string_append_printf(lines, "Wants=n%u\n", i);
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(Definition) d = NULL;

                g_assert_cmpint(definition_parse("a", "f", texts[i]->str, texts[i]->len, &d, &error), <, 0);
                g_test_message("%s", error.message);
                g_assert_true(g_str_has_suffix(
                                error.message, ": 'n64' is one more than the 64 names that a key can have"));
        }
}

static const char *unit_text(const GPtrArray *files)
{
        for (guint i = 0; i < files->len; i++) {
                const UnitFile *file = files->pdata[i];

                if (g_str_equal(file->path, "unikernel@a.service.d/50-shruthi-order.conf"))
                        return file->text;
        }

        return NULL;
}

static char *unit_text_of(const char *text)
{
        g_autofree char *whole = g_strconcat(IMAGE, text, NULL);
        g_autoptr(Definition) d = parse_as("a", whole);
        g_autoptr(GPtrArray) files = unit_files_new(d);

        return g_strdup(unit_text(files));
}

/* Requires= of a unikernel is Wants= and PartOf= and, with After=, a wait of the runner. */
static void test_unit_files(void)
{
        g_autofree char *all =
                        unit_text_of("Requires=b x.service c\nWants=d\nBindsTo=e\nAfter=b x.service e\n"
                                     "Before=f\nConflicts=g shutdown.target\nPartOf=h\nUpholds=i\n"
                                     "OnFailure=mail.service\nRestartSec=5s\nStartLimitIntervalSec=1min\n"
                                     "StartLimitBurst=3\n");
        g_autofree char *restart = unit_text_of("RestartSec=1min 30s\n"),
                        *none = unit_text_of("Restart=always\n");
        g_autofree char *unordered = unit_text_of("Requires=b\nAfter=c\n");

        g_assert_cmpstr(all, ==,
                        "# Made by shruthi-generator: order and restarts of f\n"
                        "[Unit]\n"
                        "Requires=x.service\n"
                        "Wants=unikernel@b.service unikernel@c.service\n"
                        "PartOf=unikernel@b.service unikernel@c.service\n"
                        "Wants=unikernel@d.service\n"
                        "BindsTo=unikernel@e.service\n"
                        "After=unikernel@b.service x.service unikernel@e.service\n"
                        "Before=unikernel@f.service\n"
                        "Conflicts=unikernel@g.service shutdown.target\n"
                        "PartOf=unikernel@h.service\n"
                        "Upholds=unikernel@i.service\n"
                        "OnFailure=mail.service\n"
                        "StartLimitIntervalSec=1min\n"
                        "StartLimitBurst=3\n"
                        "[Service]\n"
                        "RestartSec=5s\n"
                        "Environment=\"SHRUTHI_AWAITED=b\"\n");
        g_assert_cmpstr(restart, ==,
                        "# Made by shruthi-generator: order and restarts of f\n[Service]\nRestartSec=1min "
                        "30s\n");
        g_assert_cmpstr(none, ==, NULL);
        g_assert_cmpstr(unordered, ==,
                        "# Made by shruthi-generator: order and restarts of f\n[Unit]\n"
                        "Wants=unikernel@b.service\nPartOf=unikernel@b.service\nAfter=unikernel@c."
                        "service\n");
}

/* An older systemd would warn of what it does not know. */
static void test_restart_steps(void)
{
        g_autofree char *text = unit_text_of("RestartSteps=3\nRestartMaxDelaySec=1min\n");

        g_assert_cmpstr(text, ==,
                        systemd_version() >= SYSTEMD_VERSION_RESTART_STEPS
                                        ? "# Made by shruthi-generator: order and restarts of f\n[Service]\n"
                                          "RestartSteps=3\nRestartMaxDelaySec=1min\n"
                                        : NULL);
}

static char *find_loop(const char *const *definitions, const char *from)
{
        g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(order_node_destroy);

        for (const char *const *one = definitions; *one; one += 2) {
                g_autofree char *text = g_strconcat(IMAGE, one[1], NULL);
                g_autoptr(Definition) d = parse_as(one[0], text);

                g_ptr_array_add(nodes, order_node_new(d));
        }

        return order_find_loop(nodes, from);
}

static void test_loops(void)
{
        static const struct {
                const char *definitions[9], *from, *loop;
        } cases[] = {
                        {{"a", "After=b\n", "b", "After=c\n", "c", "Requires=a\n"}, NULL, NULL},
                        {{"a", "After=b\n", "b", "After=a\n"}, "a", "a → b → a"},
                        {{"a", "After=b\n", "b", "After=a\n"}, NULL, "a → b → a"},
                        {{"a", "After=b\nBefore=b\n"}, "a", "a → b → a"},
                        {{"a", "Before=b\n", "b", "Before=a\n"}, "a", "a → b → a"},
                        {{"a", "After=b\n", "b", "After=c\n", "a2", "After=a\n", "c", "Before=x\nAfter=a\n"},
                                        "a", "a → b → c → a"},
                        /* One that is not its own is not its fault. */
                        {{"a", "After=b\n", "b", "After=c\n", "c", "After=b\n"}, "a", NULL},
                        {{"a", "After=b\n", "b", "After=c\n", "c", "After=b\n"}, NULL, "b → c → b"},
                        {{"a", "After=c\nAfter=b\n", "b", "After=c\n", "c", "Wants=a\n"}, NULL, NULL},
                        /* Through a unit of the host's. */
                        {{"a", "After=x.target\n", "b", "Before=x.target\nAfter=a\n"}, "b",
                                        "b → a → x.target → b"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *loop = find_loop(cases[i].definitions, cases[i].from);

                g_test_message("case %zu", i);
                g_assert_cmpstr(loop, ==, cases[i].loop);
        }
}

/* As long as there are definitions, and shown in one line all the same. */
static void test_long_loop(void)
{
        g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(order_node_destroy);
        g_autofree char *loop = NULL, *none = NULL;

        for (unsigned i = 0; i < 20000; i++) {
                OrderNode *node = g_new0(OrderNode, 1);

                node->name = g_strdup_printf("n%u", i);
                node->lists[ORDER_AFTER] = g_strdup_printf("n%u", i + 1);
                g_ptr_array_add(nodes, node);
        }
        none = order_find_loop(nodes, NULL);
        g_assert_cmpstr(none, ==, NULL);
        g_free(((OrderNode *) nodes->pdata[19999])->lists[ORDER_AFTER]);
        ((OrderNode *) nodes->pdata[19999])->lists[ORDER_AFTER] = g_strdup("n0");
        loop = order_find_loop(nodes, "n0");
        g_assert_true(g_str_has_prefix(loop, "n0 → n1 → "));
        g_assert_nonnull(strstr(loop, " → n11 → … → n19988 → "));
        g_assert_true(g_str_has_suffix(loop, " → n19999 → n0"));
        g_assert_cmpuint(strlen(loop), <, 400);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/order/lists-are-read", test_names);
        g_test_add_func("/order/refuses-what-is-no-name", test_refusals);
        g_test_add_func("/order/refuses-65-names", test_too_many);
        g_test_add_func("/order/becomes-a-drop-in", test_unit_files);
        g_test_add_func("/order/steps-are-for-a-systemd-that-knows-them", test_restart_steps);
        g_test_add_func("/order/finds-loops", test_loops);
        g_test_add_func("/order/finds-a-loop-of-20000", test_long_loop);
        return g_test_run();
}
