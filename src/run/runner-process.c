/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest that is a process: shruthi-domain has prepared everything and handed over what it needs; here it
 * is executed (shruthi-tender), in the unit's own control group and sandbox. Its parent learns how it ends.
 * A runner that is restarted finds it by its mark (unikernel/process.h). */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "kvm/device.h"
#include "kvm/protocol.h"
#include "run/runner-private.h"
#include "unikernel/process.h"

#define PROGRAM       "shruthi-tender"
#define WORDS_MAX     (64 * 1024)         /* bytes */
#define COMPLAINT_MAX 1000                /* characters of the program's messages that are told */
#define LEFT_MSEC     10000               /* until a process that an earlier run left is gone */
#define ENTER_USEC    (300 * G_USEC_PER_SEC) /* until it is the guest; below TimeoutStartSec= of the unit */
#define REAP_USEC     (2 * G_USEC_PER_SEC) /* … until its parent has waited for it */
#define NOT_EXECUTED  (RUNNER_EXIT_GUEST) /* of the child, if it could not become the program */

void runner_take_handed(Runner *runner, const int *fds, unsigned n_fds)
{
        runner_drop_handed(runner);
        runner->handed = g_array_new(FALSE, FALSE, sizeof *fds);
        g_array_append_vals(runner->handed, fds, n_fds);
}

void runner_kill_process(Runner *runner)
{
        if (runner->process_fd >= 0)
                (void) syscall(SYS_pidfd_send_signal, runner->process_fd, SIGKILL, NULL, 0);
}

void runner_drop_handed(Runner *runner)
{
        for (guint i = 0; runner->handed && i < runner->handed->len; i++)
                (void) close_safe(g_array_index(runner->handed, int, i));
        g_clear_pointer(&runner->handed, g_array_unref);
}

/* What the program is executed with, all of it made before fork(). */
typedef struct Execution {
        char *path;
        GPtrArray *words; /* char *, terminated by NULL */
        char *text;       /* in which most of them are */
        char *hold;
        char *kvm_word;
        int console, mark, messages;
        int kvm; /* the connection by which /dev/kvm comes, or of a user's own the device itself; negative
                  * if the guest does not need it */
        const int *fds; /* that the words name, from HELPER_GUEST_FD_FIRST on */
        unsigned n_fds; /* DOMAIN_HANDED_MAX at most */
} Execution;

#define EXECUTION_INIT ((Execution){.console = -EBADF, .mark = -EBADF, .messages = -EBADF, .kvm = -EBADF})

static void execution_clear(Execution *execution)
{
        g_free(execution->path);
        g_free(execution->text);
        g_free(execution->hold);
        g_free(execution->kvm_word);
        if (execution->words)
                g_ptr_array_unref(execution->words);
        (void) close_safe(execution->console);
        (void) close_safe(execution->mark);
        (void) close_safe(execution->messages);
        (void) close_safe(execution->kvm);
}
#define _cleanup_execution_ __attribute__((cleanup(execution_clear)))

/* Behind those that were handed over; what the guest holds is next. */
static unsigned execution_kvm_number(const Execution *execution)
{
        return HELPER_GUEST_FD_FIRST + execution->n_fds;
}

static int execution_hold_number(const Execution *execution)
{
        return (int) execution_kvm_number(execution) + (execution->kvm_word ? 1 : 0);
}

/* The words are those of shruthi-domain; only what is ours is added. */
static int execution_read_words(Execution *execution, int fd)
{
        bool arguments = false; /* the guest's own */
        ssize_t n;

        execution->text = g_malloc0(WORDS_MAX + 1);
        n = pread_all(fd, execution->text, WORDS_MAX, 0);
        if (n < 0)
                return (int) n;

        execution->words = g_ptr_array_new();
        g_ptr_array_add(execution->words, (char *) PROGRAM);
        for (char *word = execution->text; word < execution->text + n; word += strlen(word) + 1) {
                arguments = arguments || g_str_equal(word, "--");
                if (!arguments && !execution->kvm_word && g_str_equal(word, HELPER_WORD_KVM))
                        execution->kvm_word = g_strdup_printf("--kvm=%u", execution_kvm_number(execution));
                else
                        g_ptr_array_add(execution->words, word);
        }
        if (execution->kvm_word)
                g_ptr_array_insert(execution->words, 1, execution->kvm_word);
        execution->hold = g_strdup_printf("--hold=%d", execution_hold_number(execution));
        g_ptr_array_insert(execution->words, 1, execution->hold);
        g_ptr_array_add(execution->words, NULL);
        return 0;
}

static int execution_prepare(Execution *execution, Runner *runner, int *ret_messages, Error *ret_error)
{
        g_autofree char *output = runner->body->console(runner->name, BODY_CONSOLE_OUTPUT);
        const GArray *handed = runner->handed;
        int ends[2], r;

        if (!handed || handed->len < 2 || handed->len > DOMAIN_HANDED_MAX)
                return -ENODATA;

        execution->fds = (const int *) handed->data + 1;
        execution->n_fds = handed->len - 1;
        execution->path = g_build_filename(paths_libexec_dir(), PROGRAM, NULL);
        r = execution_read_words(execution, g_array_index(handed, int, 0));
        if (r < 0)
                return r;
        /* Not non-blocking: a guest that prints faster than it is read waits. */
        execution->console = open(output, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (execution->console < 0)
                return -errno;
        r = process_open_mark(runner->name, &execution->mark);
        if (r < 0)
                return r;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        *ret_messages = ends[0];
        execution->messages = ends[1];
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        if (!execution->kvm_word)
                return 0;
        if (paths_are_of_user())
                return device_open(&execution->kvm, ret_error);
        /* The question is this process's own, which alone is answered; its child waits for the answer. */
        return kvm_ask(KVM_ASK_OPEN, &execution->kvm, ret_error);
}

/* In the child, until it can be found by its mark: it ends with its parent. */
static int execution_bind(pid_t parent)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        return getppid() == parent ? 0 : -ESRCH;
}

/* In the child: says why not, and ends it. */
static int execution_receive_kvm(const Execution *execution)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *sentence = NULL;
        int fd = -EBADF, r;

        if (execution->kvm < 0 || paths_are_of_user())
                return execution->kvm;
        r = kvm_receive(execution->kvm, &fd, &error);
        if (r >= 0)
                return fd;

        sentence = g_strdup_printf("%s\n", error_message(&error, r));
        (void) write_all(execution->messages, sentence, strlen(sentence));
        _exit(RUNNER_EXIT_HOST);
}

/* In the child. First all out of the way, then each to its place; what remains is closed by execve(). Of the
 * mark nothing may remain: closing any other descriptor of that file ends the lock. */
static int execution_place(const Execution *execution)
{
        int copies[DOMAIN_HANDED_MAX], held = execution_hold_number(execution),
                                       kvm = execution_receive_kvm(execution), mark;

        if (dup2(execution->messages, STDERR_FILENO) < 0 || dup2(execution->console, STDOUT_FILENO) < 0)
                return -errno;
        mark = fcntl(execution->mark, F_DUPFD_CLOEXEC, held + 1);
        if (mark < 0)
                return -errno;
        (void) close(execution->mark);
        for (unsigned i = 0; i < execution->n_fds; i++) {
                copies[i] = fcntl(execution->fds[i], F_DUPFD_CLOEXEC, held + 1);
                if (copies[i] < 0)
                        return -errno;
        }
        if (kvm >= 0)
                kvm = fcntl(kvm, F_DUPFD_CLOEXEC, held + 1);
        if (execution->kvm_word && (kvm < 0 || dup2(kvm, (int) execution_kvm_number(execution)) < 0))
                return -errno;

        for (unsigned i = 0; i < execution->n_fds; i++)
                if (dup2(copies[i], HELPER_GUEST_FD_FIRST + (int) i) < 0)
                        return -errno;
        if (dup2(mark, held) < 0)
                return -errno;
        (void) close(mark);
        return process_take_mark(held);
}

_Noreturn static void execution_become(const Execution *execution, pid_t parent)
{
        static const char complaint[] = PROGRAM ": cannot be executed\n";
        char *none[] = {NULL};
        sigset_t signals;

        (void) sigemptyset(&signals);
        if (execution_bind(parent) >= 0 && execution_place(execution) >= 0 &&
                        prctl(PR_SET_PDEATHSIG, 0) >= 0 && sigprocmask(SIG_SETMASK, &signals, NULL) >= 0)
                (void) execve(execution->path, (char **) execution->words->pdata, none);

        (void) write_all(STDERR_FILENO, complaint, strlen(complaint));
        _exit(NOT_EXECUTED);
}

static void runner_note_process_end(Runner *runner)
{
        Evidence *evidence = &runner->evidence;

        if (evidence->process != GUEST_PROCESS_RUNNING)
                return;

        runner->process_source = sd_event_source_disable_unref(runner->process_source);
        runner->reap_source = sd_event_source_disable_unref(runner->reap_source);
        evidence->process = process_status(runner->process_fd, &evidence->process_code,
                                            &evidence->process_status) < 0
                                            ? GUEST_PROCESS_LOST
                                            : GUEST_PROCESS_ENDED;
}

static void runner_handle_process_end(Runner *runner)
{
        runner_note_process_end(runner);
        /* What was its last word may still be in the console. */
        runner_handle(runner, RUNNER_EVENT_TOLD);
        runner_handle(runner, RUNNER_EVENT_DOMAIN_GONE);
}

static int on_runner_reap_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        runner_handle_process_end(userdata);
        return 0;
}

/* The kernel remembers how it ended from when its parent, systemd, has waited for it, which the second event
 * tells (Linux 6.9; it always comes). */
static int on_runner_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Runner *runner = userdata;
        int code, status;

        if ((events & EPOLLHUP) || process_status(fd, &code, &status) >= 0 ||
                        sd_event_source_set_io_events(source, 0) < 0 ||
                        sd_event_add_time_relative(runner->event, &runner->reap_source, CLOCK_MONOTONIC,
                                        REAP_USEC, 0, on_runner_reap_time, runner) < 0)
                runner_handle_process_end(runner);
        return 0;
}

/* Somebody may stop it by a signal, and only its parent is told. */
static int on_runner_process_change(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Runner *runner = userdata;

        if (si->si_code == CLD_STOPPED || si->si_code == CLD_CONTINUED)
                runner_take_stop(runner, si->si_code == CLD_STOPPED);
        else
                runner_handle_process_end(runner);
        return 0;
}

/* The process of an earlier runner, of which systemd is the parent now. */
static int runner_watch_process(Runner *runner)
{
        runner->evidence.process = GUEST_PROCESS_RUNNING;
        return sd_event_add_io(runner->event, &runner->process_source, runner->process_fd, EPOLLIN,
                        on_runner_process_end, runner);
}

static int runner_watch_child(Runner *runner, pid_t pid)
{
        int r;

        runner->evidence.process = GUEST_PROCESS_RUNNING;
        r = sd_event_add_child(runner->event, &runner->process_source, pid, WEXITED | WSTOPPED | WCONTINUED,
                        on_runner_process_change, runner);
        return r < 0 ? r : sd_event_source_set_enabled(runner->process_source, SD_EVENT_ON);
}

static Result tender_result(int status)
{
        return status == RUNNER_EXIT_DEFINITION ? RESULT_DEFINITION
               : status == RUNNER_EXIT_IMAGE    ? RESULT_IMAGE
                                                : RESULT_HOST;
}

/* The program has said why there is no guest. */
static void runner_refuse_process(Runner *runner)
{
        g_autofree char *shown = text_for_display(runner->complaint->str, COMPLAINT_MAX);
        struct pollfd end = {.fd = runner->process_fd, .events = POLLIN};
        const char *words = g_str_has_prefix(shown, PROGRAM ": ") ? shown + strlen(PROGRAM ": ") : shown;
        Result result = RESULT_HOST;

        (void) poll(&end, 1, LEFT_MSEC);
        runner_note_process_end(runner);
        if (runner->evidence.process == GUEST_PROCESS_ENDED && runner->evidence.process_code == CLD_EXITED)
                result = tender_result(runner->evidence.process_status);
        runner->evidence.process = GUEST_PROCESS_NONE;
        runner_refuse(runner, result, result_runner_exit_status(result), "%s", words);
}

/* The other end is closed when the guest is entered, or was not. */
static int on_runner_process_messages(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Runner *runner = userdata;
        char buffer[1024];
        ssize_t n = read(fd, buffer, sizeof buffer);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0) {
                if (runner->complaint->len < COMPLAINT_MAX)
                        g_string_append_len(runner->complaint, buffer, n);
                return 0;
        }

        runner->messages_source = sd_event_source_disable_unref(runner->messages_source);
        runner->enter_source = sd_event_source_disable_unref(runner->enter_source);
        (void) g_strchomp(runner->complaint->str);
        runner->complaint->len = strlen(runner->complaint->str);
        if (runner->complaint->len > 0)
                runner_refuse_process(runner);
        else
                runner_take_process(runner);
        return 0;
}

/* The unit's own control group, and with it the guest's; the slice is what it is in. */
static void runner_note_cgroup(Runner *runner)
{
        g_autofree char *text = NULL, *above = NULL;
        char *line;

        if (file_read_at(AT_FDCWD, "/proc/self/cgroup", WORDS_MAX, &text, NULL) < 0)
                return;
        line = strstr(text, "0::/");
        if (!line)
                return;

        line += strlen("0::");
        line[strcspn(line, "\n")] = '\0';
        above = g_path_get_dirname(line);
        g_free(runner->run.cgroup);
        runner->run.cgroup = g_strdup(line);
        g_free(runner->wanted_slice);
        runner->wanted_slice = g_steal_pointer(&runner->run.slice);
        runner->run.slice = g_path_get_basename(above);
}

static int on_runner_enter_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        g_string_assign(runner->complaint, "the guest was not entered in time; does a disk hang?");
        runner_kill_process(runner);
        return 0;
}

/* What shruthi-tender says until it is the guest. messages becomes the event source's. */
static int runner_hear_process(Runner *runner, int messages)
{
        int r;

        runner->complaint = g_string_new(NULL);
        r = sd_event_add_io(runner->event, &runner->messages_source, messages, EPOLLIN,
                        on_runner_process_messages, runner);
        if (r < 0) {
                (void) close(messages);
                return r;
        }
        r = sd_event_source_set_io_fd_own(runner->messages_source, true);
        return r < 0 ? r
                     : sd_event_add_time_relative(runner->event, &runner->enter_source, CLOCK_MONOTONIC,
                                       ENTER_USEC, 0, on_runner_enter_time, runner);
}

/* It is ours until it is waited for, so the number is right. */
static int runner_follow_child(Runner *runner, pid_t pid, int messages)
{
        int r;

        runner->process_fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (runner->process_fd < 0) {
                r = -errno;
                (void) close(messages);
                return r;
        }
        runner_store(RUNNER_STORED_PROCESS, runner->process_fd);
        r = runner_watch_child(runner, pid);
        if (r < 0) {
                (void) close(messages);
                return r;
        }

        return runner_hear_process(runner, messages);
}

static int runner_fork(Runner *runner, Error *ret_error)
{
        _cleanup_execution_ Execution execution = EXECUTION_INIT;
        _cleanup_close_ int messages = -EBADF;
        pid_t parent = getpid(), pid;
        int r;

        r = execution_prepare(&execution, runner, &messages, ret_error);
        if (r < 0)
                return r;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execution_become(&execution, parent);

        r = runner_follow_child(runner, pid, TAKE_FD(messages));
        if (r < 0) {
                runner->process_source = sd_event_source_disable_unref(runner->process_source);
                runner->evidence.process = GUEST_PROCESS_NONE;
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
        }
        return r;
}

/* The unit may have been loaded before the image was for a process, or before its definition was there. */
static int runner_check_slice(Runner *runner)
{
        const RunState *run = &runner->run;

        if (!runner->wanted_slice || !*runner->wanted_slice ||
                        g_strcmp0(run->slice, SHRUTHI_SLICE ".slice") != 0)
                return 0;

        runner_refuse(runner, RESULT_HOST, RUNNER_EXIT_HOST,
                        "the limits of %s would not hold, because systemd does not know yet that the guest "
                        "is a process: run 'systemctl daemon-reload', then start it again",
                        runner->wanted_slice);
        return -ESTALE;
}

void runner_execute(Runner *runner)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        /* Nobody waits for it any more. */
        if (runner->state == RUNNER_CANCELLING) {
                runner_drop_handed(runner);
                runner_refuse(runner, RESULT_STOPPED, 0, "was stopped before it was started");
                return;
        }

        runner_note_cgroup(runner);
        runner->run.process = true;
        runner_save(runner);
        /* Nobody else opens them: those for QEMU's user are for domains. */
        runner_close_fifos(runner);
        r = runner_check_slice(runner);
        if (r < 0) {
                runner_drop_handed(runner);
                return;
        }
        r = runner_fork(runner, &error);
        runner_drop_handed(runner);
        if (r < 0)
                runner_refuse(runner, RESULT_HOST, RUNNER_EXIT_HOST, "%s%s",
                                error.message ? "" : "the guest cannot be executed: ",
                                error_message(&error, r));
}

/* The stored pidfd tells more than the mark when the process has ended meanwhile. */
void runner_find_process(Runner *runner)
{
        pid_t pid;

        if (runner->evidence.process != GUEST_PROCESS_NONE ||
                        (!runner->run.process && runner->process_fd < 0 && !process_is_body(runner->name)))
                return;

        runner->run.process = true;
        if (runner->process_fd < 0)
                (void) process_find(runner->name, &pid, &runner->process_fd);
        if (runner->process_fd < 0 || runner_watch_process(runner) < 0)
                runner->evidence.process = GUEST_PROCESS_LOST;
}

int runner_end_left_process(Runner *runner)
{
        _cleanup_close_ int pidfd = -EBADF;
        struct pollfd end = {.events = POLLIN};
        pid_t pid;

        if (process_find(runner->name, &pid, &pidfd) < 0)
                return 0;

        journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                        "The leftover process %d of an earlier start was killed", (int) pid);
        (void) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        end.fd = pidfd;
        if (poll(&end, 1, LEFT_MSEC) > 0)
                return 0;

        runner_fail(runner, RESULT_HOST, RUNNER_EXIT_RUNNER,
                        "the process %d of an earlier start was killed and does not end; does it wait for a "
                        "disk that hangs?",
                        (int) pid);
        return -EBUSY;
}
