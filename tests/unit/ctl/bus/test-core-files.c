/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Told is who has keys and may be dumped, and nobody else. */

#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "ctl/bus/core-files.h"

#define LIMITS(core)                                                                                        \
        "Limit                     Soft Limit           Hard Limit           Units     \n"                  \
        "Max cpu time              unlimited            unlimited            seconds   \n"                  \
        "Max core file size        " core "            unlimited            bytes     \n"

typedef struct Fixture {
        char *proc;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->proc = g_dir_make_tmp("shruthi-core-files-XXXXXX", NULL);
        g_assert_nonnull(fixture->proc);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        static const char *const files[] = {"cmdline", "limits", ""};
        g_autoptr(GDir) dir = g_dir_open(fixture->proc, 0, NULL);
        const char *pid;

        while ((pid = g_dir_read_name(dir)))
                for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                        g_autofree char *path = g_build_filename(fixture->proc, pid, files[i], NULL);

                        (void) g_remove(path);
                }
        g_assert_cmpint(g_rmdir(fixture->proc), ==, 0);
        g_free(fixture->proc);
}

/* The words of cmdline stand between bars. */
static void put_process(Fixture *fixture, const char *pid, const char *cmdline, const char *limits)
{
        g_autofree char *dir = g_build_filename(fixture->proc, pid, NULL);
        g_autofree char *words = g_build_filename(dir, "cmdline", NULL);
        g_autofree char *table = g_build_filename(dir, "limits", NULL);
        g_autofree char *text = g_strdelimit(g_strdup(cmdline), "|", '\n');
        gsize size = strlen(text);

        for (gsize i = 0; i < size; i++)
                if (text[i] == '\n')
                        text[i] = 0;
        g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
        g_assert_true(g_file_set_contents(words, text, (gssize) size, NULL));
        g_assert_true(g_file_set_contents(table, limits, -1, NULL));
}

#define WITH_KEYS(name)                                                                                     \
        "qemu|-name|guest=unikernel-" name ",debug-threads=on|-add-fd|set=0,fd=30|-blockdev|"               \
        "{\"driver\":\"file\",\"filename\":\"/dev/fdset/0\"}|"
#define WITHOUT(name) "qemu|-name|guest=unikernel-" name ",debug-threads=on|"

static void test_who_may_be_dumped(Fixture *fixture, gconstpointer data)
{
        g_autofree char *found = NULL;
        bool any;

        put_process(fixture, "10", WITH_KEYS("held"), LIMITS("0        "));
        put_process(fixture, "11", WITHOUT("keyless"), LIMITS("unlimited"));
        put_process(fixture, "12", "qemu|-name|guest=other|/dev/fdset/0|", LIMITS("unlimited"));
        put_process(fixture, "13", "qemu|-name|guest=unikernel-Not a name,x|/dev/fdset/0|",
                        LIMITS("unlimited"));
        put_process(fixture, "self", WITH_KEYS("again"), LIMITS("unlimited"));
        put_process(fixture, "14", "", "");
        found = core_files_find(fixture->proc, getuid(), &any);
        g_assert_null(found);
        g_assert_true(any);

        put_process(fixture, "20", WITH_KEYS("a"), LIMITS("unlimited"));
        found = core_files_find(fixture->proc, getuid(), &any);
        g_assert_cmpstr(found, ==, "a");
        g_free(g_steal_pointer(&found));
        /* Somebody else may call themselves anything. */
        found = core_files_find(fixture->proc, getuid() + 1, &any);
        g_assert_null(found);
        g_assert_false(any);
}

static void test_many_are_counted(Fixture *fixture, gconstpointer data)
{
        g_autofree char *found = NULL;
        bool any;

        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *pid = g_strdup_printf("%u", i);

                put_process(fixture, pid, WITH_KEYS("a"), LIMITS("4096     "));
        }
        found = core_files_find(fixture->proc, getuid(), &any);
        g_assert_cmpstr(found, ==, "a, a, a and 2 others");
}

static void test_without_processes(Fixture *fixture, gconstpointer data)
{
        bool any = true;

        g_assert_null(core_files_find("/nowhere", getuid(), &any));
        g_assert_false(any);
}

#define ADD(path, test) g_test_add("/core-files/" path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        ADD("who-may-be-dumped", test_who_may_be_dumped);
        ADD("many-are-counted", test_many_are_counted);
        ADD("without-processes", test_without_processes);
        return g_test_run();
}
