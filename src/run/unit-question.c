/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One question to systemd over the system bus. Called by runner-begin.c where a console was stored, which is
 * rare: no runner but that of an adopted guest has ever spoken D-Bus. */

#include "run/unit-question.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"

typedef struct Answer {
        int r; /* 1: not yet here */
        uint32_t restarts;
} Answer;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Answer *answer = userdata;

        answer->r = -sd_bus_message_get_errno(reply);
        if (answer->r == 0)
                answer->r = sd_bus_message_read(reply, "v", "u", &answer->restarts);
        if (answer->r > 0)
                answer->r = 0;
        return 0;
}

/* A synchronous call would wait for a bus that takes the connection and says nothing longer than for the
 * answer. */
static int bus_wait(sd_bus *bus, const Answer *answer, uint64_t timeout_usec)
{
        uint64_t end = (uint64_t) g_get_monotonic_time() + timeout_usec;
        int r;

        while (answer->r > 0) {
                uint64_t now = (uint64_t) g_get_monotonic_time();

                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = now < end ? sd_bus_wait(bus, end - now) : -ETIMEDOUT;
                if (r < 0)
                        return r;
        }

        return answer->r;
}

static int ask(const char *unit, uint64_t timeout_usec, uint32_t *ret_restarts)
{
        g_autofree char *path = NULL;
        Answer answer = {.r = 1};
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);
        if (r >= 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, path,
                                "org.freedesktop.DBus.Properties", "Get", on_answer, &answer, "ss",
                                SYSTEMD_NAME ".Service", "NRestarts");
        if (r >= 0)
                r = bus_wait(bus, &answer, timeout_usec);
        /* Not flushed: that may wait, too. */
        sd_bus_close_unref(bus);
        if (r < 0)
                return r;

        *ret_restarts = answer.restarts;
        return 0;
}

/* In a process of its own: what D-Bus needs of memory a runner would keep for years. */
int unit_ask_restarts(const char *unit, uint64_t timeout_usec, uint32_t *ret_restarts)
{
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        Answer answer = {};
        int ends[2];
        ssize_t n;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                answer.r = ask(unit, timeout_usec, &answer.restarts);
                (void) write_all(to, &answer, sizeof answer);
                _exit(EXIT_SUCCESS);
        }

        to = close_safe(to);
        do
                n = read(from, &answer, sizeof answer);
        while (n < 0 && errno == EINTR);
        (void) waitpid(pid, NULL, 0);
        if (n != sizeof answer)
                return -EIO;
        if (answer.r < 0)
                return answer.r;

        *ret_restarts = answer.restarts;
        return 0;
}
