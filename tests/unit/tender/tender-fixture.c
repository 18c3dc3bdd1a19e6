/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts and watches shruthi-tender. */

#include "tender-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender/exit-status.h"

#define DEADLINE_MS 30000
#ifdef __aarch64__
#define SUFFIX "-aarch64.spt"
#else
#define SUFFIX ".spt"
#endif

char *tender_guest(const char *name)
{
        g_autofree char *file = g_strdup_printf("guest-%s" SUFFIX, name);

        g_assert_nonnull(g_getenv("GUEST_IMAGES"));
        return g_build_filename(g_getenv("GUEST_IMAGES"), file, NULL);
}

/* Above those that the child will have, so that none is overwritten before it is moved. */
static int fd_high(int fd)
{
        int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);

        g_assert_cmpint(high, >=, 100);
        close(fd);
        return high;
}

_Noreturn static void child_run(
                const char *program, const char *const *argv, int output, int network, int block)
{
        if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
                        dup2(network, NETWORK_FD) < 0 || dup2(block, BLOCK_FD) < 0)
                _exit(99);
        execv(program, (char *const *) (uintptr_t) argv);
        _exit(98);
}

TenderRun tender_run_argv(const char *program, const char *const *argv)
{
        TenderRun run = {.text = g_strdup("")};
        int pipes[2], sockets[2], theirs;

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
        run.output = fd_high(pipes[0]);
        run.network = fd_high(sockets[0]);
        theirs = fd_high(sockets[1]);
        run.block = fd_high(memfd_create("block", MFD_CLOEXEC));
        g_assert_cmpint(ftruncate(run.block, BLOCK_SIZE), ==, 0);
        pipes[1] = fd_high(pipes[1]);

        run.pid = fork();
        g_assert_cmpint(run.pid, >=, 0);
        if (run.pid == 0)
                child_run(program, argv, pipes[1], theirs, run.block);
        close(pipes[1]);
        close(theirs);
        return run;
}

static TenderRun run_words(const char *program, const char *first, const char *guest, const char *options,
                const char *arguments)
{
        g_autofree char *image = tender_guest(guest);
        g_auto(GStrv) before = g_strsplit(options, " ", -1), after = g_strsplit(arguments, " ", -1);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();

        g_ptr_array_add(argv, (gpointer) "shruthi-tender");
        if (first)
                g_ptr_array_add(argv, (gpointer) first);
        if (!g_str_equal(guest, "plain"))
                g_ptr_array_add(argv, (gpointer) "--network=service=3,mac=52:54:00:00:00:01");
        if (g_str_equal(guest, "disk"))
                g_ptr_array_add(argv, (gpointer) "--block=storage=4");
        for (char **word = before; *word; word++)
                if (**word != '\0')
                        g_ptr_array_add(argv, *word);
        g_ptr_array_add(argv, image);
        for (char **word = after; *word; word++)
                if (**word != '\0')
                        g_ptr_array_add(argv, *word);
        g_ptr_array_add(argv, NULL);
        return tender_run_argv(program, (const char *const *) argv->pdata);
}

TenderRun tender_run(const char *guest, const char *options, const char *arguments)
{
        return run_words(g_getenv("TENDER"), NULL, guest, options, arguments);
}

TenderRun tender_run_without(
                const char *layer, const char *guest, const char *options, const char *arguments)
{
        g_autofree char *without = g_strdup_printf("--without=%s", layer);

        return run_words(g_getenv("TENDER_TESTING"), without, guest, options, arguments);
}

bool tender_run_read(TenderRun *run)
{
        struct pollfd poll_fd = {.fd = run->output, .events = POLLIN};
        g_autofree char *before = run->text;
        char buffer[4096];
        ssize_t n;

        g_assert_cmpint(poll(&poll_fd, 1, DEADLINE_MS), ==, 1);
        n = read(run->output, buffer, sizeof buffer - 1);
        g_assert_cmpint((int) n, >=, 0);
        buffer[n] = '\0';
        run->text = g_strconcat(before, buffer, NULL);
        return n > 0;
}

void tender_run_expect(TenderRun *run, const char *text)
{
        while (!strstr(run->text, text))
                if (!tender_run_read(run))
                        g_error("\"%s\" is not in \"%s\"", text, run->text);
}

void tender_run_end(TenderRun *run)
{
        while (tender_run_read(run))
                ;
        g_assert_cmpint(waitpid(run->pid, &run->status, 0), ==, run->pid);
        run->pid = 0;
}

void tender_run_clear(TenderRun *run)
{
        if (run->pid > 0) {
                kill(run->pid, SIGKILL);
                waitpid(run->pid, NULL, 0);
        }
        close(run->output);
        close(run->network);
        close(run->block);
        g_free(run->text);
}

void tender_assert_exit(const TenderRun *run, int status)
{
        if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != status)
                g_error("it ended with the wait status %#x, not with %d, and said: %s",
                                (unsigned) run->status, status, run->text);
}

void tender_assert_signal(const TenderRun *run, int signal)
{
        if (!WIFSIGNALED(run->status) || WTERMSIG(run->status) != signal)
                g_error("it ended with the wait status %#x, not by signal %d, and said: %s",
                                (unsigned) run->status, signal, run->text);
}

bool tender_can_filter(void)
{
        uint32_t action = SECCOMP_RET_KILL_PROCESS;

        return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) >= 0;
}

bool tender_assert_no_filter(TenderRun *run)
{
        if (tender_can_filter())
                return false;

        tender_run_end(run);
        tender_assert_exit(run, TENDER_EXIT_FILTER);
        g_assert_nonnull(strstr(run->text,
                        "The system calls of the guest cannot be filtered, so it is not started"));
        g_assert_null(strstr(run->text, "SHRUTHI test guest"));
        return true;
}
