/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The console of a running unikernel, for authorized callers: OpenConsole() connects to the runner's socket,
 * because only our user may. */

#include "daemon/bus/unikernel-bus.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "body/body.h"
#include "common/io.h"
#include "common/names.h"
#include "daemon/state/unikernel-access.h"

/* systemd restarts a killed runner after RestartSec=, 100 ms unless an administrator changes it. */
#define OPENING_STEP_USEC    (50 * 1000)
#define OPENING_ATTEMPTS_MAX 200

/* Connects without waiting: BUSY if the runner accepts no more connections. After that shruthid is no longer
 * involved. */
static int console_connect(const char *name, int *ret_fd, Error *ret_error)
{
        g_autofree char *path = body_for(name)->console(name, BODY_CONSOLE_SOCKET);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof address.sun_path)
                return error_set(ret_error, ERROR_FAILED, "The path of the console is too long: %s", path);
        strncpy(address.sun_path, path, sizeof address.sun_path - 1);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot create a socket");
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0) {
                if (errno == EAGAIN)
                        return error_set(ret_error, ERROR_BUSY,
                                        "The console of '%s' has too many readers; close one of them", name);
                if (errno == ENOENT || errno == ECONNREFUSED)
                        return error_set(ret_error, ERROR_NOT_RUNNING,
                                        "The console of unikernel '%s' is not available", name);
                return error_set_errno(ret_error, errno, "Cannot connect to the console of '%s'", name);
        }
        /* The flag is passed with the descriptor to the caller, who expects a blocking one. */
        if (fcntl(fd, F_SETFL, 0) < 0)
                return error_set_errno(ret_error, errno, "Cannot pass the console");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

typedef struct ConsoleOpening {
        Call *call;
        unsigned attempts;
        sd_event_source *timer; /* for the next attempt, or NULL */
} ConsoleOpening;

static void console_opening_try(ConsoleOpening *opening);

static int on_console_opening_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        ConsoleOpening *opening = userdata;

        opening->timer = sd_event_source_disable_unref(opening->timer);
        console_opening_try(opening);
        return 0;
}

/* Waits if the guest runs on without its killed runner: the next runner will soon serve the console. */
static bool console_opening_wait(ConsoleOpening *opening)
{
        return opening->attempts++ < OPENING_ATTEMPTS_MAX &&
               sd_event_add_time_relative(opening->call->manager->event, &opening->timer, CLOCK_MONOTONIC,
                               OPENING_STEP_USEC, 0, on_console_opening_time, opening) >= 0;
}

static void console_opening_try(ConsoleOpening *opening)
{
        Call *call = opening->call;
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        Unikernel *unikernel;
        int r;

        r = unikernel_check_owner(call, &error);
        if (r >= 0)
                r = unikernel_find(call->manager, call->unikernel, &unikernel, &error);
        if (r >= 0)
                r = unikernel_check_active(unikernel, &error);
        if (r >= 0) {
                r = console_connect(call->unikernel, &fd, &error);
                if (r < 0 && error.code == ERROR_NOT_RUNNING && unikernel_is_without_runner(unikernel) &&
                                console_opening_wait(opening))
                        return;
        }
        if (r < 0)
                call_fail(call, &error, r);
        else
                call_reply(call, "h", fd);
        g_free(opening);
}

int unikernel_method_open_console(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        ConsoleOpening *opening;
        Call *call;

        if (!unikernel_authorize(
                            unikernel, message, SHRUTHI_ACTION_OPEN_CONSOLE, "open the console of", &call))
                return 1;

        opening = g_new(ConsoleOpening, 1);
        *opening = (ConsoleOpening){.call = call};
        console_opening_try(opening);
        return 1;
}
