/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit is on as long as anybody has the runner's descriptor, and nobody works on a domain beside it. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "fixture/lives.h"
#include "unikernel/liveness.h"

typedef struct Fixture {
        char *root;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->root = fixture_liveness_new("life");
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        fixture_lives_free(fixture->root);
}

static bool is_over(int watched)
{
        struct pollfd pollfd = {.fd = watched};

        return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLERR);
}

/* systemd has a copy of the runner's descriptor: the runner's own end is no end. */
static void test_it_lasts_as_long_as_a_copy(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a"), stored = dup(fd), watched;

        g_assert_cmpint(liveness_watch("a", &watched), ==, 0);
        g_assert_false(is_over(watched));
        close(fd);
        g_assert_false(is_over(watched));
        g_assert_true(liveness_is_stored("a", stored));
        g_assert_cmpint(liveness_lock("a", &fd), ==, -EBUSY);

        close(stored);
        g_assert_true(is_over(watched));
        close(watched);
        g_assert_cmpint(liveness_watch("a", &watched), ==, -ENXIO);
}

/* What is said about the domain waits for the next runner, and comes in order. */
static void test_words_wait(Fixture *fixture, gconstpointer data)
{
        char text[DOMAIN_EVENT_LINE_MAX], got[256] = "";
        int fd = fixture_liveness_acquire("a"), stored = dup(fd), watched;
        const char *detail;
        uint64_t usec;
        ssize_t n;

        g_assert_true(liveness_is_active("a"));
        g_assert_cmpint(liveness_watch("a", &watched), ==, 0);
        domain_event_format(DOMAIN_EVENT_PAUSED, "user", 7, text);
        liveness_notify(watched, text);
        close(fd);
        domain_event_format(DOMAIN_EVENT_ENDED, DOMAIN_END_RESET, 8, text);
        liveness_notify(watched, text);
        n = read(stored, got, sizeof got - 1);
        g_assert_cmpint(n, >, 0);
        g_assert_cmpstr(got, ==, "paused user 7\nended reset 8\n");
        g_assert_cmpint(domain_event_parse(text, &detail, &usec), ==, DOMAIN_EVENT_ENDED);
        g_assert_cmpstr(detail, ==, DOMAIN_END_RESET);
        g_assert_cmpuint(usec, ==, 8);

        close(stored);
        close(watched);
        g_assert_false(liveness_is_active("a"));
}

static void test_words_that_are_none(Fixture *fixture, gconstpointer data)
{
        static const char *const texts[] = {"", "running", "running ", "running x", "running -1",
                        "running a 1", "paused 1", "ended", "sleeping 1", " 1",
                        "running 99999999999999999999"};
        const char *detail;
        uint64_t usec;

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autofree char *text = g_strdup(texts[i]);

                g_assert_cmpint(domain_event_parse(text, &detail, &usec), ==, _DOMAIN_EVENT_INVALID);
        }
}

static void test_the_file_goes_with_the_domain(Fixture *fixture, gconstpointer data)
{
        g_autofree char *runtime = paths_unikernel_runtime("a");
        int fd = fixture_liveness_acquire("a"), watched;

        fixture_put(runtime, "state", "");
        fixture_put(runtime, "console", "");
        close(fd);
        g_assert_cmpint(liveness_lock("a", &fd), ==, 0);
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        close(fd);
        g_assert_false(g_file_test(runtime, G_FILE_TEST_EXISTS));
        g_assert_cmpint(liveness_watch("a", &watched), ==, -ENOENT);
        g_assert_cmpint(liveness_lock("a", &fd), ==, -ENOENT);
        g_assert_cmpint(liveness_remove("a"), ==, 0);
}

/* Of a start and a sweep one waits for the other. */
static void test_it_is_not_taken_while_it_is_swept(Fixture *fixture, gconstpointer data)
{
        int sweeper, fd = fixture_liveness_acquire("a");

        close(fd);
        g_assert_cmpint(liveness_lock("a", &sweeper), ==, 0);
        g_assert_cmpint(liveness_acquire("a", &fd), ==, -EBUSY);
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        fd = fixture_liveness_acquire("a");
        g_assert_true(liveness_is_stored("a", fd));
        g_assert_false(liveness_is_stored("a", sweeper));
        close(sweeper);
        close(fd);
}

static void test_one_that_is_over_is_taken_over(Fixture *fixture, gconstpointer data)
{
        int watched, fd = fixture_liveness_acquire("a");

        g_assert_cmpint(liveness_watch("a", &watched), ==, 0);
        close(fd);
        fd = fixture_liveness_acquire("a");
        g_assert_false(is_over(watched));
        close(watched);
        close(fd);
}

static void test_what_is_no_life_is_none(Fixture *fixture, gconstpointer data)
{
        g_autofree char *link = g_build_filename(paths_liveness(), "link", NULL);
        int fd = -EBADF, held = fixture_liveness_acquire("a");

        fixture_put(paths_liveness(), "file", "text");
        g_assert_cmpint(symlink("a", link), ==, 0);
        g_assert_cmpint(liveness_acquire("file", &fd), ==, -EBUSY);
        g_assert_cmpint(liveness_acquire("link", &fd), ==, -ELOOP);
        g_assert_cmpint(liveness_watch("file", &fd), ==, -EAGAIN);
        g_assert_cmpint(liveness_acquire("../a", &fd), ==, -EINVAL);
        g_assert_cmpint(liveness_remove("../a"), ==, -EINVAL);
        close(held);
}

#define ADD(path, test) g_test_add("/liveness/" path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        ADD("lasts-as-long-as-a-copy", test_it_lasts_as_long_as_a_copy);
        ADD("words-wait", test_words_wait);
        ADD("words-that-are-none", test_words_that_are_none);
        ADD("the-file-goes-with-the-domain", test_the_file_goes_with_the_domain);
        ADD("is-not-taken-while-it-is-swept", test_it_is_not_taken_while_it_is_swept);
        ADD("one-that-is-over-is-taken-over", test_one_that_is_over_is_taken_over);
        ADD("what-is-no-life-is-none", test_what_is_no_life_is_none);
        return g_test_run();
}
