/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The service does what is asked if it will; where it does not begin, a process does; where it has begun and
 * goes, that is an end by a signal and nothing is done twice. Either may hand descriptors over. The service here is
 * a socket in the same loop, the process a shell script, or this program once more. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "helper/call.h"
#include "helper/request.h"

typedef struct Fixture {
        char *root, *program, *path;
        sd_event *event;
        sd_event_source *source;
        int listener;
        int connection;
        DomainRequest request; /* the last that the service got */
        unsigned n_requests;
        void (*serve)(struct Fixture *f);
        DomainCall *call;
        GArray *handed; /* int */
        unsigned n_handed;
        GString *heard;
        int status;
} Fixture;

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Fixture *f = userdata;

        f->connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        g_assert_cmpint(f->connection, >=, 0);
        if (domain_request_receive(f->connection, &f->request) == -ENODATA) {
                f->connection = close_safe(f->connection);
                return 0;
        }
        f->n_requests++;
        f->serve(f);
        return 0;
}

/* Listens as a process that ends. */
static void listen_and_end(int listener)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(listen(listener, 5) < 0);
        g_assert_cmpint(pid, >, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void listen_for_requests(Fixture *f)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        g_assert_cmpuint(g_strlcpy(address.sun_path, f->path, sizeof address.sun_path), <,
                        sizeof address.sun_path);
        f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        g_assert_cmpint(bind(f->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
        g_assert_cmpint(listen(f->listener, 5), ==, 0);
        g_assert_cmpint(sd_event_add_io(f->event, &f->source, f->listener, EPOLLIN, on_connection, f), >=,
                        0);
}

static void set_up(Fixture *f, const void *data)
{
        const char *script = "#!/bin/sh\necho \"process=$*\"\nexit 3\n";
        sigset_t mask;

        f->root = g_dir_make_tmp("shruthi-call-XXXXXX", NULL);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_libexec_dir(), 0755), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_runtime_dir(), 0755), ==, 0);
        f->program = g_build_filename(paths_libexec_dir(), "shruthi-domain", NULL);
        g_assert_true(g_file_set_contents_full(
                        f->program, script, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
        f->path = g_build_filename(paths_runtime_dir(), DOMAIN_SOCKET, NULL);
        f->request = DOMAIN_REQUEST_INIT;
        f->listener = f->connection = -EBADF;
        f->heard = g_string_new(NULL);
        f->handed = g_array_new(FALSE, FALSE, sizeof(int));
        f->status = -100;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        g_assert_cmpint(sigprocmask(SIG_BLOCK, &mask, NULL), ==, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        listen_for_requests(f);
}

static void remove_up_to(const char *path, const char *root)
{
        g_autofree char *dir = g_path_get_dirname(path);

        (void) g_unlink(path);
        while (strlen(dir) > strlen(root)) {
                char *parent = g_path_get_dirname(dir);

                (void) g_rmdir(dir);
                g_free(dir);
                dir = parent;
        }
}

static void tear_down(Fixture *f, const void *data)
{
        domain_call_free(f->call);
        sd_event_source_disable_unref(f->source);
        sd_event_unref(f->event);
        close_safe(f->listener);
        close_safe(f->connection);
        domain_request_clear(&f->request);
        g_string_free(f->heard, TRUE);
        for (guint i = 0; i < f->handed->len; i++)
                close_safe(g_array_index(f->handed, int, i));
        g_array_unref(f->handed);
        remove_up_to(f->path, f->root);
        remove_up_to(f->program, f->root);
        g_assert_cmpint(g_rmdir(f->root), ==, 0);
        paths_set_root(NULL);
        g_free(f->path);
        g_free(f->program);
        g_free(f->root);
}

static void on_output(void *userdata, const char *data, size_t size)
{
        Fixture *f = userdata;

        g_assert_cmpint(f->status, ==, -100);
        g_string_append_len(f->heard, data, (gssize) size);
}

static void on_ended(void *userdata, int status)
{
        Fixture *f = userdata;

        f->status = status;
        f->call = domain_call_free(f->call);
        (void) sd_event_exit(f->event, 0);
}

/* They come before the end. */
static void on_handed(void *userdata, const int *fds, unsigned n_fds)
{
        Fixture *f = userdata;

        g_assert_cmpint(f->status, ==, -100);
        g_array_append_vals(f->handed, fds, n_fds);
        f->n_handed++;
}

static const DomainCallHooks hooks = {.output = on_output, .handed = on_handed, .ended = on_ended};
static const DomainCallHooks hooks_without_hands = {.output = on_output, .ended = on_ended};

static void call_verb(Fixture *f, const char *verb, const DomainCallHooks *call_hooks, void (*service)(Fixture *f),
                uint64_t usec)
{
        const char *const words[] = {verb, "a", NULL};

        f->serve = service;
        g_assert_cmpint(domain_call_new(f->event, words, usec, call_hooks, f, &f->call), ==, 0);
        g_assert_cmpint(sd_event_loop(f->event), ==, 0);
}

static void call(Fixture *f, void (*service)(Fixture *f), uint64_t usec)
{
        call_verb(f, "start", &hooks, service, usec);
}

static void hang_up(Fixture *f)
{
        f->connection = close_safe(f->connection);
        domain_request_clear(&f->request);
}

static void say(Fixture *f, const char *text)
{
        g_assert_cmpint(write_all(f->request.output, text, strlen(text)), ==, 0);
}

static void serve_well(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        say(f, "service=well\n");
        domain_answer_send(f->connection, 7);
}

static void test_service(Fixture *f, const void *data)
{
        call(f, serve_well, UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "service=well\n");
        g_assert_cmpint(f->status, ==, 7);
        g_assert_cmpstr(f->request.words[0], ==, "start");
        g_assert_cmpstr(f->request.words[1], ==, "a");
        g_assert_cmpint(f->request.credentials, <, 0);
}

static void test_credentials(Fixture *f, const void *data)
{
        g_setenv("CREDENTIALS_DIRECTORY", f->root, TRUE);
        call(f, serve_well, UINT64_MAX);
        g_unsetenv("CREDENTIALS_DIRECTORY");
        g_assert_cmpint(f->request.credentials, >=, 0);
}

static void assert_process(Fixture *f)
{
        g_assert_cmpstr(f->heard->str, ==, "process=start a\n");
        g_assert_cmpint(f->status, ==, 3);
}

static void test_nobody_listens(Fixture *f, const void *data)
{
        f->listener = close_safe(f->listener);
        f->source = sd_event_source_disable_unref(f->source);
        call(f, NULL, UINT64_MAX);
        assert_process(f);
}

static void test_not_begun(Fixture *f, const void *data)
{
        call(f, hang_up, UINT64_MAX);
        g_assert_cmpuint(f->n_requests, ==, 1);
        assert_process(f);
}

/* The socket is there, but only systemd has an eye on it. */
static void test_asleep(Fixture *f, const void *data)
{
        listen_and_end(f->listener);
        call(f, serve_well, UINT64_MAX);
        assert_process(f);
}

static void serve_elsewhere(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        domain_answer_send(f->connection, DOMAIN_ELSEWHERE);
}

static void test_elsewhere(Fixture *f, const void *data)
{
        call(f, serve_elsewhere, UINT64_MAX);
        assert_process(f);
}

static void serve_and_die(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        say(f, "half=done\n");
        hang_up(f);
}

/* Not by a process once more: the service may have done it. */
static void test_dies(Fixture *f, const void *data)
{
        call(f, serve_and_die, UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "half=done\n");
        g_assert_cmpint(f->status, ==, -1);
}

static void serve_nonsense(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        domain_answer_send(f->connection, DOMAIN_BEGUN);
}

static void test_nonsense(Fixture *f, const void *data)
{
        call(f, serve_nonsense, UINT64_MAX);
        g_assert_cmpint(f->status, ==, -1);
}

static void serve_for_ever(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
}

static void serve_not_at_all(Fixture *f)
{
}

static void test_time(Fixture *f, void (*service)(Fixture *f))
{
        char byte;

        call(f, service, 100 * 1000);
        g_assert_cmpint(f->status, ==, -1);
        g_assert_cmpstr(f->heard->str, ==, "");
        /* The service sees it. */
        g_assert_cmpint(recv(f->connection, &byte, sizeof byte, MSG_DONTWAIT), ==, 0);
}

static void test_time_is_over(Fixture *f, const void *data)
{
        test_time(f, serve_for_ever);
}

/* Nobody is left who would want it done. */
static void test_time_is_over_before(Fixture *f, const void *data)
{
        test_time(f, serve_not_at_all);
}

/* The ends of a pipe in which there is a word; ours are closed. */
static int hand_pipe(int socket, const char *word)
{
        int ends[2], r;

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        g_assert_cmpint(write_all(ends[1], word, strlen(word)), ==, 0);
        r = domain_answer_hand(socket, ends, 2);
        close_safe(ends[0]);
        close_safe(ends[1]);
        return r;
}

/* What was handed over is the pipe with that word, and nobody else has it open. */
static void assert_handed(Fixture *f, const char *word)
{
        char text[32];
        ssize_t n;

        g_assert_cmpuint(f->n_handed, ==, 1);
        g_assert_cmpuint(f->handed->len, ==, 2);
        for (guint i = 0; i < 2; i++)
                g_assert_cmpint(fcntl(g_array_index(f->handed, int, i), F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        close_safe(g_array_index(f->handed, int, 1));
        g_array_set_size(f->handed, 1);
        n = read(g_array_index(f->handed, int, 0), text, sizeof text);
        g_assert_cmpmem(text, n, word, strlen(word));
        g_assert_cmpint((int) read(g_array_index(f->handed, int, 0), text, sizeof text), ==, 0);
}

static void serve_handing(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        say(f, "service=hands\n");
        g_assert_cmpint(hand_pipe(f->connection, "by the service"), ==, 0);
        domain_answer_send(f->connection, 0);
}

static void test_service_hands(Fixture *f, const void *data)
{
        call(f, serve_handing, UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "service=hands\n");
        g_assert_cmpint(f->status, ==, 0);
        assert_handed(f, "by the service");
}

static void serve_handing_for_ever(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        g_assert_cmpint(hand_pipe(f->connection, "and on"), ==, 0);
}

/* Whether it ended well is for the caller to look at. */
static void test_service_hands_and_hangs(Fixture *f, const void *data)
{
        call(f, serve_handing_for_ever, 100 * 1000);
        g_assert_cmpint(f->status, ==, -1);
        assert_handed(f, "and on");
}

static void serve_empty_hands(Fixture *f)
{
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        domain_answer_send(f->connection, DOMAIN_HANDED);
        domain_answer_send(f->connection, 0);
}

static void test_nothing_is_handed(Fixture *f, const void *data)
{
        call(f, serve_empty_hands, UINT64_MAX);
        g_assert_cmpint(f->status, ==, 0);
        g_assert_cmpuint(f->n_handed, ==, 0);
}

/* Of a pipe whose write end is handed over, our end is what tells that nobody has it open any more. */
static int unwanted = -EBADF;

static void serve_unwanted(Fixture *f)
{
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        unwanted = ends[0];
        domain_answer_send(f->connection, DOMAIN_BEGUN);
        g_assert_cmpint(domain_answer_hand(f->connection, &ends[1], 1), ==, 0);
        domain_answer_send(f->connection, 7);
        close_safe(ends[1]);
}

static void test_unwanted_are_closed(Fixture *f, const void *data)
{
        char byte;

        call_verb(f, "start", &hooks_without_hands, serve_unwanted, UINT64_MAX);
        g_assert_cmpint(f->status, ==, 7);
        g_assert_cmpint((int) read(unwanted, &byte, 1), ==, 0);
        unwanted = close_safe(unwanted);
}

/* shruthi-domain, as what the process executes. */
static int run_as_process(const char *verb)
{
        int r = hand_pipe(DOMAIN_HANDS_FD, "by the process");

        printf("%s=%s\n", verb, r < 0 ? "alone" : "hands");
        return fflush(stdout) == 0 ? 5 : 1;
}

static void use_this_program(Fixture *f)
{
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

        g_assert_cmpint(g_unlink(f->program), ==, 0);
        g_assert_cmpint(symlink(self, f->program), ==, 0);
        f->listener = close_safe(f->listener);
        f->source = sd_event_source_disable_unref(f->source);
}

static void test_process_hands(Fixture *f, const void *data)
{
        use_this_program(f);
        call(f, NULL, UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "start=hands\n");
        g_assert_cmpint(f->status, ==, 5);
        assert_handed(f, "by the process");
}

static void test_process_hands_unwanted(Fixture *f, const void *data)
{
        use_this_program(f);
        call_verb(f, "start", &hooks_without_hands, NULL, UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "start=hands\n");
        g_assert_cmpint(f->status, ==, 5);
}

/* Only for a start there is a guest to be executed. */
static void test_stop_hands_nothing(Fixture *f, const void *data)
{
        use_this_program(f);
        call_verb(f, "stop", &hooks, NULL, UINT64_MAX);
        g_assert_cmpstr(f->heard->str, ==, "stop=alone\n");
        g_assert_cmpint(f->status, ==, 5);
        g_assert_cmpuint(f->n_handed, ==, 0);
}

int main(int argc, char *argv[])
{
        if (g_str_has_suffix(argv[0], "shruthi-domain"))
                return run_as_process(argv[1]);

        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/helper/call/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("the-service-does-it", test_service);
        ADD("the-service-gets-the-credentials", test_credentials);
        ADD("without-a-service-a-process-does-it", test_nobody_listens);
        ADD("a-service-that-is-not-there-yet-is-not-waited-for", test_asleep);
        ADD("what-was-not-begun-a-process-does", test_not_begun);
        ADD("what-the-service-cannot-do-a-process-does", test_elsewhere);
        ADD("what-was-begun-is-not-done-again", test_dies);
        ADD("nonsense-is-an-end", test_nonsense);
        ADD("hangs-up-when-its-time-is-over", test_time_is_over);
        ADD("hangs-up-before-it-has-begun", test_time_is_over_before);
        ADD("the-service-hands-descriptors-over", test_service_hands);
        ADD("the-service-hands-descriptors-over-and-hangs", test_service_hands_and_hangs);
        ADD("empty-hands-are-nothing", test_nothing_is_handed);
        ADD("descriptors-that-nobody-wants-are-closed", test_unwanted_are_closed);
        ADD("the-process-hands-descriptors-over", test_process_hands);
        ADD("the-process-hands-over-what-nobody-wants", test_process_hands_unwanted);
        ADD("only-a-start-has-hands", test_stop_hands_nothing);
        return g_test_run();
}
