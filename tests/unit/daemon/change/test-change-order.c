/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users order what is theirs, and nothing of the host's or of others. */

#include <string.h>

#include "change-fixture.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/order.h"

static void put_owned(const char *name, uid_t owner, const char *more)
{
        g_autofree char *file = g_strconcat(name, ".unikernel", NULL);
        g_autofree char *text =
                        g_strdup_printf("[Unikernel]\nImage=/x\nOwner=%u\n%s", (unsigned) owner, more);

        fixture_put(paths_state_definitions(), file, text);
}

/* The others, as the loop hands them over. */
static void add_order(ChangeFixture *f, const char *name)
{
        g_autoptr(Definition) definition = load_definition(name);

        g_assert_nonnull(definition);
        g_ptr_array_add(f->request.orders, order_node_new(definition));
}

static void begin_set(ChangeFixture *f, uid_t uid, SettingID id, const char *value)
{
        change_reset(f, CHANGE_SETTINGS, uid);
        settings_put(f->request.settings, id, value);
}

/* By key and name: what a user may. Alice is in group ALICE; group.unikernel belongs to it. */
static void test_rights(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                const char *name;
                bool any, but_reaching_out; /* with any key; with those that do not stop, delay or hold
                                               another */
        } cases[] = {
                        {"own", true, true},
                        {"shared", true, true},
                        {"his", false, false},
                        {"roots", false, false},
                        {"nobodys", false, false},
                        {"own shared", true, true},
                        {"own his", false, false},
                        {"unikernel@own.service", true, true},
                        {"unikernel@his.service", false, false},
                        {"unikernel@open.service", false, true},
                        {"open", false, true},
                        {"backup-db.timer", false, true},
                        {"backup-db.service", false, false},
                        {"ssh.service", false, false},
                        {"reboot.target", false, false},
                        {"unikernels.target", false, false},
        };

        f->dependencies[0] = (char *) "backup-*.timer";
        f->dependencies[1] = (char *) "*.timer";
        f->dependencies[2] = (char *) "unikernel@open.*";
        put_owned("own", ALICE, "");
        put_owned("shared", BOB, "Group=1001\n");
        put_owned("his", BOB, "");
        put_owned("open", BOB, "");
        put_owned("roots", 0, "");
        create_hello(f, ALICE);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                for (SettingID id = SETTING_REQUIRES; id <= SETTING_ON_FAILURE; id++) {
                        bool reaching_out = id == SETTING_BEFORE || id == SETTING_CONFLICTS ||
                                            id == SETTING_UPHOLDS;

                        g_test_message("%s=%s", setting_table[id].key, cases[i].name);
                        begin_set(f, ALICE, id, cases[i].name);
                        if (reaching_out ? cases[i].any : cases[i].but_reaching_out)
                                expect_change(f);
                        else {
                                expect_refusal(f, ERROR_ACCESS_DENIED, true);
                                change_result_clear(&f->result);
                                f->request.administer = true;
                                expect_change(f);
                        }
                        begin_set(f, ALICE, id, "");
                        expect_change(f);
                }
}

/* A pattern that is not about unikernels opens none of another's. */
static void test_pattern(ChangeFixture *f, gconstpointer data)
{
        f->dependencies[0] = (char *) "*";
        put_owned("his", BOB, "");
        create_hello(f, ALICE);
        begin_set(f, ALICE, SETTING_WANTS, "his");
        expect_refusal(f, ERROR_ACCESS_DENIED, true);
        begin_set(f, ALICE, SETTING_WANTS, "ssh.service");
        expect_change(f);
}

/* What an administrator has put there stays, and nothing is added to it; nor in another key. */
static void test_stays(ChangeFixture *f, gconstpointer data)
{
        create_hello(f, ALICE);
        begin_set(f, 0, SETTING_AFTER, "ssh.service");
        expect_change(f);
        begin_set(f, ALICE, SETTING_CPUS, "2");
        expect_change(f);
        begin_set(f, ALICE, SETTING_AFTER, "ssh.service cron.service");
        expect_refusal(f, ERROR_ACCESS_DENIED, true);
        g_assert_cmpstr(f->result.error.message, ==,
                        "After=cron.service: only an administrator may name a unit that "
                        "AllowedDependencies= of "
                        "shruthi.conf does not list");
        begin_set(f, ALICE, SETTING_CONFLICTS, "ssh.service");
        expect_refusal(f, ERROR_ACCESS_DENIED, true);
}

/* The name of one that is gone is not there for others to step in. */
static void test_name(ChangeFixture *f, gconstpointer data)
{
        put_owned("his", BOB, "Conflicts=hello\n");
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        add_order(f, "his");
        expect_refusal(f, ERROR_ACCESS_DENIED, true);
        g_assert_nonnull(strstr(f->result.error.message, "Conflicts="));
        change_reset(f, CHANGE_CREATE, BOB);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        add_order(f, "his");
        expect_change(f);
}

static void test_loop(ChangeFixture *f, gconstpointer data)
{
        put_owned("b", ALICE, "After=c\n");
        put_owned("c", ALICE, "Before=d\nAfter=hello\n");
        create_hello(f, ALICE);
        begin_set(f, ALICE, SETTING_AFTER, "b");
        add_order(f, "b");
        add_order(f, "c");
        expect_refusal(f, ERROR_INVALID_DEFINITION, false);
        g_assert_nonnull(strstr(f->result.error.message, ": hello → b → c → hello;"));
        /* Whoever sets it. */
        begin_set(f, 0, SETTING_AFTER, "b");
        add_order(f, "b");
        add_order(f, "c");
        expect_refusal(f, ERROR_INVALID_DEFINITION, false);
        begin_set(f, ALICE, SETTING_REQUIRES, "b");
        add_order(f, "b");
        add_order(f, "c");
        expect_change(f);
}

/* More than a start a second is not for users, by whichever key. */
static void test_start_limit(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                const char *interval, *burst;
                bool ok;
        } cases[] = {
                        {"10s", "5", true},
                        {"1min", "60", true},
                        {"1min", "61", false},
                        {"0", "5", false},
                        {"4s", "", false},
                        {"", "10", true},
                        {"", "11", false},
                        {"500ms", "1", false},
        };

        create_hello(f, ALICE);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("case %zu", i);
                begin_set(f, ALICE, SETTING_START_LIMIT_INTERVAL_SEC, cases[i].interval);
                settings_put(f->request.settings, SETTING_START_LIMIT_BURST, cases[i].burst);
                if (cases[i].ok)
                        expect_change(f);
                else
                        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
        }
}

/* One reload for what systemd must know, and none for what it knows. */
static void test_reload(ChangeFixture *f, gconstpointer data)
{
        put_owned("b", ALICE, "");
        create_hello(f, ALICE);
        begin_set(f, ALICE, SETTING_AFTER, "b");
        expect_change(f);
        g_assert_true(f->result.reload);
        change_generate(f);
        begin_set(f, ALICE, SETTING_AFTER, "b  b");
        expect_change(f);
        g_assert_false(f->result.reload);
        begin_set(f, ALICE, SETTING_AFTER, "");
        expect_change(f);
        g_assert_true(f->result.reload);
}

#define ADD(path, function)                                                                                 \
        g_test_add("/daemon/change-order/" path, ChangeFixture, NULL, change_set_up, function,              \
                        change_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("users-order-their-own", test_rights);
        ADD("a-pattern-opens-no-unikernel", test_pattern);
        ADD("what-stands-stays", test_stays);
        ADD("names-of-others'-definitions-are-taken", test_name);
        ADD("loops-are-refused", test_loop);
        ADD("starts-are-limited", test_start_limit);
        ADD("systemd-reloads-once", test_reload);
        return g_test_run();
}
