/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A command, as somebody would type it: virsh, qemu-system-x86_64, systemd-run. */

#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *command_connect(const PeerOptions *options)
{
        if (!options->command || !options->command[0])
                die("the peer 'command' needs '-- COMMAND…'");
        return NULL;
}

static void command_disconnect(void *connection)
{
}

static char *command_run(void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
        posix_spawn_file_actions_t actions;
        int status;
        pid_t pid;
        int r;

        for (char **argument = options->command; *argument; argument++)
                g_ptr_array_add(arguments, fill_in(*argument, item));
        g_ptr_array_add(arguments, NULL);

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        r = posix_spawnp(&pid, arguments->pdata[0], &actions, NULL, (char **) arguments->pdata, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (r != 0)
                return g_strdup_printf(
                                "'%s' cannot be run: %s", (char *) arguments->pdata[0], g_strerror(r));
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return g_strdup("cannot be waited for");

        return status == 0 ? NULL : g_strdup_printf("'%s' failed", (char *) arguments->pdata[0]);
}

const Peer peer_command = {"command", command_connect, command_disconnect, command_run};
