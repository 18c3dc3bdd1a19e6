/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for other unikernels. A separate process asks systemd, since a runner would keep the memory that
 * D-Bus needs for years; it reports in lines on a pipe what it waits for, and at the end why it no longer
 * does. */

#include "run/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"

#define LOOK_USEC  (100 * G_TIME_SPAN_MILLISECOND)
#define TELL_LOOKS 20 /* between two lines */
#define POLL_MS    200

/* The lines: what it waits for ("wNAME"), all is well ("+"), or else a reason ("-…"). */
#define LINE_WAIT 'w'
#define LINE_DONE '+'
#define LINE_FAIL '-'
#define LINE_SIZE 512

static void requirement_tell(int fd, char kind, const char *text)
{
        g_autofree char *line = g_strdup_printf("%c%s\n", kind, text);

        /* Nobody reads any more: the runner has been killed. */
        if (write_all(fd, line, strlen(line)) < 0)
                _exit(EXIT_FAILURE);
}

typedef enum Requirement {
        REQUIREMENT_COMES,
        REQUIREMENT_IS_THERE,
        REQUIREMENT_FAILED,
} Requirement;

/* A unit with a job is about to change; between a stop and the start of a restart it is inactive. */
static int requirement_look(sd_bus *bus, const char *path, Requirement *ret)
{
        static const char unit[] = SYSTEMD_NAME ".Unit";
        g_autofree char *state = NULL;
        sd_bus_message *reply = NULL;
        uint32_t job = 0;
        int r;

        r = sd_bus_get_property(bus, SYSTEMD_NAME, path, unit, "Job", NULL, &reply, "(uo)");
        if (r >= 0)
                r = sd_bus_message_read(reply, "(uo)", &job, NULL);
        sd_bus_message_unref(reply);
        if (r >= 0)
                r = sd_bus_get_property_string(bus, SYSTEMD_NAME, path, unit, "ActiveState", NULL, &state);
        if (r < 0)
                return r;

        *ret = g_str_equal(state, "active") || g_str_equal(state, "reloading") ? REQUIREMENT_IS_THERE
               : job > 0                                                       ? REQUIREMENT_COMES
               : g_str_equal(state, "failed")                                  ? REQUIREMENT_FAILED
               : g_str_equal(state, "inactive")                                ? REQUIREMENT_IS_THERE
                                                                               : REQUIREMENT_COMES;
        return 0;
}

static int requirement_await(sd_bus *bus, const char *name, int fd)
{
        g_autofree char *unit = unit_name_for(name), *path = NULL;
        Requirement requirement = REQUIREMENT_COMES;
        int r;

        r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);
        for (unsigned looks = 0; r >= 0; looks++) {
                r = requirement_look(bus, path, &requirement);
                if (r < 0 || requirement != REQUIREMENT_COMES)
                        break;
                if (looks % TELL_LOOKS == 0)
                        requirement_tell(fd, LINE_WAIT, name);
                g_usleep(LOOK_USEC);
        }
        if (r >= 0 && requirement == REQUIREMENT_FAILED) {
                g_autofree char *reason = g_strdup_printf(
                                "it requires '%s', which has failed ('shruthictl status %s' says why)", name,
                                name);

                requirement_tell(fd, LINE_FAIL, reason);
                return -ENOLINK;
        }

        return r;
}

static void requirements_look(const char *names, int fd)
{
        g_auto(GStrv) words = g_strsplit(names, " ", -1);
        sd_bus *bus = NULL;
        int r;

        r = paths_are_of_user() ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
        for (char **word = words; r >= 0 && *word; word++)
                if (name_is_valid(*word))
                        r = requirement_await(bus, *word, fd);
        if (r >= 0)
                requirement_tell(fd, LINE_DONE, "");
        else if (r != -ENOLINK) {
                g_autofree char *reason = g_strdup_printf(
                                "systemd cannot be asked about what it requires: %s", g_strerror(-r));

                requirement_tell(fd, LINE_FAIL, reason);
        }
}

/* Reads what the process says, to its end. */
static int requirements_follow(int fd, const RequirementsHooks *hooks, char **ret_reason)
{
        FILE *lines = fdopen(fd, "re");
        char line[LINE_SIZE];
        int r = -EIO;

        if (!lines) {
                (void) close_safe(fd);
                return -errno;
        }
        while (r == -EIO) {
                struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

                if (hooks->is_stopped()) {
                        r = -EINTR;
                        break;
                }
                if (poll(&poll_fd, 1, POLL_MS) <= 0)
                        continue;
                if (!fgets(line, sizeof line, lines))
                        break;
                line[strcspn(line, "\n")] = 0;
                if (line[0] == LINE_WAIT)
                        hooks->waits(line + 1);
                else
                        r = line[0] == LINE_DONE ? 0 : -ENOLINK;
        }
        (void) fclose(lines);
        if (r < 0)
                *ret_reason = g_strdup(r == -ENOLINK ? line + 1
                                       : r == -EINTR ? "it was stopped"
                                                     : "who asks systemd about what it requires has died");

        return r;
}

int requirements_await(const char *names, const RequirementsHooks *hooks, char **ret_reason)
{
        int ends[2], r;
        pid_t pid;

        if (!names || !*names)
                return 0;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                (void) close_safe(ends[0]);
                requirements_look(names, ends[1]);
                _exit(EXIT_SUCCESS);
        }
        (void) close_safe(ends[1]);
        if (pid < 0) {
                (void) close_safe(ends[0]);
                *ret_reason = g_strdup("who would ask systemd about what it requires cannot be started");
                return -EAGAIN;
        }

        r = requirements_follow(ends[0], hooks, ret_reason);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
        return r;
}
