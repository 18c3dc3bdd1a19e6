/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files a caller may name, which journal they get, which calls are too large: what stands between them
 * and the host. */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bus-message.h"
#include "common/io.h"
#include "daemon/access/call-limits.h"
#include "daemon/access/subscribers.h"
#include "daemon/bus/log-stream.h"
#include "daemon/change/image-access.h"
#include "daemon/state/enabled.h"
#include "daemon/state/unikernel-access.h"
#include "fixture/files.h"

static char *root;

static char *file(const char *relative)
{
        char *path = g_build_filename(root, relative, NULL);
        g_autofree char *dir = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
        return path;
}

static char *write_file(const char *relative)
{
        char *path = file(relative);

        g_assert_true(g_file_set_contents(path, "x", 1, NULL));
        return path;
}

static void test_directory(void)
{
        char *directories[] = {(char *) "/srv/a", (char *) "/srv/b/", NULL};

        g_assert_cmpstr(image_path_directory("/srv/a/x", directories), ==, "/srv/a");
        g_assert_cmpstr(image_path_directory("/srv/b/x/y", directories), ==, "/srv/b/");
        g_assert_null(image_path_directory("/srv/ab/x", directories));
        g_assert_null(image_path_directory("/srv/a", directories));
        g_assert_null(image_path_directory("/srv/a/", directories));
        g_assert_null(image_path_directory("/etc/shadow", directories));
        g_assert_null(image_path_directory("/srv/a/x", NULL));
}

static void opens(const char *path, char **directories, bool administer, int code)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        int r = image_path_open(path, directories, administer, &fd, &error);

        g_test_message("%s", path);
        if (code < 0) {
                g_assert_cmpint(r, ==, 0);
                g_assert_cmpint(fd, >=, 0);
                return;
        }
        g_assert_cmpint(r, <, 0);
        g_assert_cmpint(error.code, ==, code);
}

/* A link at any place below the directory is refused, to an administrator too; so is all that could lead out
 * of it. */
static void test_open(void)
{
        g_autofree char *good = write_file("images/sub/good"), *outside = write_file("outside/secret");
        g_autofree char *images = file("images"), *link = file("images/link"),
                        *link_dir = file("images/linkdir");
        g_autofree char *through = g_build_filename(link_dir, "secret", NULL),
                        *outside_dir = g_path_get_dirname(outside);
        g_autofree char *dots = g_strconcat(images, "/../outside/secret", NULL), *fifo = file("images/fifo");
        g_autofree char *missing = file("images/missing"),
                        *double_slash = g_strconcat(images, "//sub/good", NULL);
        char *directories[] = {images, NULL};

        g_assert_cmpint(symlink(outside, link), ==, 0);
        g_assert_cmpint(symlink(outside_dir, link_dir), ==, 0);
        g_assert_cmpint(mkfifo(fifo, 0644), ==, 0);

        opens(good, directories, false, -1);
        opens(outside, directories, false, ERROR_PATH_NOT_ALLOWED);
        opens(outside, directories, true, -1);
        opens(link, directories, false, ERROR_PATH_NOT_ALLOWED);
        opens(link, directories, true, ERROR_PATH_NOT_ALLOWED);
        opens(through, directories, false, ERROR_PATH_NOT_ALLOWED);
        opens(through, NULL, true, ERROR_PATH_NOT_ALLOWED);
        opens(dots, directories, false, ERROR_PATH_NOT_ALLOWED);
        opens(double_slash, directories, false, ERROR_PATH_NOT_ALLOWED);
        opens("relative", directories, true, ERROR_PATH_NOT_ALLOWED);
        opens(missing, directories, false, ERROR_NO_SUCH_IMAGE);
        /* A FIFO holds nobody up; that it is none is seen when it is taken in. */
        opens(fifo, directories, false, -1);
}

/* The unit, and that of its twin in a rolling update. */
#define UNITS       "_SYSTEMD_UNIT=unikernel@hello.service _SYSTEMD_UNIT=unikernel@hello_next.service"
#define NAMED_UNITS "UNIT=unikernel@hello.service UNIT=unikernel@hello_next.service"

static char *command_line(const char *owner, const char *boot_id, const LogOptions *options)
{
        g_auto(GStrv) command = log_stream_command("hello", owner, 990, boot_id, options);

        g_assert_true(g_str_has_suffix(command[0], "/journalctl"));
        return g_strjoinv(" ", command + 1);
}

/* Chosen by fields that the unikernel cannot write; its name in a line of somebody else's is no way in. */
static void test_log_command(void)
{
        LogOptions all = {}, follow = {.have_lines = true, .lines = 10, .follow = true};
        LogOptions run = {.invocation = (char *) "0123456789abcdef0123456789abcdef"};
        LogOptions boots = {.boot = (char *) "all"};
        LogOptions narrow = {.boot = (char *) "-1",
                        .have_since = true,
                        .since = 5000001,
                        .have_until = true,
                        .until = 6000000,
                        .have_priority = true,
                        .priority = 4};
        g_autofree char *a = command_line(NULL, NULL, &all), *b = command_line(NULL, "b0", &follow),
                        *c = command_line(NULL, NULL, &run), *d = command_line(NULL, "b0", &narrow),
                        *e = command_line(NULL, "b0", &boots);

        g_assert_nonnull(strstr(
                        a, "--boot " UNITS " + _PID=1 " NAMED_UNITS " + _UID=990 SHRUTHI_UNIKERNEL=hello"));
        g_assert_null(strstr(a, "--follow"));
        g_assert_nonnull(strstr(b, "--lines=10 --follow _BOOT_ID=b0 " UNITS
                                   " + _BOOT_ID=b0 _PID=1 " NAMED_UNITS " + _BOOT_ID=b0 _UID=990"));
        g_assert_null(strstr(b, "--boot"));
        g_assert_nonnull(strstr(b, "--merge"));
        g_assert_nonnull(strstr(c, "_SYSTEMD_INVOCATION_ID=0123456789abcdef0123456789abcdef + _PID=1"));
        g_assert_nonnull(strstr(
                        d, " --boot=-1 --since=@5.000001 --until=@6.000000 --priority=4 " UNITS " + "));
        g_assert_null(strstr(e, "boot"));
        g_assert_null(strstr(e, "merge"));
        g_assert_null(strstr(c, "_UID="));
}

/* A name may have been another's before, and what was said then is not for who has it now. */
static void test_log_owner(void)
{
        LogOptions all = {}, run = {.invocation = (char *) "0123456789abcdef0123456789abcdef"};
        g_autofree char *a = command_line("1001", NULL, &all), *b = command_line("1001", NULL, &run);

        g_assert_true(g_str_has_suffix(a, " " UNITS " SHRUTHI_OWNER=1001 + _PID=1 " NAMED_UNITS
                                          " + _UID=990 SHRUTHI_UNIKERNEL=hello SHRUTHI_OWNER=1001"));
        g_assert_nonnull(strstr(b, UNITS " SHRUTHI_OWNER=1001 _SYSTEMD_INVOCATION_ID="));
}

static void log_option(const char *key, const char *type, const char *value, bool good)
{
        sd_bus_message *m = message_new();
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(LogOptions) options = NULL;
        int r;

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, key, type, value), >=, 0);
        r = log_options_read(message_sealed(m), &options, &error);
        g_assert_cmpint(r >= 0, ==, good);
        if (!good)
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
        sd_bus_message_unref(m);
}

/* What is handed to a command line is of one form only. */
static void test_log_options(void)
{
        log_option("Invocation", "s", "0123456789abcdef0123456789abcdef", true);
        log_option("Invocation", "s", "0123456789abcdef0123456789abcde", false);
        log_option("Invocation", "s", "--file=/etc/shadow", false);
        log_option("Invocation", "s", "0123456789abcdef0123456789abcdeF", false);
        log_option("Lines", "s", "5", false);
        log_option("Boot", "s", "-1", true);
        log_option("Boot", "s", "0", true);
        log_option("Boot", "s", "all", true);
        log_option("Boot", "s", "0123456789abcdef0123456789abcdef", true);
        log_option("Boot", "s", "-", false);
        log_option("Boot", "s", "", false);
        log_option("Boot", "s", "-1 --file=/etc/shadow", false);
        log_option("Boot", "s", "1234567", false);
        log_option("Since", "s", "yesterday", false);
        log_option("Priority", "s", "err", false);
        log_option("File", "s", "x", false);
}

/* However many subscribe, an administrator still can. */
static void test_subscribers(void)
{
        g_assert_true(subscribers_accept(1000, 7, 63));
        g_assert_false(subscribers_accept(1000, 8, 8));
        g_assert_false(subscribers_accept(1000, 0, 64));
        g_assert_true(subscribers_accept(0, 63, 64));
        g_assert_false(subscribers_accept(0, 64, 0));
}

/* journalctl would count from the wrong end. */
static void test_log_lines_between_times(void)
{
        static const char *const times[] = {"Since", "Until"};

        for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
                sd_bus_message *m = message_new();
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(LogOptions) options = NULL;

                g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 2, "Lines", "u", 2, times[i], "t",
                                                UINT64_C(5000000)),
                                >=, 0);
                g_assert_cmpint(log_options_read(message_sealed(m), &options, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
                sd_bus_message_unref(m);
        }
}

/* Whoever comes by the private socket is not asked about: only what is known to be one may pass for it. */
static void test_private(void)
{
        Manager manager = {.peers = g_ptr_array_new()};
        sd_bus_message *m = message_new();

        g_assert_false(message_is_private(&manager, m));
        g_ptr_array_add(manager.peers, sd_bus_message_get_bus(m));
        g_assert_true(message_is_private(&manager, m));
        manager.bus = sd_bus_message_get_bus(m);
        g_ptr_array_set_size(manager.peers, 0);
        g_assert_false(message_is_private(&manager, m));

        g_ptr_array_unref(manager.peers);
        sd_bus_message_unref(m);
}

/* While a call waits its turn, the name can become another's: what it was let in for is not what it would
 * get. */
static void test_owner_meanwhile(void)
{
        Manager manager = {.unikernels = g_hash_table_new(g_str_hash, g_str_equal)};
        Unikernel hello = {.name = (char *) "hello",
                        .announced = true,
                        .loaded.owner_name = (char *) "alice",
                        .loaded.group_name = (char *) "staff"};
        Call call = {.manager = &manager,
                        .unikernel = (char *) "hello",
                        .owner = (char *) "alice",
                        .group = (char *) "staff"};
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(unikernel_check_owner(&call, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_UNIKERNEL);

        g_hash_table_insert(manager.unikernels, hello.name, &hello);
        g_assert_cmpint(unikernel_check_owner(&call, &error), ==, 0);

        hello.loaded.group_name = (char *) "";
        error_clear(&error);
        g_assert_cmpint(unikernel_check_owner(&call, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_BUSY);
        hello.loaded = (LoadedDefinition){.owner_name = (char *) "bob", .group_name = (char *) "staff"};
        error_clear(&error);
        g_assert_cmpint(unikernel_check_owner(&call, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_BUSY);

        g_hash_table_unref(manager.unikernels);
}

static void test_message_size(void)
{
        g_autofree char *large = g_strnfill(3000, 'x');
        sd_bus_message *m = message_new();
        const char *first;

        g_assert_cmpint(sd_bus_message_append(m, "sa{sv}", "name", 2, "a", "as", 2, large, large, "b",
                                        "(ib)", 1, 0),
                        >=, 0);
        message_sealed(m);
        g_assert_cmpint(message_check_size(m, 10000), ==, 0);
        g_assert_cmpint(message_check_size(m, 5000), ==, -EMSGSIZE);
        /* Rewound either way, so that the handler reads from the start. */
        g_assert_cmpint(sd_bus_message_read(m, "s", &first), >, 0);
        g_assert_cmpstr(first, ==, "name");
        sd_bus_message_unref(m);

        m = message_new();
        message_sealed(m);
        g_assert_cmpint(message_check_size(m, 0), ==, 0);
        sd_bus_message_unref(m);
}

/* Who may have so many calls wait must not have so many times the largest message in our memory. */
static void test_weight(void)
{
        g_autofree char *large = g_strnfill(100 * 1024, 'x');
        sd_bus_message *m = message_new();
        Manager manager = {.calls_of = g_hash_table_new(NULL, NULL)};
        const char *first;

        g_assert_cmpint(sd_bus_message_append(m, "ss", "name", large), >=, 0);
        message_sealed(m);
        g_assert_cmpuint(message_weight(m), ==, 7);
        g_assert_cmpint(sd_bus_message_read(m, "s", &first), >, 0);
        g_assert_cmpstr(first, ==, "name");
        /* A handler has read it already. */
        g_assert_cmpint(sd_bus_message_skip(m, "s"), >=, 0);
        g_assert_cmpuint(message_weight(m), ==, 7);
        sd_bus_message_unref(m);
        m = message_new();
        message_sealed(m);
        g_assert_cmpuint(message_weight(m), ==, 1);
        sd_bus_message_unref(m);

        /* One alone is let in, however large. */
        g_assert_cmpint(calls_check(&manager, 1000, NULL), ==, 0);
        calls_enter(&manager, 1000, 5000);
        g_assert_cmpint(calls_check(&manager, 1000, NULL), <, 0);
        g_assert_cmpint(calls_check(&manager, 1001, NULL), ==, 0);
        g_hash_table_unref(manager.calls_of);
}

static void test_enabled(void)
{
        g_autoptr(GHashTable) enabled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *a = write_file("system/multi-user.target.wants/unikernel@a.service");
        g_autofree char *b = write_file("system/x.target.requires/unikernel@b.service");
        g_autofree char *c = write_file("system/x.target.wants/ssh.service");
        g_autofree char *d = write_file("system/unikernel@d.service.d/unikernel@d.service"),
                        *dir = file("system");

        enabled_scan_directory(dir, enabled);
        g_assert_cmpuint(g_hash_table_size(enabled), ==, 2);
        g_assert_true(g_hash_table_contains(enabled, "a"));
        g_assert_true(g_hash_table_contains(enabled, "b"));
}

int main(int argc, char **argv)
{
        int r;

        g_test_init(&argc, &argv, NULL);
        root = g_dir_make_tmp("shruthi-access-XXXXXX", NULL);
        g_test_add_func("/daemon/image-path/knows-what-is-below", test_directory);
        g_test_add_func("/daemon/image-path/follows-no-link", test_open);
        g_test_add_func("/daemon/log/is-chosen-by-trusted-fields", test_log_command);
        g_test_add_func("/daemon/private/nothing-unknown-passes-for-it", test_private);
        g_test_add_func("/daemon/call/large-ones-count-for-several", test_weight);
        g_test_add_func("/daemon/call/goes-to-no-other-owner", test_owner_meanwhile);
        g_test_add_func("/daemon/log/of-an-earlier-owner-is-not-shown", test_log_owner);
        g_test_add_func("/daemon/log/options-are-checked", test_log_options);
        g_test_add_func("/daemon/log/lines-between-times-are-refused", test_log_lines_between_times);
        g_test_add_func("/daemon/subscribers/users-do-not-take-roots-places", test_subscribers);
        g_test_add_func("/daemon/call/size-is-limited", test_message_size);
        g_test_add_func("/daemon/enabled/links-are-found", test_enabled);
        r = g_test_run();
        fixture_remove_tree(root);
        g_free(root);
        return r;
}
