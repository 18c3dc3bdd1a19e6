/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whoever holds the mark is the guest, from before it is executed until its end, and nobody else is ever taken for
 * it; how it has ended is told as the kernel knows it, or not at all. */

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/process.h"

#define DEADLINE_MS 30000

typedef struct Fixture {
        char *root;
} Fixture;

static void make_run_dir(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
}

static void make_body(const char *name)
{
        g_autoptr(GPtrArray) none = process_ports_parse("");

        make_run_dir(name);
        g_assert_cmpint(process_write(name, none), ==, 0);
}

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-process-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->root);
}

/* A child that takes the mark of that unikernel, and ends when it is killed or has done what it has to. */
typedef void (*Afterwards)(int mark, const char *name);

static pid_t child_start(const char *name, Afterwards afterwards)
{
        int ready[2];
        char byte;
        pid_t pid;

        g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                int mark;

                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || process_open_mark(name, &mark) < 0 ||
                                process_take_mark(mark) < 0)
                        _exit(99);
                if (afterwards)
                        afterwards(mark, name);
                (void) close_safe(ready[1]);
                for (;;)
                        (void) pause();
        }

        /* It closes this when it is where it has to be, or has executed something. */
        close(ready[1]);
        g_assert_cmpint((int) read(ready[0], &byte, 1), ==, 0);
        close(ready[0]);
        return pid;
}

static void child_end(pid_t pid)
{
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void assert_not_found(const char *name, int r)
{
        int pidfd = -100;
        pid_t pid = -100;

        g_assert_cmpint(process_find(name, &pid, &pidfd), ==, r);
        g_assert_cmpint(pid, ==, -100);
        g_assert_cmpint(pidfd, ==, -100);
}

static int assert_found(const char *name, pid_t expected)
{
        int pidfd = -EBADF;
        pid_t pid = 0;

        g_assert_cmpint(process_find(name, &pid, &pidfd), ==, 0);
        g_assert_cmpint(pid, ==, expected);
        g_assert_cmpint(pidfd, >=, 0);
        g_assert_cmpint(fcntl(pidfd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        return pidfd;
}

static void await_end(int pidfd)
{
        struct pollfd end = {.fd = pidfd, .events = POLLIN};

        g_assert_cmpint(poll(&end, 1, DEADLINE_MS), ==, 1);
}

static void test_ports(void)
{
        static const char text[] = "service 52:54:00:00:00:01 shruaaaaaaaaaaa virbr0 default open\n"
                                   "private 52:54:00:00:00:02 shrubbbbbbbbbbb br7 - isolated\n";
        g_autoptr(GPtrArray) ports = process_ports_parse(text);
        g_autofree char *again = process_ports_format(ports);
        const ProcessPort *port;

        g_assert_cmpstr(again, ==, text);
        g_assert_cmpuint(ports->len, ==, 2);
        port = ports->pdata[0];
        g_assert_cmpstr(port->device, ==, "service");
        g_assert_cmpstr(port->mac, ==, "52:54:00:00:00:01");
        g_assert_cmpstr(port->interface, ==, "shruaaaaaaaaaaa");
        g_assert_cmpstr(port->bridge, ==, "virbr0");
        g_assert_cmpstr(port->network, ==, "default");
        g_assert_false(port->isolated);
        port = ports->pdata[1];
        g_assert_cmpstr(port->bridge, ==, "br7");
        g_assert_null(port->network);
        g_assert_true(port->isolated);
}

static void test_malformed_ports(void)
{
        static const char *const texts[] = {"", "\n\n", "service", "a b c d e\n", "a b c d e open more\n",
                        "a b c d e  open\n", "a\tb\tc\td\te\topen\n"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autofree char *text = g_strconcat(texts[i], "\na b c d - open", NULL);
                g_autoptr(GPtrArray) ports = process_ports_parse(texts[i]), with = process_ports_parse(text);

                g_assert_cmpuint(ports->len, ==, 0);
                g_assert_cmpuint(with->len, ==, 1);
                g_assert_cmpstr(((const ProcessPort *) with->pdata[0])->device, ==, "a");
        }
}

static void test_is_body(Fixture *f, const void *data)
{
        static const char text[] = "service 52:54:00:00:00:01 shruaaaaaaaaaaa virbr0 default isolated\n";
        g_autoptr(GPtrArray) ports = process_ports_parse(text), read = NULL, none = NULL;
        g_autofree char *dir = paths_unikernel_runtime("a"), *path = g_build_filename(dir, "process", NULL),
                        *again = NULL;
        struct stat st;

        g_assert_false(process_is_body("a"));
        make_run_dir("a");
        g_assert_false(process_is_body("a"));
        none = process_read_ports("a");
        g_assert_cmpuint(none->len, ==, 0);

        g_assert_cmpint(process_write("a", ports), ==, 0);
        g_assert_true(process_is_body("a"));
        g_assert_false(process_is_body("b"));
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0600);
        read = process_read_ports("a");
        again = process_ports_format(read);
        g_assert_cmpstr(again, ==, text);
}

static void test_mark(Fixture *f, const void *data)
{
        _cleanup_close_ int mark = -EBADF, pidfd = -EBADF;
        pid_t pid;

        assert_not_found("a", -ENOENT);
        g_assert_cmpint(process_open_mark("a", &mark), ==, -ENOENT);
        make_body("a");
        assert_not_found("a", -ESRCH);

        pid = child_start("a", NULL);
        pidfd = assert_found("a", pid);
        g_assert_cmpint(process_open_mark("a", &mark), ==, 0);
        g_assert_cmpint(process_take_mark(mark), ==, -EAGAIN);

        g_assert_cmpint((int) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), ==, 0);
        await_end(pidfd);
        assert_not_found("a", -ESRCH);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        assert_not_found("a", -ESRCH);
        g_assert_true(process_is_body("a"));
}

static void execute_sleep(int mark, const char *name)
{
        (void) fcntl(mark, F_SETFD, 0);
        (void) execl("/bin/sleep", "sleep", "600", (char *) NULL);
        _exit(98);
}

static void execute_sleep_without_mark(int mark, const char *name)
{
        (void) execl("/bin/sleep", "sleep", "600", (char *) NULL);
        _exit(98);
}

static void place_mark(int mark, const char *name)
{
        /* As the runner does, before it takes the mark; here the number stays open too. */
        (void) dup2(mark, 50);
}

static void close_copy(int mark, const char *name)
{
        int other;

        if (process_open_mark(name, &other) < 0)
                _exit(97);
        (void) close_safe(other);
}

static void fork_another(int mark, const char *name)
{
        if (fork() == 0) {
                (void) close_safe(mark);
                _exit(0);
        }
        (void) wait(NULL);
}

/* The lock is its own, however it is called by then. What it forks has none, and takes none away. */
static void test_mark_is_kept(Fixture *f, const void *data)
{
        static const Afterwards kept[] = {execute_sleep, place_mark, fork_another};

        make_body("a");
        for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
                pid_t pid = child_start("a", kept[i]);
                _cleanup_close_ int pidfd = assert_found("a", pid);

                /* Who looks does not take it away. */
                for (unsigned j = 0; j < 100; j++)
                        (void) close_safe(assert_found("a", pid));
                child_end(pid);
                assert_not_found("a", -ESRCH);
        }
}

/* POSIX takes all locks of a process away with the first descriptor of the file that it closes (fcntl(2)); so the
 * descriptor must stay open, and be the only one. */
static void test_mark_is_lost(Fixture *f, const void *data)
{
        static const Afterwards lost[] = {execute_sleep_without_mark, close_copy};

        make_body("a");
        for (size_t i = 0; i < G_N_ELEMENTS(lost); i++) {
                pid_t pid = child_start("a", lost[i]);

                assert_not_found("a", -ESRCH);
                child_end(pid);
        }
}

/* A new run's file is another one. */
static void test_mark_of_an_earlier_run(Fixture *f, const void *data)
{
        pid_t pid;

        make_body("a");
        pid = child_start("a", NULL);
        make_body("a");
        assert_not_found("a", -ESRCH);
        child_end(pid);
}

static void test_list(Fixture *f, const void *data)
{
        g_auto(GStrv) before = process_list(), running = NULL, after = NULL;
        pid_t a, c;

        g_assert_cmpuint(g_strv_length(before), ==, 0);
        make_body("a");
        make_body("b");
        make_body("c");
        make_run_dir("domain");
        make_body("No Name");
        a = child_start("a", NULL);
        c = child_start("c", execute_sleep);

        running = process_list();
        g_assert_cmpuint(g_strv_length(running), ==, 2);
        g_assert_true(g_strv_contains((const char *const *) running, "a"));
        g_assert_true(g_strv_contains((const char *const *) running, "c"));
        child_end(a);
        child_end(c);
        after = process_list();
        g_assert_cmpuint(g_strv_length(after), ==, 0);
}

/* An end of a process, and what is told of it. */
typedef struct End {
        int signal, status; /* it raises the one, or exits with the other */
} End;

static const End ends[] = {{0, 0}, {0, 7}, {0, 255}, {SIGKILL, 0}, {SIGSEGV, 0}, {SIGTERM, 0}};

_Noreturn static void come_to(const End *end)
{
        if (end->signal == 0)
                _exit(end->status);
        /* Without what a sanitizer makes of it, and without a dump. */
        (void) prctl(PR_SET_DUMPABLE, 0);
        (void) signal(end->signal, SIG_DFL);
        (void) raise(end->signal);
        _exit(96);
}

static void assert_end(const End *end, int code, int status)
{
        if (end->signal == 0) {
                g_assert_cmpint(code, ==, CLD_EXITED);
                g_assert_cmpint(status, ==, end->status);
        } else {
                g_assert_true(code == CLD_KILLED || code == CLD_DUMPED);
                g_assert_cmpint(status, ==, end->signal);
        }
}

static int open_pidfd(pid_t pid)
{
        int pidfd = (int) syscall(SYS_pidfd_open, pid, 0);

        g_assert_cmpint(pidfd, >=, 0);
        return pidfd;
}

/* Since Linux 6.15. QEMU does not know of it. */
static bool kernel_remembers(void)
{
        struct utsname host;
        unsigned major = 0, minor = 0;

        g_assert_cmpint(uname(&host), ==, 0);
        return !fixture_is_emulated() && sscanf(host.release, "%u.%u", &major, &minor) == 2 &&
               (major > 6 || (major == 6 && minor >= 15));
}

/* The kernel tells that it has been waited for, which a pidfd that can be read does not say (pidfd_poll() of
 * kernel/fork.c). */
static bool is_gone(int pidfd)
{
        struct pollfd end = {.fd = pidfd, .events = POLLIN};

        g_assert_cmpint(poll(&end, 1, DEADLINE_MS), ==, 1);
        return end.revents & POLLHUP;
}

/* Once it has been waited for by its parent. */
static void assert_remembered(const End *end, int pidfd)
{
        int code = -100, status = -100, r = process_status(pidfd, &code, &status);

        g_assert_cmpint(r, ==, kernel_remembers() ? 0 : -ENODATA);
        if (r >= 0)
                assert_end(end, code, status);
        else
                g_assert_cmpint(code, ==, -100);
}

static void test_status_of_child(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                _cleanup_close_ int pidfd = -EBADF;
                int go[2], code = -100, status = -100;
                pid_t pid;

                g_assert_cmpint(pipe2(go, O_CLOEXEC), ==, 0);
                pid = fork();
                g_assert_cmpint(pid, >=, 0);
                if (pid == 0) {
                        char byte;

                        (void) close_safe(go[1]);
                        (void) !read(go[0], &byte, 1);
                        come_to(&ends[i]);
                }
                (void) close_safe(go[0]);
                pidfd = open_pidfd(pid);
                g_assert_cmpint(process_status(pidfd, &code, &status), ==, -ENODATA);
                g_assert_cmpint(code, ==, -100);

                (void) close_safe(go[1]);
                await_end(pidfd);
                g_assert_cmpint(process_status(pidfd, &code, &status), ==, 0);
                assert_end(&ends[i], code, status);
                g_assert_cmpint(waitpid(pid, NULL, WNOHANG), ==, -1); /* it is told once */
                assert_remembered(&ends[i], pidfd);
        }
}

/* The guest's parent was a runner that is gone; whoever is its parent by now has not waited for it, so
 * nobody is told anything, and then has. */
static void test_status_of_other(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                _cleanup_close_ int pidfd = -EBADF;
                int pids[2], go[2], reap[2], code = -100, status = -100;
                pid_t parent, pid;

                g_assert_cmpint(pipe2(pids, O_CLOEXEC), ==, 0);
                g_assert_cmpint(pipe2(go, O_CLOEXEC), ==, 0);
                g_assert_cmpint(pipe2(reap, O_CLOEXEC), ==, 0);
                parent = fork();
                g_assert_cmpint(parent, >=, 0);
                if (parent == 0) {
                        char byte;

                        (void) close_safe(go[1]);
                        (void) close_safe(reap[1]);
                        pid = fork();
                        if (pid == 0) {
                                (void) !read(go[0], &byte, 1);
                                come_to(&ends[i]);
                        }
                        (void) write_all(pids[1], &pid, sizeof pid);
                        (void) !read(reap[0], &byte, 1);
                        _exit(waitpid(pid, NULL, 0) == pid ? 0 : 1);
                }
                (void) close_safe(go[0]);
                (void) close_safe(reap[0]);
                g_assert_cmpint((int) read(pids[0], &pid, sizeof pid), ==, sizeof pid);
                pidfd = open_pidfd(pid);
                g_assert_cmpint(process_status(pidfd, &code, &status), ==, -ENODATA);

                (void) close_safe(go[1]);
                await_end(pidfd);
                g_assert_cmpint(process_status(pidfd, &code, &status), ==, -ENODATA);
                if (kernel_remembers())
                        g_assert_false(is_gone(pidfd));

                (void) close_safe(reap[1]);
                g_assert_cmpint(waitpid(parent, &status, 0), ==, parent);
                g_assert_cmpint(status, ==, 0);
                if (kernel_remembers())
                        g_assert_true(is_gone(pidfd));
                assert_remembered(&ends[i], pidfd);
                (void) close_safe(pids[0]);
                (void) close_safe(pids[1]);
        }
}

static void test_status_of_nothing(void)
{
        _cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int code, status;

        g_assert_cmpint(process_status(null, &code, &status), ==, -ENODATA);
        g_assert_cmpint(process_status(-EBADF, &code, &status), ==, -ENODATA);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/unikernel/process/" path, Fixture, NULL, set_up, function, tear_down)
        g_test_add_func("/unikernel/process/ports-come-back", test_ports);
        g_test_add_func("/unikernel/process/ports-that-are-none-are-passed-over", test_malformed_ports);
        ADD("is-the-body-once-that-is-written", test_is_body);
        ADD("is-found-by-its-mark", test_mark);
        ADD("keeps-its-mark", test_mark_is_kept);
        ADD("loses-its-mark-with-a-descriptor-of-it", test_mark_is_lost);
        ADD("of-an-earlier-run-is-not-found", test_mark_of_an_earlier_run);
        ADD("list-is-of-those-that-run", test_list);
        g_test_add_func("/unikernel/process/status-of-a-child", test_status_of_child);
        g_test_add_func("/unikernel/process/status-of-another's", test_status_of_other);
        g_test_add_func("/unikernel/process/status-of-nothing", test_status_of_nothing);
        return g_test_run();
}
