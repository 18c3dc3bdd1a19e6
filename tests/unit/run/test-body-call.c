/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the helper says is heard to its last line before its end is told, and it cannot outstay its time. A
 * shell script stands in for it, since only what it says and how it ends matters here. */

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "helper/request.h"
#include "run/body-call.h"

typedef struct Fixture {
        char *root;
        char *program;
        sd_event *event;
        BodyCall *call;
        GString *heard;
        int status;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        g_autofree char *dir = NULL;
        sigset_t mask;

        f->root = g_dir_make_tmp("shruthi-body-call-XXXXXX", NULL);
        paths_set_root(f->root);
        dir = g_strdup(paths_libexec_dir());
        g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
        f->program = g_build_filename(dir, "shruthi-domain", NULL);
        f->heard = g_string_new(NULL);
        f->status = -100;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        g_assert_cmpint(sigprocmask(SIG_BLOCK, &mask, NULL), ==, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        g_autofree char *dir = g_path_get_dirname(f->program);

        body_call_free(f->call);
        sd_event_unref(f->event);
        g_string_free(f->heard, TRUE);
        (void) g_unlink(f->program);
        while (!g_str_equal(dir, f->root)) {
                char *parent = g_path_get_dirname(dir);

                g_assert_cmpint(g_rmdir(dir), ==, 0);
                g_free(dir);
                dir = parent;
        }
        g_assert_cmpint(g_rmdir(f->root), ==, 0);
        paths_set_root(NULL);
        g_free(f->program);
        g_free(f->root);
}

static void on_line(void *userdata, const char *key, const char *value)
{
        Fixture *f = userdata;

        g_assert_cmpint(f->status, ==, -100);
        g_string_append_printf(f->heard, "%s is %s;", key, value);
}

static void on_ended(void *userdata, int status)
{
        Fixture *f = userdata;

        f->status = status;
        body_call_free(f->call);
        f->call = NULL;
        (void) sd_event_exit(f->event, 0);
}

static void run_verb(Fixture *f, const char *verb, const char *script, uint64_t usec)
{
        static const BodyCallHooks hooks = {.line = on_line, .ended = on_ended};
        const BodyRequest request = {.words = {verb, "a"}};
        g_autofree char *text = g_strconcat("#!/bin/sh\n", script, "\n", NULL);

        g_assert_true(g_file_set_contents_full(f->program, text, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
        g_assert_cmpint(body_call_new(f->event, &request, usec, &hooks, f, &f->call), ==, 0);
        g_assert_cmpint(sd_event_loop(f->event), ==, 0);
}

static void run(Fixture *f, const char *script, uint64_t usec)
{
        run_verb(f, "start", script, usec);
}

/* The test's data is a verb, and whether it is told. */
static void test_credentials(Fixture *f, const void *data)
{
        const char *verb = data;
        bool told = g_str_equal(verb, "start");
        g_autofree char *expected =
                        g_strdup_printf("folder is %s;path is %s;", told ? "/run/c" : "", g_getenv("PATH"));

        g_setenv("CREDENTIALS_DIRECTORY", "/run/c", TRUE);
        run_verb(f, verb, "echo \"folder=$CREDENTIALS_DIRECTORY\"; echo \"path=$PATH\"", UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, expected);
        g_unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_hears_all_before_the_end(Fixture *f, const void *data)
{
        run(f, "echo \"verb=$1\"; echo name=$2=x; echo noise; printf 'cut='; exit 62", UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "verb is start;name is a=x;");
        g_assert_cmpint(f->status, ==, 62);
}

static void test_is_killed_when_its_time_is_over(Fixture *f, const void *data)
{
        run(f, "exec sleep 600", 200 * 1000);
        g_assert_cmpint(f->status, ==, -1);
}

static void test_gets_no_blocked_signals(Fixture *f, const void *data)
{
        run(f, "sed -n 's/^SigBlk:\\t*/blocked=/p' /proc/self/status", UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "blocked is 0000000000000000;");
}

static void test_endless_lines_are_dropped(Fixture *f, const void *data)
{
        run(f, "head -c 300000 /dev/zero | tr '\\0' x; echo; echo a=b", UINT64_MAX);
        g_assert_true(g_str_has_suffix(f->heard->str, "a is b;"));
        g_assert_cmpuint(f->heard->len, <, 100);
        g_assert_cmpint(f->status, ==, 0);
}

/* shruthi-domain, as this program once more: it hands over a pipe with a word in it. */
static int run_as_helper(void)
{
        int ends[2];

        if (pipe(ends) < 0 || write_all(ends[1], "word", 4) < 0 ||
                        domain_answer_hand(DOMAIN_HANDS_FD, ends, 2) < 0)
                return 1;
        return printf("started=process\n") < 0 || fflush(stdout) != 0;
}

static void on_handed(void *userdata, const int *fds, unsigned n_fds)
{
        Fixture *f = userdata;
        char word[5] = "";

        g_assert_cmpint(f->status, ==, -100);
        g_assert_cmpuint(n_fds, ==, 2);
        g_assert_cmpint((int) read(fds[0], word, 4), ==, 4);
        g_string_append_printf(f->heard, "handed %s;", word);
        for (unsigned i = 0; i < n_fds; i++)
                (void) close_safe(fds[i]);
}

static unsigned count_fds(void)
{
        g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
        unsigned n = 0;

        while (g_dir_read_name(dir))
                n++;
        return n;
}

/* Whoever does not want them has none. */
static void test_hands(Fixture *f, const void *data)
{
        static const BodyCallHooks with = {.line = on_line, .handed = on_handed, .ended = on_ended},
                                   without = {.line = on_line, .ended = on_ended};
        const BodyRequest request = {.words = {"start", "a"}};
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
        const BodyCallHooks *hooks = data ? &with : &without;
        unsigned before;

        g_assert_cmpint(symlink(self, f->program), ==, 0);
        before = count_fds();
        g_assert_cmpint(body_call_new(f->event, &request, UINT64_MAX, hooks, f, &f->call), ==, 0);
        g_assert_cmpint(sd_event_loop(f->event), ==, 0);
        g_assert_cmpint(f->status, ==, 0);
        g_assert_nonnull(strstr(f->heard->str, "started is process;"));
        g_assert_true((strstr(f->heard->str, "handed word;") != NULL) == (data != NULL));
        /* The loop may keep some of its own. */
        g_assert_cmpuint(count_fds(), <, before + 2);
}

static void test_a_missing_program_is_an_error(Fixture *f, const void *data)
{
        static const BodyCallHooks hooks = {.line = on_line, .ended = on_ended};
        const BodyRequest request = {.words = {"start"}};

        /* QEMU's child of posix_spawn() has a copy of the memory and not the memory itself, so that the
         * error stays in it. */
        if (fixture_is_emulated()) {
                g_assert_cmpint(body_call_new(f->event, &request, UINT64_MAX, &hooks, f, &f->call), ==, 0);
                g_assert_cmpint(sd_event_loop(f->event), ==, 0);
                g_assert_cmpint(f->status, ==, 127);
                return;
        }
        g_assert_cmpint(body_call_new(f->event, &request, UINT64_MAX, &hooks, f, &f->call), ==, -ENOENT);
        g_assert_null(f->call);
}

int main(int argc, char *argv[])
{
        if (g_str_has_suffix(argv[0], "shruthi-domain"))
                return run_as_helper();

        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/run/body-call/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("hears-all-before-the-end", test_hears_all_before_the_end);
        ADD("is-killed-when-its-time-is-over", test_is_killed_when_its_time_is_over);
        ADD("gets-no-blocked-signals", test_gets_no_blocked_signals);
        ADD("endless-lines-are-dropped", test_endless_lines_are_dropped);
        g_test_add("/run/body-call/a-start-knows-of-credentials", Fixture, "start", set_up, test_credentials,
                        tear_down);
        g_test_add("/run/body-call/no-other-does", Fixture, "watch", set_up, test_credentials, tear_down);
        g_test_add("/run/body-call/hands-descriptors-on", Fixture, "wanted", set_up, test_hands, tear_down);
        g_test_add("/run/body-call/closes-descriptors-that-nobody-wants", Fixture, NULL, set_up, test_hands,
                        tear_down);
        ADD("a-missing-program-is-an-error", test_a_missing_program_is_an_error);
        return g_test_run();
}
