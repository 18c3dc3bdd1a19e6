/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts passt(1). */

#include "uplink/passt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

#define PROGRAM      "passt"
#define NO_WAY_OUT   "External interface not usable"
#define ROUTER_MAC   "9a:55:9a:55:9a:55" /* as newer ones have */
#define START_MSEC   8000 /* until it is in the background; shruthi-domain waits longer */
#define MESSAGES_MAX 4096 /* bytes that are read of what it says */
#define REASON_MAX   300  /* characters that are told of it */

static void command_add(GPtrArray *command, const char *option, const Address *address)
{
        char text[ADDRESS_TEXT_MAX];

        address_format_ip(address, text);
        g_ptr_array_add(command, g_strdup(option));
        g_ptr_array_add(command, g_strdup(text));
}

/* "[ADDRESS/]FIRST[-LAST]:FIRST[-LAST]" */
static char *port_words(const PublishedPort *port)
{
        GString *text = g_string_new(NULL);
        unsigned more = published_port_count(port) - 1;

        if (address_is_set(&port->address)) {
                char ip[ADDRESS_TEXT_MAX];

                address_format_ip(&port->address, ip);
                g_string_append_printf(text, "%s/", ip);
        }
        if (more > 0)
                g_string_append_printf(text, "%u-%u:%u-%u", port->first, port->last, port->guest,
                                port->guest + more);
        else
                g_string_append_printf(text, "%u:%u", port->first, port->guest);

        return g_string_free(text, FALSE);
}

char **passt_command(const char *program, const UplinkRequest *request, bool alone)
{
        GPtrArray *command = g_ptr_array_new();
        const Address address = uplink_address(request->number), gateway = uplink_gateway(request->number),
                      dns = uplink_dns(request->number);

        g_ptr_array_add(command, g_strdup(program));
        g_ptr_array_add(command, g_strdup("--quiet"));
        g_ptr_array_add(command, g_strdup("--fd"));
        g_ptr_array_add(command, g_strdup_printf("%d", PASST_FD));
        g_ptr_array_add(command, g_strdup("--mtu"));
        g_ptr_array_add(command, g_strdup_printf("%d", UPLINK_MTU));
        command_add(command, "--address", &address);
        g_ptr_array_add(command, g_strdup("--netmask"));
        g_ptr_array_add(command, g_strdup_printf("%u", address.prefix));
        command_add(command, "--gateway", &gateway);
        command_add(command, "--dns-forward", &dns);
        /* What listens on this host for itself is not for the guest. */
        g_ptr_array_add(command, g_strdup("--no-map-gw"));
        if (alone) {
                g_ptr_array_add(command, g_strdup("--interface"));
                g_ptr_array_add(command, g_strdup("lo"));
                g_ptr_array_add(command, g_strdup("--mac-addr"));
                g_ptr_array_add(command, g_strdup(ROUTER_MAC));
        }
        for (guint i = 0; i < request->ports->len; i++) {
                const PublishedPort *port = &g_array_index(request->ports, PublishedPort, i);

                g_ptr_array_add(command,
                                g_strdup(port->protocol == PORT_TCP ? "--tcp-ports" : "--udp-ports"));
                g_ptr_array_add(command, port_words(port));
        }
        g_ptr_array_add(command, NULL);

        return (char **) g_ptr_array_free(command, FALSE);
}

static int passt_spawn(char **command, int stream, int messages, pid_t *ret_pid)
{
        posix_spawn_file_actions_t actions;
        int r;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
        posix_spawn_file_actions_adddup2(&actions, stream, PASST_FD);
        r = -posix_spawn(ret_pid, command[0], &actions, NULL, command, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

char *passt_find_reason(const char *messages)
{
        g_auto(GStrv) lines = g_strsplit(messages, "\n", -1);
        g_autofree char *reason = NULL;
        const char *last = "", *cause = NULL;

        for (size_t i = 0; lines[i]; i++) {
                if (!cause && strstr(lines[i], " failed "))
                        cause = lines[i];
                if (lines[i][0])
                        last = lines[i];
        }
        if (cause && cause != last)
                reason = g_strconcat(last, ": ", cause, NULL);

        return text_for_display(reason ?: last, REASON_MAX);
}

/* What it says until it is in the background, or has ended. NULL if it does neither in time. */
static char *messages_read(int fd)
{
        gint64 end = g_get_monotonic_time() + START_MSEC * 1000;
        char text[MESSAGES_MAX];
        size_t size = 0;
        ssize_t n;

        while (size < sizeof text - 1) {
                struct pollfd ready = {.fd = fd, .events = POLLIN};
                gint64 left = (end - g_get_monotonic_time()) / 1000;

                if (left <= 0)
                        return NULL;
                if (poll(&ready, 1, (int) left) <= 0)
                        continue;
                n = read(fd, text + size, sizeof text - 1 - size);
                if (n == 0 || (n < 0 && errno != EINTR))
                        break;
                size += (size_t) MAX(n, 0);
        }
        text[size] = 0;
        return g_strdup(text);
}

/* *ret_messages: what it said if it gave up. Free with g_free(). */
static int passt_try(const UplinkRequest *request, const char *program, bool alone, int *ret_fd,
                char **ret_messages)
{
        g_auto(GStrv) command = passt_command(program, request, alone);
        g_autofree char *messages = NULL;
        _cleanup_close_ int ours = -EBADF, its = -EBADF, from = -EBADF, to = -EBADF;
        int ends[2], status, r;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        ours = ends[0];
        its = ends[1];
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];
        r = passt_spawn(command, its, to, &pid);
        if (r < 0)
                return r;
        its = close_safe(its);
        to = close_safe(to);

        /* It goes into the background when all is ready. */
        messages = messages_read(from);
        if (!messages) {
                (void) kill(pid, SIGKILL);
                messages = g_strdup_printf("it was not ready within %d s", START_MSEC / 1000);
        }
        if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
                return -errno;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                *ret_messages = g_steal_pointer(&messages);
                return -ECHILD;
        }

        *ret_fd = TAKE_FD(ours);
        return 0;
}

int passt_start(const UplinkRequest *request, int *ret_fd, Error *ret_error)
{
        g_autofree char *program = g_find_program_in_path(PROGRAM), *messages = NULL, *reason = NULL;
        int r;

        if (!program)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Network '%s': the network of a user's own unikernel is made by passt, "
                                "which is "
                                "not installed (in Debian: apt install passt)",
                                request->device);

        r = passt_try(request, program, false, ret_fd, &messages);
        if (r == -ECHILD && strstr(messages, NO_WAY_OUT)) {
                g_clear_pointer(&messages, g_free);
                r = passt_try(request, program, true, ret_fd, &messages);
        }
        if (r == -ECHILD) {
                reason = passt_find_reason(messages);
                return error_set(ret_error, ERROR_FAILED, "Network '%s': passt gave up: %s", request->device,
                                *reason ? reason : "it does not say why");
        }
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot execute %s", program);

        return 0;
}
