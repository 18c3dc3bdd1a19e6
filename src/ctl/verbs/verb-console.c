/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* console: connects the terminal to the guest's console, like "machinectl login"; ^] three times within a
 * second disconnects. The guest's output is written raw, as on a console; logs shows it escaped. */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/escape.h"

/* How long to read the guest's output after the end of the input, because it may answer. */
#define ANSWER_USEC (1 * (int64_t) G_USEC_PER_SEC)

static volatile sig_atomic_t interrupted;

static void console_on_signal(int number)
{
        interrupted = number;
}

typedef struct Terminal {
        bool raw;
        struct termios saved;
} Terminal;

static void terminal_make_raw(Terminal *terminal)
{
        struct termios raw;

        if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
                return;

        raw = terminal->saved;
        cfmakeraw(&raw);
        /* The guest handles its own line ends; output processing of our terminal stays as it is. */
        raw.c_oflag |= terminal->saved.c_oflag & (OPOST | ONLCR);
        terminal->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) >= 0;
}

static void terminal_restore(Terminal *terminal)
{
        if (terminal->raw)
                (void) tcsetattr(STDIN_FILENO, TCSANOW, &terminal->saved);
        terminal->raw = false;
}

static int console_open(Ctl *ctl, const char *name, int *ret_fd, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = client_call(ctl, "OpenUnikernelConsole", &reply, ret_error, "s", name);
        if (r < 0)
                return r;

        return client_read_fd(reply, ret_fd, ret_error);
}

/* Forwards input to the guest. Returns false if the console must be left. */
static bool console_forward_input(int console, Escape *escape, bool *ret_input_ended)
{
        char data[4096];
        ssize_t n;
        bool leave;

        n = read(STDIN_FILENO, data, sizeof(data));
        if (n < 0)
                return errno == EINTR || errno == EAGAIN;
        if (n == 0) {
                *ret_input_ended = true;
                (void) shutdown(console, SHUT_WR);
                return true;
        }

        leave = escape && escape_see(escape, data, (size_t) n, (uint64_t) g_get_monotonic_time());
        return write_all(console, data, (size_t) n) >= 0 && !leave;
}

/* The time left for an answer to the last input; NULL for no limit. */
static const struct timespec *console_time_left(int64_t ended, struct timespec *ret)
{
        int64_t left = ended + ANSWER_USEC - g_get_monotonic_time();

        if (ended == 0)
                return NULL;

        left = MAX(left, 0);
        *ret = (struct timespec){.tv_sec = left / G_USEC_PER_SEC, .tv_nsec = left % G_USEC_PER_SEC * 1000};
        return ret;
}

/* Returns 1 if the user left or the input ended, 0 if the guest's side ended. */
static int console_forward(int console, Escape *escape, bool follow, const sigset_t *unblocked)
{
        bool input_ended = false;
        int64_t ended = 0;

        while (!interrupted) {
                struct pollfd polls[] = {
                                {.fd = console, .events = POLLIN},
                                {.fd = input_ended ? -1 : STDIN_FILENO, .events = POLLIN},
                };
                struct timespec left;
                char data[16 * 1024];
                int n_ready;

                n_ready = ppoll(polls, G_N_ELEMENTS(polls), console_time_left(ended, &left), unblocked);
                if (n_ready < 0)
                        continue;
                if (ended > 0 && (n_ready == 0 || g_get_monotonic_time() > ended + ANSWER_USEC))
                        return 1;
                if (polls[0].revents) {
                        ssize_t n = read(console, data, sizeof(data));

                        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
                                return 0;
                        if (n > 0 && write_all(STDOUT_FILENO, data, (size_t) n) < 0)
                                return 1;
                }
                if (polls[1].revents && !console_forward_input(console, escape, &input_ended))
                        return 1;
                if (input_ended && !follow && ended == 0)
                        ended = g_get_monotonic_time();
        }

        return 1;
}

/* The terminal must be restored before a signal ends us, so signals are delivered only while ppoll()
 * waits. */
static void console_catch_signals(sigset_t *ret_unblocked)
{
        static const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
        struct sigaction action = {.sa_handler = console_on_signal};
        sigset_t blocked;

        sigemptyset(&blocked);
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                (void) sigaction(numbers[i], &action, NULL);
                sigaddset(&blocked, numbers[i]);
        }
        (void) sigprocmask(SIG_BLOCK, &blocked, ret_unblocked);
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                sigdelset(ret_unblocked, numbers[i]);
        (void) signal(SIGPIPE, SIG_IGN);
}

int verb_console(Ctl *ctl, char **operands, Error *ret_error)
{
        _cleanup_close_ int console = -EBADF;
        g_auto(GStrv) names = NULL;
        Terminal terminal = {};
        Escape escape = {};
        sigset_t unblocked;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;
        if (names[1])
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "A console belongs to one unikernel; '%s' matches several.", operands[0]);
        r = console_open(ctl, names[0], &console, ret_error);
        if (r < 0) {
                error_cannot(ret_error, "open the console of %s", names[0]);
                return r;
        }

        if (isatty(STDIN_FILENO) && !ctl->options.quiet)
                fprintf(stderr, "Connected to the console of %s. Press ^] three times within 1s to leave.\n",
                                names[0]);
        fflush(NULL);
        console_catch_signals(&unblocked);
        terminal_make_raw(&terminal);
        r = console_forward(console, terminal.raw ? &escape : NULL, ctl->options.follow, &unblocked);
        if (terminal.raw && !ctl->options.quiet)
                fprintf(stderr, "\r\n%s\r\n",
                                r > 0 ? "Disconnected from the console; the guest keeps running."
                                      : "The console closed.");
        terminal_restore(&terminal);

        return interrupted ? 128 + interrupted : CTL_EXIT_SUCCESS;
}
