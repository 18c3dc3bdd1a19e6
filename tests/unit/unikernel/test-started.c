/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest was started with is told from what a start would make of its definition now, and from nothing
 * else. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/started.h"

#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"
#define START                                                                                               \
        "[Unikernel]\nImage=" DIGEST                                                                        \
        "\nArguments=--a {name}  \"b\nMemory=64M\nCPUs=2\nRestartSteps=2\nRestartMaxDelaySec=1min\n"        \
        "UpdateFrom=/c\n"                                                                                  \
        "[Network x]\nBridge=br0\nAddress=auto\n[Network z]\nAddress=auto\nPublish=9090:80\n"               \
        "[Volume v]\nVolume=c\n"

typedef struct Fixture {
        char *root, *dir;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-started-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
        f->dir = paths_unikernel_runtime("a");
        g_assert_cmpint(g_mkdir_with_parents(f->dir, 0700), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        fixture_remove_tree(f->root);
        paths_set_root(NULL);
        g_free(f->dir);
        g_free(f->root);
}

static Definition *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;
        int r = definition_parse("a", "a", text, strlen(text), &definition, &error);

        if (r < 0)
                g_error("%s", error_message(&error, r));
        return definition;
}

/* START with one change. */
typedef struct Change {
        const char *type, *name, *key, *value;
} Change;

static char *text_with(const Change *change)
{
        return definition_text_set(START, change->type, change->name, change->key, change->value);
}

static Definition *load_other(const char *text)
{
        g_autoptr(Definition) definition = parse(text);

        return started_load_other("a", definition);
}

static const Change same[] = {
                {"Unikernel", NULL, "Memory", "65536K"},
                {"Unikernel", NULL, "Owner", "7"},
                {"Unikernel", NULL, "Group", "8"},
                {"Unikernel", NULL, "Autostart", "yes"},
                {"Unikernel", NULL, "Restart", "always"},
                {"Unikernel", NULL, "UpdateFrom", "/a"},
                {"Unikernel", NULL, "UpdateVerify", "sha256sums:/a"},
                {"Unikernel", NULL, "Fleet", "f"},
                {"Unikernel", NULL, "RestartSec", "2s"},
                {"Unikernel", NULL, "RestartSteps", "3"},
                {"Unikernel", NULL, "RestartMaxDelaySec", "2min"},
                {"Unikernel", NULL, "StartLimitIntervalSec", "1min"},
                {"Unikernel", NULL, "StartLimitBurst", "3"},
                {"Unikernel", NULL, "Requires", "b"},
                {"Unikernel", NULL, "Wants", "b"},
                {"Unikernel", NULL, "BindsTo", "b"},
                {"Unikernel", NULL, "After", "b"},
                {"Unikernel", NULL, "Before", "b"},
                {"Unikernel", NULL, "Conflicts", "b"},
                {"Unikernel", NULL, "PartOf", "b"},
                {"Unikernel", NULL, "Upholds", "b"},
                {"Unikernel", NULL, "OnFailure", "b"},
                {"Unikernel", NULL, "CPUWeight", "5"},
                {"Unikernel", NULL, "CPUQuota", "5%"},
                {"Unikernel", NULL, "AllowedCPUs", "0"},
                {"Unikernel", NULL, "IOWeight", "5"},
                {"Unikernel", NULL, "IOReadBandwidthMax", "1M"},
                {"Unikernel", NULL, "IOWriteBandwidthMax", "1M"},
                {"Unikernel", NULL, "IOReadIOPSMax", "5"},
                {"Unikernel", NULL, "IOWriteIOPSMax", "5"},
                {"Unikernel", NULL, "MemoryHigh", "128M"},
                {"Unikernel", NULL, "MemoryMax", "128M"},
};

static const Change others[] = {
                {"Volume", "w", "Volume", "d"},
                {"Volume", "v", "ReadOnly", "yes"},
                {"Volume", "v", "Volume", "d"},
                {"Network", "x", "Bandwidth", "1M"},
                {"Network", "x", "Isolation", "no"},
                {"Network", "x", "Publish", "8080:80"},
                {"Network", "x", "Bridge", "br1"},
                {"Network", "x", NULL, NULL},
                {"Unikernel", NULL, "Memory", "32M"},
                {"Unikernel", NULL, "CPUs", "3"},
                {"Unikernel", NULL, "Arguments", NULL},
                {"Unikernel", NULL, "Initrd", "/a"},
                {"Unikernel", NULL, "Ready", "console:a"},
                {"Unikernel", NULL, "ReadyTimeoutSec", "1s"},
                {"Unikernel", NULL, "Healthy", "ping:x"},
                {"Unikernel", NULL, "HealthyIntervalSec", "1s"},
                {"Unikernel", NULL, "HealthyRetries", "1"},
                {"Unikernel", NULL, "Watchdog", "console"},
                {"Unikernel", NULL, "Activation", "traffic"},
                {"Unikernel", NULL, "StopWhenIdleSec", "1min"},
                {"Unikernel", NULL, "Image", "/b"},
                {"Volume", "v", "Size", "64K"},
                {"Unikernel", NULL, "Architecture", "aarch64"},
                {"Volume", "w", "Path", "/a"},
                {"Network", "x", "MACAddress", "52:54:00:00:00:01"},
                {"Network", "y", "Network", "d"},
                {"Network", "x", "Address", "none"},
                {"Credentials", "k", "LoadCredential", "a"},
                {"Credentials", "k", "LoadCredentialEncrypted", "a"},
};

static bool has_key(const Change *changes, size_t n, const Setting *setting)
{
        for (size_t i = 0; i < n; i++)
                if (g_strcmp0(changes[i].key, setting->key) == 0 &&
                                g_str_equal(changes[i].type, setting_section_to_string(setting->section)))
                        return true;

        return false;
}

/* Each setting is among what counts without a start, or among what does not. */
static void test_each_setting_is_tried(void)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                bool at_once = setting_table[id].flags & SETTING_WITHOUT_START;

                g_test_message("%s", setting_table[id].key);
                g_assert_true(at_once ? has_key(same, G_N_ELEMENTS(same), &setting_table[id])
                                      : has_key(others, G_N_ELEMENTS(others), &setting_table[id]));
        }
}

static void test_the_same_is_no_other(Fixture *f, const void *data)
{
        g_autoptr(Definition) started = parse(START);

        g_assert_cmpint(started_write("a", started), ==, 0);
        g_assert_null(load_other("# a comment\n" START));
        for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
                g_autofree char *text = text_with(&same[i]);

                g_assert_null(load_other(text));
        }
}

static void test_each_difference_shows(Fixture *f, const void *data)
{
        g_autoptr(Definition) started = parse(START);

        g_assert_cmpint(started_write("a", started), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autofree char *text = text_with(&others[i]);
                g_autoptr(Definition) other = load_other(text);

                g_assert_nonnull(other);
                g_assert_cmpuint(other->memory, ==, 64 * 1024 * 1024);
                g_assert_cmpstr(other->arguments, ==, "--a {name}  \"b");
        }
}

/* Its definition is gone or broken. */
static void test_is_known_without_a_definition(Fixture *f, const void *data)
{
        g_autoptr(Definition) started = parse(START), other = NULL;

        g_assert_cmpint(started_write("a", started), ==, 0);
        other = started_load_other("a", NULL);
        g_assert_cmpstr(other->image, ==, DIGEST);
}

/* Of a version before or after this one. */
static void test_what_cannot_be_read_tells_nothing(Fixture *f, const void *data)
{
        g_assert_null(load_other(START));
        fixture_put(f->dir, "started", "[Unikernel]\nImage=/a\nNeverHeardOf=1\n");
        g_assert_null(load_other(START));
        fixture_put(f->dir, "started", "# another hand\n[Unikernel]\nCPUs=1\nImage=/a\n");
        g_assert_null(load_other("[Unikernel]\nImage=/a\n"));
}

static void test_devices(void)
{
        static const Change cpus = {"Unikernel", NULL, "CPUs", "3"}, read_only = {"Volume", "v", "ReadOnly", "yes"},
                            more = {"Volume", "w", "Volume", "d"};
        g_autofree char *with_cpus = text_with(&cpus), *with_read_only = text_with(&read_only),
                        *with_more = text_with(&more);
        g_autoptr(Definition) a = parse(START), b = parse(with_cpus), c = parse(with_read_only),
                              d = parse(with_more);

        g_assert_true(started_devices_equal(a, b));
        g_assert_false(started_devices_equal(a, c));
        g_assert_false(started_devices_equal(a, d));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/unikernel/started/the-same-is-no-other", Fixture, NULL, set_up, test_the_same_is_no_other,
                        tear_down);
        g_test_add("/unikernel/started/each-difference-shows", Fixture, NULL, set_up,
                        test_each_difference_shows, tear_down);
        g_test_add("/unikernel/started/is-known-without-a-definition", Fixture, NULL, set_up,
                        test_is_known_without_a_definition, tear_down);
        g_test_add("/unikernel/started/what-cannot-be-read-tells-nothing", Fixture, NULL, set_up,
                        test_what_cannot_be_read_tells_nothing, tear_down);
        g_test_add_func("/unikernel/started/devices", test_devices);
        g_test_add_func("/unikernel/started/each-setting-is-tried", test_each_setting_is_tried);
        return g_test_run();
}
