/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls: how often they go out, what their errors mean. The other side is a fake of a few lines: a shruthid
 * that refuses, dies or counts on demand. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/names.h"
#include "ctl/bus/client.h"

typedef struct Fixture {
        Ctl ctl;
        sd_bus *far;
        GThread *thread;
        /* What the fake saw; read when it has ended. */
        unsigned calls, interactive, waiting_max;
        GPtrArray *held;
} Fixture;

static int answer(Fixture *f, sd_bus_message *call)
{
        const char *name = "";

        (void) sd_bus_message_read(call, "s", &name);
        if (g_str_equal(name, "password") && !sd_bus_message_get_allow_interactive_authorization(call))
                return sd_bus_reply_method_errorf(
                                call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "Ask.");
        if (g_str_equal(name, "missing"))
                return sd_bus_reply_method_errorf(
                                call, SHRUTHI_ERROR_PREFIX "NoSuchUnikernel", "No such thing.");
        if (g_str_equal(name, "strange"))
                return sd_bus_reply_method_errorf(call, "org.example.Error", "Strange.");

        return sd_bus_reply_method_return(call, "o", "/job");
}

/* Calls are held until no more come for a moment, so that those in flight at a time can be counted. */
static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *unused)
{
        Fixture *f = userdata;

        if (!sd_bus_message_is_method_call(call, NULL, NULL))
                return 0;

        f->calls++;
        if (sd_bus_message_get_allow_interactive_authorization(call))
                f->interactive++;
        if (g_strcmp0(sd_bus_message_get_member(call), "Die") == 0) {
                sd_bus_close(f->far);
                return 1;
        }

        g_ptr_array_add(f->held, sd_bus_message_ref(call));
        f->waiting_max = MAX(f->waiting_max, f->held->len);
        return 1;
}

static void *serve(void *userdata)
{
        Fixture *f = userdata;

        for (;;) {
                int r = sd_bus_process(f->far, NULL);

                if (r < 0)
                        return NULL;
                if (r > 0)
                        continue;
                r = sd_bus_wait(f->far, f->held->len > 0 ? 50000 : UINT64_MAX);
                if (r < 0)
                        return NULL;
                for (; r == 0 && f->held->len > 0; g_ptr_array_remove_index(f->held, 0))
                        (void) answer(f, f->held->pdata[0]);
        }
}

static void message_free(void *message)
{
        sd_bus_message_unref(message);
}

static void set_up(Fixture *f, const void *data)
{
        int fds[2];
        sd_id128_t id;

        options_init(&f->ctl.options);
        f->held = g_ptr_array_new_with_free_func(message_free);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
        g_assert_cmpint(sd_id128_randomize(&id), ==, 0);
        g_assert_cmpint(sd_bus_new(&f->far), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(f->far, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_set_server(f->far, true, id), >=, 0);
        g_assert_cmpint(sd_bus_add_filter(f->far, NULL, on_call, f), >=, 0);
        g_assert_cmpint(sd_bus_start(f->far), >=, 0);
        g_assert_cmpint(sd_bus_new(&f->ctl.bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(f->ctl.bus, fds[1], fds[1]), >=, 0);
        g_assert_cmpint(sd_bus_start(f->ctl.bus), >=, 0);
        f->thread = g_thread_new("fake", serve, f);
}

/* The fake's figures may be read after this. */
static void hang_up(Fixture *f)
{
        if (!f->thread)
                return;

        f->ctl.bus = sd_bus_flush_close_unref(f->ctl.bus);
        g_thread_join(g_steal_pointer(&f->thread));
}

static void tear_down(Fixture *f, const void *data)
{
        hang_up(f);
        sd_bus_close_unref(f->far);
        g_ptr_array_unref(f->held);
        options_clear(&f->ctl.options);
}

static int call(Fixture *f, const char *name, Error *ret_error)
{
        return client_call(&f->ctl, "StartUnikernel", NULL, ret_error, "st", name, UINT64_C(0));
}

/* Nobody is asked for a password who does not need one: the wish goes out only when it would help. */
static void test_interactive_only_when_it_helps(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(call(f, "easy", &error), ==, 0);
        g_assert_cmpint(call(f, "password", &error), ==, 0);
        hang_up(f);
        g_assert_cmpuint(f->calls, ==, 3);
        g_assert_cmpuint(f->interactive, ==, 1);
}

static void test_no_ask_password(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;

        f->ctl.options.no_ask_password = true;
        g_assert_cmpint(call(f, "password", &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
        hang_up(f);
        g_assert_cmpuint(f->calls, ==, 1);
        g_assert_cmpuint(f->interactive, ==, 0);
}

static void test_sentences_are_passed_on(Fixture *f, const void *data)
{
        _cleanup_error_ Error missing = ERROR_INIT, strange = ERROR_INIT;

        g_assert_cmpint(call(f, "missing", &missing), <, 0);
        g_assert_cmpstr(missing.message, ==, "No such thing.");
        g_assert_cmpint(ctl_exit_status(&f->ctl, &missing), ==, CTL_EXIT_NO_SUCH);
        g_assert_cmpint(call(f, "strange", &strange), <, 0);
        g_assert_cmpstr(strange.message, ==, "Strange.");
        g_assert_cmpint(ctl_exit_status(&f->ctl, &strange), ==, CTL_EXIT_FAILURE);
}

/* Killed while it works: what was begun goes on, and the user is told so. */
static void test_shruthid_dies(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(client_call(&f->ctl, "Die", NULL, &error, NULL), <, 0);
        g_assert_nonnull(strstr(error.message, "exited before it replied"));
        g_assert_cmpint(ctl_exit_status(&f->ctl, &error), ==, CTL_EXIT_FAILURE);
}

static int make_call(Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        int r = client_new_call(ctl, "StartUnikernel", ret_call, ret_error);

        return r < 0 ? r : sd_bus_message_append(*ret_call, "st", name, UINT64_C(0));
}

static void test_many_go_out_together(Fixture *f, const void *data)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), done = g_ptr_array_new();

        for (unsigned i = 0; i < 40; i++)
                g_ptr_array_add(names, g_strdup_printf("n%u", i));
        g_ptr_array_add(names, NULL);
        g_assert_cmpint(client_call_each(&f->ctl, (char **) names->pdata, "start", make_call, NULL, done),
                        ==, 0);
        g_assert_cmpuint(done->len, ==, 40);
        hang_up(f);
        g_assert_cmpuint(f->calls, ==, 40);
        g_assert_cmpuint(f->waiting_max, >, 4);
        g_assert_cmpuint(f->waiting_max, <=, 16);
}

/* One that fails keeps none of the others, and is the exit status; passwords are asked for one at a time. */
static void test_one_failure_among_many(Fixture *f, const void *data)
{
        char *names[] = {(char *) "a", (char *) "missing", (char *) "password", (char *) "strange",
                        (char *) "b", NULL};
        g_autoptr(GPtrArray) done = g_ptr_array_new();

        g_assert_cmpint(client_call_each(&f->ctl, names, "start", make_call, NULL, done), ==,
                        CTL_EXIT_NO_SUCH);
        g_assert_cmpuint(done->len, ==, 3);
        g_assert_cmpstr(done->pdata[2], ==, "password");
        hang_up(f);
        g_assert_cmpuint(f->calls, ==, 6);
        g_assert_cmpuint(f->interactive, ==, 1);
}

int main(int argc, char *argv[])
{
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        /* No password agent on the terminal of whoever runs this. */
        g_assert_cmpint(dup2(null, STDIN_FILENO), >=, 0);
        g_test_init(&argc, &argv, NULL);
        g_test_add("/ctl/client/interactive-only-when-it-helps", Fixture, NULL, set_up,
                        test_interactive_only_when_it_helps, tear_down);
        g_test_add("/ctl/client/no-ask-password", Fixture, NULL, set_up, test_no_ask_password, tear_down);
        g_test_add("/ctl/client/sentences-are-passed-on", Fixture, NULL, set_up,
                        test_sentences_are_passed_on, tear_down);
        g_test_add("/ctl/client/shruthid-dies", Fixture, NULL, set_up, test_shruthid_dies, tear_down);
        g_test_add("/ctl/client/many-go-out-together", Fixture, NULL, set_up, test_many_go_out_together,
                        tear_down);
        g_test_add("/ctl/client/one-failure-among-many", Fixture, NULL, set_up, test_one_failure_among_many,
                        tear_down);
        return g_test_run();
}
