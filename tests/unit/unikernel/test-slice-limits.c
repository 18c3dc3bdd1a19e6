/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a definition says of what its guest may use: read, refused, and given to systemd as it was meant. */

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/guest-slice.h"
#include "unikernel/slice-limits.h"
#include "unikernel/unit-files.h"

/* A stored one that is not there: so no process. */
#define IMAGE                                                                                               \
        "[Unikernel]\nImage=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
#define MIB   (UINT64_C(1) << 20)

static Definition *parse(const char *limits)
{
        g_autofree char *text = g_strconcat(IMAGE, limits, NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        (void) definition_parse("a-b", "f", text, strlen(text), &definition, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return definition;
}

static void test_accepted(void)
{
        static const struct {
                const char *text, *slice;
        } cases[] = {
                        {"", ""},
                        {"CPUWeight=1\n", "CPUWeight=1\n"},
                        {"CPUWeight=10000\n", "CPUWeight=10000\n"},
                        {"CPUWeight=idle\n", "CPUWeight=idle\n"},
                        {"CPUQuota=20%\n", "CPUQuota=20%\n"},
                        {"CPUQuota=0.01%\n", "CPUQuota=0.01%\n"},
                        {"CPUQuota=12.5%\n", "CPUQuota=12.5%\n"},
                        {"CPUQuota=100000%\n", "CPUQuota=100000%\n"},
                        {"AllowedCPUs=0-3,6 9\n", "AllowedCPUs=0-3,6 9\n"},
                        {"AllowedCPUs=8191\n", "AllowedCPUs=8191\n"},
                        {"IOWeight=7\n", "IOWeight=7\n"},
                        {"IOReadBandwidthMax=10M\n", "IOReadBandwidthMax=/var/lib/shruthi/volumes 10M\n"},
                        {"IOWriteBandwidthMax=/srv/a  1K\nIOWriteBandwidthMax=2G\n",
                                        "IOWriteBandwidthMax=/srv/a 1K\n"
                                        "IOWriteBandwidthMax=/var/lib/shruthi/volumes 2G\n"},
                        {"IOReadIOPSMax=1\nIOReadIOPSMax=2\n", "IOReadIOPSMax=/var/lib/shruthi/volumes 2\n"},
                        {"IOReadIOPSMax=1\nIOReadIOPSMax=\n", ""},
                        {"IOReadIOPSMax=/ 1\n", "IOReadIOPSMax=/ 1\n"},
                        {"IOWriteIOPSMax=/dev/sda 1000T\n", "IOWriteIOPSMax=/dev/sda 1000T\n"},
                        {"MemoryHigh=1M\n", "MemoryHigh=1M\n"},
                        {"MemoryHigh=64M\nMemoryMax=64M\n", "MemoryHigh=64M\nMemoryMax=64M\n"},
                        {"MemoryMax=32T\n", "MemoryMax=32T\n"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = parse(cases[i].text);
                g_autofree char *slice = slice_limits_format(definition);

                g_assert_cmpstr(slice, ==, cases[i].slice);
                g_assert_cmpint(definition_has_limits(definition), ==, *cases[i].slice != 0);
        }
}

#define NO_QUOTA                                                                                            \
        "not a share of one processor's time: write a number from 0.01% to 100000%, such as 20%, or 200% "  \
        "for two processors"
#define NO_PROCESSOR "is neither the number of a processor nor a range of numbers, such as 0-3,6"
#define NO_BYTES                                                                                            \
        "not a limit: write bytes a second with K, M, G or T (base 1000), such as 10M for the file system " \
        "of the volumes, or /srv/disk 10M for that of a path"
#define NO_IOPS                                                                                             \
        "not a limit: write operations a second with K, M, G or T (base 1000), such as 500 for the file "   \
        "system of the volumes, or /srv/disk 500 for that of a path"
#define NO_SIZE "not a size: write a whole number and K, M, G or T (base 1024), such as 64M"
#define OUT     "out of range: write 1M to 32T, which is for the guest and QEMU together"

static void test_refused(void)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                        {"CPUWeight=0", "not a number from 1 to 10000, or idle"},
                        {"CPUWeight=10001", "not a number from 1 to 10000, or idle"},
                        {"CPUWeight=5%", "not a number from 1 to 10000, or idle"},
                        {"CPUQuota=20", NO_QUOTA},
                        {"CPUQuota=0%", NO_QUOTA},
                        {"CPUQuota=0.00%", NO_QUOTA},
                        {"CPUQuota=-1%", NO_QUOTA},
                        {"CPUQuota=1.234%", NO_QUOTA},
                        {"CPUQuota=1.%", NO_QUOTA},
                        {"CPUQuota=%", NO_QUOTA},
                        {"CPUQuota=5%%", NO_QUOTA},
                        {"CPUQuota=100001%", NO_QUOTA},
                        {"CPUQuota=99999999999999999999%", NO_QUOTA},
                        {"CPUQuota=infinity", NO_QUOTA},
                        {"AllowedCPUs=a", "'a' " NO_PROCESSOR},
                        {"AllowedCPUs=0,3-1", "'3-1' " NO_PROCESSOR},
                        {"AllowedCPUs=1-", "'1-' " NO_PROCESSOR},
                        {"AllowedCPUs=-1", "'-1' " NO_PROCESSOR},
                        {"AllowedCPUs=0-8192", "'0-8192' " NO_PROCESSOR},
                        {"AllowedCPUs=,", "no processor: write their numbers, such as 0-3,6"},
                        {"IOWeight=0", "not a number from 1 to 10000"},
                        {"IOWeight=idle", "not a number from 1 to 10000"},
                        {"IOReadBandwidthMax=0", "out of range: write 1 to 1000T"},
                        {"IOReadBandwidthMax=1001T", "out of range: write 1 to 1000T"},
                        {"IOReadBandwidthMax=99999999999999999999", "out of range: write 1 to 1000T"},
                        {"IOReadBandwidthMax=10MB", NO_BYTES},
                        {"IOReadBandwidthMax=/srv/a", NO_BYTES},
                        {"IOReadBandwidthMax=10M /srv/a", NO_BYTES},
                        {"IOWriteBandwidthMax=/srv/a /srv/b 1M", NO_BYTES},
                        {"IOWriteBandwidthMax=/srv/../a 1M", NO_BYTES},
                        {"IOWriteBandwidthMax=/srv/%H 1M", NO_BYTES},
                        {"IOWriteBandwidthMax=\"/srv/a\" 1M", NO_BYTES},
                        {"IOWriteBandwidthMax=/srv/a\\x20 1M", NO_BYTES},
                        {"IOReadIOPSMax=many", NO_IOPS},
                        {"IOWriteIOPSMax=-5", NO_IOPS},
                        {"MemoryHigh=50%", NO_SIZE},
                        {"MemoryHigh=infinity", NO_SIZE},
                        {"MemoryMax=0", OUT},
                        {"MemoryMax=1023K", OUT},
                        {"MemoryMax=33T", OUT},
                        {"MemoryMax=99999999999999999999T", OUT},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strconcat(IMAGE, cases[i].text, "\n", NULL),
                                *message = g_strdup_printf("f:3: %s: %s", cases[i].text, cases[i].message);
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(Definition) definition = NULL;

                g_assert_cmpint(definition_parse("a", "f", text, strlen(text), &definition, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_cmpstr(error.message, ==, message);
        }
}

/* systemd reads the slice before names can be looked up. */
static void test_owner_by_name(void)
{
        static const char text[] = IMAGE "Owner=root\nCPUQuota=5%\n", plain[] = IMAGE "Owner=root\n";
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Definition) definition = NULL, unlimited = NULL;

        g_assert_cmpint(definition_parse("a", "f", text, strlen(text), &definition, &error), <, 0);
        g_assert_cmpstr(error.message, ==,
                        "f: Owner= is a name, but the limits of the guest are needed before names of users "
                        "can be "
                        "looked up: write the number of the user (id -u)");
        g_assert_cmpint(definition_parse("a", "f", plain, strlen(plain), &unlimited, NULL), ==, 0);
}

static void test_too_many_paths(void)
{
        g_autoptr(GString) text = g_string_new(IMAGE);
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Definition) definition = NULL;

        for (unsigned i = 0; i <= IO_LIMIT_PATHS_MAX; i++)
                g_string_append_printf(text, "IOReadIOPSMax=/dev/d%u 1\n", i);
        g_assert_cmpint(definition_parse("a", "f", text->str, text->len, &definition, &error), <, 0);
        g_assert_cmpstr(error.message, ==,
                        "f:19: IOReadIOPSMax=/dev/d16 1: one path too many: write at most 16");
}

/* A guest that cannot live with them is not started, and who sets them is told the figure. */
static void test_host(void)
{
        g_autofree char *none = g_strdup_printf("AllowedCPUs=0,%ld\n", sysconf(_SC_NPROCESSORS_CONF)),
                        *last = g_strdup_printf("AllowedCPUs=0-%ld\n", sysconf(_SC_NPROCESSORS_CONF) - 1),
                        *no_processor = g_strdup_printf(
                                        "AllowedCPUs=0,%ld names a processor that this host does "
                                        "not have: write numbers from 0 to %ld",
                                        sysconf(_SC_NPROCESSORS_CONF), sysconf(_SC_NPROCESSORS_CONF) - 1);
        const struct {
                const char *text, *message;
        } cases[] = {
                        {"MemoryMax=64M\n", NULL},
                        {"MemoryMax=63M\n", "MemoryMax=63M is too little: the guest has 32M, and QEMU needs "
                                            "32M more "
                                            "(MemoryOverhead= of shruthi.conf); write 64M or more"},
                        {"MemoryHigh=32M\n", "MemoryHigh=32M is too little: the guest has 32M, and QEMU "
                                             "needs 32M more "
                                             "(MemoryOverhead= of shruthi.conf); write 64M or more"},
                        {last, NULL},
                        {none, no_processor},
                        {"", NULL},
        };
        const Conf conf = {.memory_overhead = 32 * MIB};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = parse(cases[i].text);
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_true((slice_limits_check(definition, 32 * MIB, NULL, &conf, &error) < 0) ==
                                (cases[i].message != NULL));
                g_assert_cmpstr(error.message, ==, cases[i].message);
        }
}

/* One that is a process needs nothing else. */
#define NEEDED                                                                                              \
        " is too little: the guest has 32M, and its runner and the kernel need up to 16M more; write 48M or " \
        "more"

static void test_host_without_overhead(void)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                        {"MemoryMax=48M\n", NULL},
                        {"MemoryHigh=48M\nMemoryMax=48M\n", NULL},
                        {"MemoryMax=47M\n", "MemoryMax=47M" NEEDED},
                        {"MemoryHigh=1M\nMemoryMax=47M\n", "MemoryHigh=1M" NEEDED},
                        {"", NULL},
        };

        const ImageInfo process = {.boot = IMAGE_BOOT_PROCESS};
        const Conf conf = {.memory_overhead = 32 * MIB};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = parse(cases[i].text);
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(slice_limits_check(definition, 32 * MIB, &process, &conf, &error), ==,
                                cases[i].message ? -EBADMSG : 0);
                g_assert_cmpstr(error.message, ==, cases[i].message);
        }
}

static void test_equal(void)
{
        g_autoptr(Definition) a = parse("CPUQuota=5%\n"), b = parse("Memory=1M\nCPUQuota=5%\n"),
                              c = parse("CPUQuota=6%\n"), none = parse("");

        g_assert_true(slice_limits_equal(a, b));
        g_assert_false(slice_limits_equal(a, c));
        g_assert_false(slice_limits_equal(NULL, c));
        g_assert_true(slice_limits_equal(NULL, none));
}

static void test_without_effect(void)
{
        static const char limits[] = "CPUQuota=5%\nAllowedCPUs=0\nIOWeight=7\nMemoryMax=64M\n";
        g_autofree char *root = g_dir_make_tmp("slice-limits-XXXXXX", NULL);
        g_auto(GStrv) elsewhere = NULL, some = NULL;

        paths_set_root(root);
        fixture_put(root, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
        elsewhere = slice_limits_without_effect(limits, "/f", false);
        some = slice_limits_without_effect(limits, "/f", true);
        g_assert_cmpuint(g_strv_length(elsewhere), ==, 4);
        g_assert_cmpuint(g_strv_length(some), ==, 2);
        g_assert_cmpstr(some[0], ==, "AllowedCPUs=0 (/f)");
        g_assert_cmpstr(some[1], ==, "IOWeight=7 (/f)");
        paths_set_root(NULL);
        fixture_remove_tree(root);
}

static const char *file_text(const GPtrArray *files, const char *path)
{
        for (guint i = 0; i < files->len; i++) {
                const UnitFile *file = files->pdata[i];

                if (g_str_equal(file->path, path))
                        return file->text;
        }

        return NULL;
}

static void test_unit_files(void)
{
        g_autoptr(Definition) definition = parse("Owner=1000\nCPUQuota=5%\nIOReadBandwidthMax=1M\n"),
                              none = parse("Owner=1000\n");
        g_autoptr(GPtrArray) files = unit_files_new(definition), no_files = unit_files_new(none);

        g_assert_cmpuint(no_files->len, ==, 0);
        g_assert_cmpuint(files->len, ==, 2);
        g_assert_cmpstr(file_text(files, "unikernel@a-b.service.d/50-shruthi-limits.conf"), ==,
                        "# Made by shruthi-generator: the limits of the guest, as in f, are in "
                        "unikernel-1000-a\\x2db.slice\n");
        g_assert_cmpstr(file_text(files, "unikernel-1000-a\\x2db.slice.d/00-shruthi-limits.conf"), ==,
                        "# Made by shruthi-generator: limits of f\n[Slice]\nCPUQuota=5%\n"
                        "IOReadBandwidthMax=/var/lib/shruthi/volumes 1M\n");
}

/* systemd is told of each change, also of what no longer is. */
static void test_unit_files_are_there(void)
{
        g_autoptr(Definition) definition = parse("Owner=1000\nCPUQuota=5%\n"),
                              other = parse("Owner=1000\nCPUQuota=6%\n"),
                              anothers = parse("Owner=1001\nCPUQuota=5%\n"), none = parse("Owner=1000\n");
        g_autoptr(GPtrArray) files = unit_files_new(definition);
        g_autofree char *dir = g_dir_make_tmp("slice-limits-XXXXXX", NULL);

        g_assert_false(unit_files_are_there(dir, "a-b", definition));
        g_assert_true(unit_files_are_there(dir, "a-b", none));
        g_assert_cmpint(unit_files_write(dir, files), ==, 0);
        g_assert_true(unit_files_are_there(dir, "a-b", definition));
        g_assert_false(unit_files_are_there(dir, "a-b", other));
        g_assert_false(unit_files_are_there(dir, "a-b", anothers));
        g_assert_false(unit_files_are_there(dir, "a-b", none));
        g_assert_false(unit_files_are_there(dir, "a-b", NULL));
        fixture_remove_tree(dir);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/slice-limits/are-accepted-as-by-systemd", test_accepted);
        g_test_add_func("/slice-limits/are-refused-with-what-is-right", test_refused);
        g_test_add_func("/slice-limits/want-the-number-of-the-owner", test_owner_by_name);
        g_test_add_func("/slice-limits/have-a-limit-of-paths", test_too_many_paths);
        g_test_add_func("/slice-limits/are-refused-if-this-host-cannot-work-with-them", test_host);
        g_test_add_func("/slice-limits/of-a-process-hold-its-memory", test_host_without_overhead);
        g_test_add_func("/slice-limits/are-compared", test_equal);
        g_test_add_func("/slice-limits/without-effect-are-known", test_without_effect);
        g_test_add_func("/slice-limits/are-of-the-slice-of-the-owner", test_unit_files);
        g_test_add_func("/slice-limits/are-compared-with-what-systemd-has", test_unit_files_are_there);
        return g_test_run();
}
