/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reloads of systemd: whoever waits is told after one that was asked for later than they asked, all who wait
 * share it, and between two there is a rest. */

#include "daemon/state/reload.h"

typedef struct Fixture {
        sd_event *event;
        Reload *reload;
        unsigned asked;
        int ask_result;
        unsigned done, failed;
} Fixture;

static int on_ask(Reload *reload, void *userdata)
{
        Fixture *f = userdata;

        f->asked++;
        return f->ask_result;
}

/* Takes the error, as callers do. */
static void on_done(int r, Error *error, void *userdata)
{
        _cleanup_error_ Error own = ERROR_INIT;
        Fixture *f = userdata;

        f->done++;
        if (r < 0) {
                error_move(&own, error);
                g_assert_nonnull(own.message);
                f->failed++;
        }
}

static void on_done_again(int r, Error *error, void *userdata)
{
        Fixture *f = userdata;

        on_done(r, error, f);
        reload_wait(f->reload, on_done, f);
}

static void fixture_set_up(Fixture *f, const void *data)
{
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->reload = reload_new(f->event, on_ask, f);
}

static void fixture_tear_down(Fixture *f, const void *data)
{
        reload_free(f->reload);
        sd_event_unref(f->event);
}

static void run_until_asked(Fixture *f, unsigned times)
{
        while (f->asked < times)
                g_assert_cmpint(sd_event_run(f->event, 10 * G_USEC_PER_SEC), >, 0);
}

/* The one under way may have read the units before: who comes meanwhile waits for the next. */
static void test_shared(Fixture *f, const void *data)
{
        reload_wait(f->reload, on_done, f);
        g_assert_cmpuint(f->asked, ==, 1);
        for (int i = 0; i < 5; i++)
                reload_wait(f->reload, on_done, f);
        g_assert_cmpuint(f->asked, ==, 1);

        reload_answered(f->reload, 0, NULL);
        g_assert_cmpuint(f->done, ==, 1);
        run_until_asked(f, 2);
        g_assert_cmpuint(f->done, ==, 1);
        reload_answered(f->reload, 0, NULL);
        g_assert_cmpuint(f->done, ==, 6);
        g_assert_cmpuint(f->asked, ==, 2);
}

/* However often somebody asks, systemd has as long for others as the reload took, and never less than the
 * least. */
static void test_rests(Fixture *f, const void *data)
{
        static const gint64 took[] = {0, 2 * RELOAD_REST_MIN};

        reload_wait(f->reload, on_done_again, f);
        for (unsigned i = 0; i < G_N_ELEMENTS(took); i++) {
                gint64 answered;

                g_usleep((gulong) took[i]);
                answered = g_get_monotonic_time();
                reload_answered(f->reload, 0, NULL);
                reload_wait(f->reload, on_done, f);
                g_assert_cmpuint(f->asked, ==, i + 1);
                run_until_asked(f, i + 2);
                g_assert_cmpint(g_get_monotonic_time() - answered, >=, MAX(took[i], RELOAD_REST_MIN));
        }
}

/* Without somebody who waits nothing is asked after the rest, and the next one need not wait. */
static void test_at_once_after_the_rest(Fixture *f, const void *data)
{
        reload_wait(f->reload, on_done, f);
        reload_answered(f->reload, 0, NULL);
        g_assert_cmpint(sd_event_run(f->event, 10 * G_USEC_PER_SEC), >, 0);
        g_assert_cmpuint(f->asked, ==, 1);
        reload_wait(f->reload, on_done, f);
        g_assert_cmpuint(f->asked, ==, 2);
}

/* Each waiter has the sentence, though the first takes it away. */
static void test_failed(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = error_set(&error, ERROR_SYSTEMD_UNAVAILABLE, "gone");

        reload_wait(f->reload, on_done, f);
        reload_answered(f->reload, 0, NULL);
        reload_wait(f->reload, on_done, f);
        reload_wait(f->reload, on_done, f);
        run_until_asked(f, 2);
        reload_answered(f->reload, r, &error);
        g_assert_cmpuint(f->done, ==, 3);
        g_assert_cmpuint(f->failed, ==, 2);
}

/* What cannot be asked is not waited for. */
static void test_not_asked(Fixture *f, const void *data)
{
        f->ask_result = -ENOTCONN;
        reload_wait(f->reload, on_done, f);
        g_assert_cmpuint(f->failed, ==, 1);

        f->ask_result = 0;
        reload_wait(f->reload, on_done, f);
        run_until_asked(f, 2);
        reload_answered(f->reload, 0, NULL);
        g_assert_cmpuint(f->done, ==, 2);
        g_assert_cmpuint(f->failed, ==, 1);
}

int main(int argc, char *argv[])
{
        static const struct {
                const char *path;
                void (*test)(Fixture *f, const void *data);
        } tests[] = {
                        {"/daemon/reload/is-shared-by-all-who-wait", test_shared},
                        {"/daemon/reload/rests-as-long-as-it-took", test_rests},
                        {"/daemon/reload/is-at-once-after-the-rest", test_at_once_after_the_rest},
                        {"/daemon/reload/tells-all-that-it-failed", test_failed},
                        {"/daemon/reload/tells-when-it-cannot-be-asked", test_not_asked},
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Fixture, NULL, fixture_set_up, tests[i].test, fixture_tear_down);
        return g_test_run();
}
