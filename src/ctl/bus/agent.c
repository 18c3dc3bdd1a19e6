/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs pkttyagent as a child, as systemctl does. */

#include "ctl/bus/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "common/io.h"

static pid_t agent_pid;

void agent_open(const Options *options)
{
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        g_autofree char *number = NULL;
        bool in_session;
        int pipes[2];

        if (agent_pid > 0 || options->no_ask_password || !isatty(STDIN_FILENO))
                return;
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return;
        reader = pipes[0];
        writer = pipes[1];
        number = g_strdup_printf("%d", writer);
        /* In a session, an agent of the desktop has priority. Outside of a session, polkit 122 does not find
         * an agent that was registered as a fallback. */
        in_session = sd_pid_get_session(0, NULL) >= 0;

        fflush(NULL);
        agent_pid = fork();
        if (agent_pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                (void) fcntl(writer, F_SETFD, 0);
                execlp("pkttyagent", "pkttyagent", "--notify-fd", number, in_session ? "--fallback" : NULL,
                                (char *) NULL);
                _exit(1);
        }

        /* It closes its end when it is registered, and also if it fails. */
        writer = close_safe(writer);
        if (agent_pid > 0)
                while (poll(&(struct pollfd){.fd = reader, .events = POLLIN}, 1, -1) < 0 && errno == EINTR)
                        ;
}

void agent_close(void)
{
        if (agent_pid <= 0)
                return;

        /* It restores the terminal at SIGTERM. */
        (void) kill(agent_pid, SIGTERM);
        (void) kill(agent_pid, SIGCONT);
        while (waitpid(agent_pid, NULL, 0) < 0 && errno == EINTR)
                ;
        agent_pid = 0;
}
