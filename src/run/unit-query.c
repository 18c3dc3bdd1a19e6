/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Queries to systemd over the bus. Called if a console was stored or a network is missing, which is
 * rare: other runners never speak D-Bus. */

#include "run/unit-query.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"

typedef struct Answer {
        int r; /* 1: not yet here */
        uint32_t restarts;
        bool booting;
} Answer;

static void answer_finish(Answer *answer, sd_bus_message *reply, int r)
{
        if (sd_bus_message_is_method_error(reply, NULL))
                r = -sd_bus_message_get_errno(reply);
        answer->r = MIN(r, 0);
}

static int on_query_restarts(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Answer *answer = userdata;

        answer_finish(answer, reply, sd_bus_message_read(reply, "v", "u", &answer->restarts));
        return 0;
}

static int on_query_state(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Answer *answer = userdata;
        const char *state = "";

        answer_finish(answer, reply, sd_bus_message_read(reply, "v", "s", &state));
        answer->booting = answer->r >= 0 &&
                          (g_str_equal(state, "initializing") || g_str_equal(state, "starting"));
        return 0;
}

/* If the bus accepts the connection and says nothing, a synchronous call would wait longer for it than for
 * the answer. */
static int query_wait(sd_bus *bus, const Answer *answer, uint64_t end)
{
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

static int query_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message_handler_t on_answer, uint64_t end, Answer *answer)
{
        int r;

        answer->r = 1;
        r = sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                        on_answer, answer, "ss", interface, property);
        return r < 0 ? r : query_wait(bus, answer, end);
}

static int query_run(const char *unit, uint64_t timeout_usec, bool state, Answer *ret_answer)
{
        uint64_t end = (uint64_t) g_get_monotonic_time() + timeout_usec;
        g_autofree char *path = NULL;
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);
        if (r >= 0)
                r = paths_are_of_user() ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
        if (r >= 0)
                r = query_property(bus, path, SYSTEMD_NAME ".Service", "NRestarts", on_query_restarts, end,
                                ret_answer);
        if (r >= 0 && state)
                r = query_property(bus, SYSTEMD_PATH, SYSTEMD_NAME ".Manager", "SystemState", on_query_state,
                                end, ret_answer);
        /* Not flushed: that may block, too. */
        sd_bus_close_unref(bus);
        return r;
}

/* In a process of its own: a runner would keep the memory that D-Bus needs for years. */
static int query_run_apart(const char *unit, uint64_t timeout_usec, bool state, Answer *ret_answer)
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
                answer.r = query_run(unit, timeout_usec, state, &answer);
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

        *ret_answer = answer;
        return 0;
}

int unit_query_restarts(const char *unit, uint64_t timeout_usec, uint32_t *ret_restarts)
{
        Answer answer;
        int r = query_run_apart(unit, timeout_usec, false, &answer);

        if (r >= 0)
                *ret_restarts = answer.restarts;
        return r;
}

int unit_query_unbidden(const char *unit, uint64_t timeout_usec, bool *ret_unbidden)
{
        Answer answer;
        int r = query_run_apart(unit, timeout_usec, true, &answer);

        if (r >= 0)
                *ret_unbidden = answer.restarts > 0 || answer.booting;
        return r;
}
