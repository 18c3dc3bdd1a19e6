/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every domain whose unit has ended is swept, and no other, whatever the sweeper missed. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "domain/service/sweeper.h"
#include "fixture/files.h"
#include "fixture/lives.h"
#include "helper/request.h"
#include "unikernel/liveness.h"
#include "unikernel/run-dir.h"

#define SECOND G_USEC_PER_SEC

typedef struct Fixture {
        char *root;
        Sweeper *sweeper;
        int64_t now;
        bool unclaimed; /* what was found last */
} Fixture;

static void open_sweeper(Fixture *fixture)
{
        g_assert_cmpint(sweeper_new(fixture->now, &fixture->sweeper), ==, 0);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->root = fixture_liveness_new("sweeper");
        fixture->now = SECOND;
        open_sweeper(fixture);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        sweeper_free(fixture->sweeper);
        fixture_lives_free(fixture->root);
}

/* A second passes. */
static const char *find_ended(Fixture *fixture)
{
        sweeper_hear(fixture->sweeper, fixture->now);
        fixture->now += SECOND;
        return sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed);
}

/* The end of the one who sweeps. */
static int begin_sweep(Fixture *fixture, const char *name)
{
        int ends[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
        sweeper_set_sweeping(fixture->sweeper, name, ends[0], fixture->now);
        domain_answer_send(ends[1], DOMAIN_BEGUN);
        return ends[1];
}

static void end_sweep(int socket, int answer)
{
        domain_answer_send(socket, answer);
        close(socket);
}

static void test_running_unit_is_left_alone(Fixture *fixture, gconstpointer data)
{
        int fd;

        g_assert_false(sweeper_is_needed(fixture->sweeper));
        fd = fixture_liveness_acquire("a");
        g_assert_null(find_ended(fixture));
        g_assert_true(sweeper_is_needed(fixture->sweeper));
        g_assert_false(sweeper_is_busy(fixture->sweeper));
        /* … and costs no wake-up. */
        g_assert_true(sweeper_next(fixture->sweeper) == INT64_MAX);

        /* It ends as it should: who saw that has removed the file. */
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        close(fd);
        g_assert_null(find_ended(fixture));
        g_assert_false(sweeper_is_needed(fixture->sweeper));
}

static void test_ended_unit_is_swept(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a"), sweeper;

        g_assert_null(find_ended(fixture));
        close(fd);
        g_assert_cmpstr(find_ended(fixture), ==, "a");
        g_assert_true(sweeper_is_busy(fixture->sweeper));

        sweeper = begin_sweep(fixture, "a");
        g_assert_null(find_ended(fixture));
        g_assert_true(sweeper_is_busy(fixture->sweeper));
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        end_sweep(sweeper, 0);
        g_assert_null(find_ended(fixture));
        g_assert_false(sweeper_is_needed(fixture->sweeper));
}

static char *read_words(int fd)
{
        char text[256];
        ssize_t n = read(fd, text, sizeof text - 1);

        return g_strndup(text, (gsize) MAX(n, 0));
}

/* What is known about a domain reaches its runner at once, however new that is, and nobody else. */
static void test_runners_are_told(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a"), other = fixture_liveness_acquire("b");
        g_autofree char *words = NULL, *none = NULL, *more = NULL;

        sweeper_tell(fixture->sweeper, "nobody", "running 1", fixture->now);
        sweeper_hear(fixture->sweeper, fixture->now);
        sweeper_tell(fixture->sweeper, "a", "running 1", fixture->now);
        sweeper_tell(fixture->sweeper, "a", "ended reset 2", fixture->now);
        words = read_words(fd);
        g_assert_cmpstr(words, ==, "running 1\nended reset 2\n");
        none = read_words(other);
        g_assert_cmpstr(none, ==, "");

        /* It goes on knowing only what has come since. */
        g_assert_null(find_ended(fixture));
        more = read_words(fd);
        g_assert_cmpstr(more, ==, "");
        close(fd);
        close(other);
}

/* The file is all that it knows: nothing was missed while no sweeper was there. */
static void test_what_was_before_it_is_seen(Fixture *fixture, gconstpointer data)
{
        int running = fixture_liveness_acquire("running"), ended = fixture_liveness_acquire("ended");

        sweeper_free(fixture->sweeper);
        close(ended);
        open_sweeper(fixture);
        g_assert_cmpstr(sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed), ==,
                        "ended");
        end_sweep(begin_sweep(fixture, "ended"), 0);
        g_assert_null(sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed));
        close(running);
}

static void test_unit_that_runs_again_is_watched_again(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a"), sweeper;

        g_assert_null(find_ended(fixture));
        close(fd);
        g_assert_cmpstr(find_ended(fixture), ==, "a");
        sweeper = begin_sweep(fixture, "a");
        fd = fixture_liveness_acquire("a");
        end_sweep(sweeper, 0);
        g_assert_null(find_ended(fixture));
        g_assert_true(sweeper_is_needed(fixture->sweeper));
        close(fd);
        g_assert_cmpstr(find_ended(fixture), ==, "a");
}

static void test_a_new_file_of_the_name_is_seen(Fixture *fixture, gconstpointer data)
{
        int first = fixture_liveness_acquire("a"), second;

        g_assert_null(find_ended(fixture));
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        second = fixture_liveness_acquire("a");
        close(first);
        g_assert_null(find_ended(fixture));
        g_assert_null(find_ended(fixture));
        close(second);
        g_assert_cmpstr(find_ended(fixture), ==, "a");
}

/* Ever more rarely, but for ever. */
static void test_a_failure_is_tried_again(Fixture *fixture, gconstpointer data)
{
        int64_t last = 0;

        close(fixture_liveness_acquire("a"));
        g_assert_cmpstr(find_ended(fixture), ==, "a");
        for (unsigned i = 0; i < 20; i++) {
                int sweeper = begin_sweep(fixture, "a");
                int64_t pause;

                /* By a status, or by its own end. */
                if (i % 2)
                        close(sweeper);
                else
                        end_sweep(sweeper, 75);
                /* First that it has begun, then how it ended. */
                sweeper_hear(fixture->sweeper, fixture->now);
                sweeper_hear(fixture->sweeper, fixture->now);
                g_assert_null(sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed));
                g_assert_false(sweeper_is_busy(fixture->sweeper));
                pause = sweeper_next(fixture->sweeper) - fixture->now;
                g_assert_true(pause >= last && pause >= SECOND && pause <= 60 * SECOND);
                last = pause;
                fixture->now += pause;
                g_assert_cmpstr(sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed), ==,
                                "a");
        }
        sweeper_set_sweeping(fixture->sweeper, "a", -EBADF, fixture->now);
        g_assert_null(sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed));
}

/* The copies of a process that was just forked keep a descriptor open that we have closed. */
static void test_what_was_forked_brings_no_events(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a"), ends[2];
        struct pollfd pollfd;
        char byte;
        pid_t pid;

        g_assert_null(find_ended(fixture));
        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                close(fd);
                close(ends[1]);
                _exit(read(ends[0], &byte, 1) != 0);
        }
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        close(fd);
        while (sweeper_is_needed(fixture->sweeper))
                g_assert_null(find_ended(fixture));
        pollfd = (struct pollfd){.fd = sweeper_fd(fixture->sweeper), .events = POLLIN};
        g_assert_cmpint(poll(&pollfd, 1, 0), ==, 0);

        close(ends[0]);
        close(ends[1]);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/* What one of them gives up stays with the others. */
static void test_what_was_forked_takes_nothing_away(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a"), status;
        pid_t pid;

        g_assert_null(find_ended(fixture));
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                sweeper_free(fixture->sweeper);
                _exit(0);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        close(fd);
        g_assert_cmpstr(find_ended(fixture), ==, "a");
}

static void put_prepared(const char *name)
{
        g_assert_cmpint(g_mkdir_with_parents(paths_consoles(), 0700), ==, 0);
        g_assert_cmpint(run_dir_make(name), ==, 0);
        g_assert_cmpint(run_dir_set_prepared(name, "<domain/>"), ==, 0);
}

/* It has time to be started; and is swept when that does not come. */
static void test_prepared_domain_is_waited_for(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a");

        put_prepared("a");
        close(fd);
        g_assert_null(find_ended(fixture));
        g_assert_true(sweeper_is_busy(fixture->sweeper));
        fd = fixture_liveness_acquire("a");
        for (unsigned i = 0; i < 35; i++)
                g_assert_null(find_ended(fixture));
        g_assert_false(sweeper_is_busy(fixture->sweeper));

        close(fd);
        g_assert_null(find_ended(fixture));
        g_assert_null(find_ended(fixture));
        fixture->now += 30 * SECOND;
        g_assert_cmpstr(find_ended(fixture), ==, "a");
}

/* That its domain was made is heard of late on a busy machine, and says nothing against it. */
static void test_a_word_does_not_end_the_wait(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a");

        put_prepared("a");
        close(fd);
        g_assert_null(find_ended(fixture));
        for (unsigned i = 0; i < 20; i++) {
                sweeper_tell(fixture->sweeper, "a", "paused user 1", fixture->now);
                g_assert_null(find_ended(fixture));
        }
        g_assert_true(sweeper_is_busy(fixture->sweeper));
        /* … nor does it make it longer. */
        fixture->now += 10 * SECOND;
        sweeper_tell(fixture->sweeper, "a", "paused user 1", fixture->now);
        g_assert_cmpstr(find_ended(fixture), ==, "a");
        g_assert_true(fixture->unclaimed);
}

/* systemd may close what it had stored of a unit when the next domain is being prepared already. */
static void test_the_end_of_one_is_not_that_of_the_next(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_liveness(), "a", NULL);
        int first = fixture_liveness_acquire("a"), second;

        g_assert_null(find_ended(fixture));
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        /* Who makes the file has not locked it yet. */
        g_assert_cmpint(mkfifo(path, 0600), ==, 0);
        close(first);
        sweeper_hear(fixture->sweeper, fixture->now);
        sweeper_hear(fixture->sweeper, fixture->now);
        g_assert_null(sweeper_find_ended(fixture->sweeper, fixture->now, &fixture->unclaimed));
        second = fixture_liveness_acquire("a");
        put_prepared("a");
        close(second);
        g_assert_null(find_ended(fixture));
        g_assert_null(find_ended(fixture));
        g_assert_true(sweeper_is_busy(fixture->sweeper));
        fixture->now += 30 * SECOND;
        g_assert_cmpstr(find_ended(fixture), ==, "a");
        g_assert_true(fixture->unclaimed);
}

/* What was found to have ended is looked at again when there is a new file. */
static void test_a_new_file_takes_back_what_was_found(Fixture *fixture, gconstpointer data)
{
        int fd = fixture_liveness_acquire("a");

        g_assert_null(find_ended(fixture));
        close(fd);
        sweeper_hear(fixture->sweeper, fixture->now);
        g_assert_cmpint(liveness_remove("a"), ==, 0);
        fd = fixture_liveness_acquire("a");
        sweeper_hear(fixture->sweeper, fixture->now);
        put_prepared("a");
        close(fd);
        g_assert_null(find_ended(fixture));
        g_assert_true(sweeper_is_busy(fixture->sweeper));
}

static void test_other_files_are_ignored(Fixture *fixture, gconstpointer data)
{
        fixture_put(paths_liveness(), "Not a name", "");
        fixture_put(paths_liveness(), "a", "");
        g_assert_null(find_ended(fixture));
        g_assert_null(find_ended(fixture));
}

/* The picture in sweeper.c, cell by cell. */
static void test_transitions(void)
{
#define U SWEEPER_UNKNOWN
#define A SWEEPER_ACTIVE
#define P SWEEPER_PREPARED
#define E SWEEPER_ENDED
#define S SWEEPER_SWEEPING
#define G SWEEPER_GONE
#define X _SWEEPER_STATE_INVALID
        static const SweeperState expected[_SWEEPER_STATE_MAX][_SWEEPER_EVENT_MAX] = {
                        /*    seen, unsure, active, prepared, released, gone, taken, failed */
                        [U] = {U, U, A, P, E, G, X, X},
                        [A] = {U, U, A, P, E, G, X, X},
                        [P] = {U, U, A, P, E, G, X, X},
                        [E] = {U, U, A, P, E, G, S, E},
                        [S] = {X, U, A, P, E, G, X, E},
                        [G] = {X, X, X, X, X, X, X, X},
        };
        bool reached[_SWEEPER_STATE_MAX] = {[U] = true};

        for (SweeperState state = 0; state < _SWEEPER_STATE_MAX; state++)
                for (SweeperEvent event = 0; event < _SWEEPER_EVENT_MAX; event++) {
                        SweeperState next = sweeper_state_next(state, event);

                        g_test_message("state %d, event %d", (int) state, (int) event);
                        g_assert_cmpint(next, ==, expected[state][event]);
                        if (next >= 0 && reached[state])
                                reached[next] = true;
                }
        /* States stand in the order in which they are reached. */
        for (SweeperState state = 0; state < _SWEEPER_STATE_MAX; state++)
                g_assert_true(reached[state]);
}

#define ADD(path, test) g_test_add("/sweeper/" path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/sweeper/transitions", test_transitions);
        ADD("running-unit-is-left-alone", test_running_unit_is_left_alone);
        ADD("runners-are-told", test_runners_are_told);
        ADD("ended-unit-is-swept", test_ended_unit_is_swept);
        ADD("what-was-before-it-is-seen", test_what_was_before_it_is_seen);
        ADD("unit-that-runs-again-is-watched-again", test_unit_that_runs_again_is_watched_again);
        ADD("a-new-file-of-the-name-is-seen", test_a_new_file_of_the_name_is_seen);
        ADD("a-failure-is-tried-again", test_a_failure_is_tried_again);
        ADD("what-was-forked-brings-no-events", test_what_was_forked_brings_no_events);
        ADD("what-was-forked-takes-nothing-away", test_what_was_forked_takes_nothing_away);
        ADD("prepared-domain-is-waited-for", test_prepared_domain_is_waited_for);
        ADD("a-word-does-not-end-the-wait", test_a_word_does_not_end_the_wait);
        ADD("the-end-of-one-is-not-that-of-the-next", test_the_end_of_one_is_not_that_of_the_next);
        ADD("a-new-file-takes-back-what-was-found", test_a_new_file_takes_back_what_was_found);
        ADD("other-files-are-ignored", test_other_files_are_ignored);
        return g_test_run();
}
