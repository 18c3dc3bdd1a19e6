/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-fetch: fetches a file over https for shruthid, which has no network. Started by
 * shruthi-fetch.socket for each connection, which is its standard input: one request, one answer (see
 * protocol.h). It has a network and nothing else: a user of its own, no capabilities, and no file of the
 * host that it may write. What it fetches is verified by shruthid. */

#include <glib.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/socket.h"
#include "fetch/fetch.h"

#define ASK_SEC  15               /* for a client that connects and sends nothing */
#define WORK_SEC (FETCH_SEC + 30) /* SIGALRM ends us if libcurl does not keep its own time */

static bool client_may_ask(int client)
{
        const struct passwd *user = getpwnam(SHRUTHI_USER);
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (peer.uid == 0 || (user && peer.uid == user->pw_uid))
                return true;

        log_warning("Rejected a request from UID %u, PID %d", (unsigned) peer.uid, (int) peer.pid);
        return false;
}

static int client_serve(int client, int *ret_fd, Error *ret_error)
{
        _cleanup_fetch_request_ FetchRequest request = {};
        char data[FETCH_REQUEST_MAX + 1];
        ssize_t n;
        int r;

        (void) alarm(ASK_SEC);
        n = TEMP_FAILURE_RETRY(recv(client, data, sizeof data, 0));
        if (n < 0)
                return error_set_errno(ret_error, errno, "Cannot read the request");
        r = fetch_request_parse(data, (size_t) n, &request, ret_error);
        if (r < 0)
                return r;

        (void) alarm(WORK_SEC);
        return fetch_file(&request, client, ret_fd, ret_error);
}

int main(int argc, char **argv)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        g_autofree char *answer = NULL;
        int r;

        /* Others of us may have the same user: a server that has taken over one must not reach into them. */
        (void) prctl(PR_SET_DUMPABLE, 0);
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                printf("shruthi %s\n", SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        log_open("shruthi-fetch");
        (void) signal(SIGPIPE, SIG_IGN);
        if (!client_may_ask(STDIN_FILENO))
                return EXIT_FAILURE;

        r = client_serve(STDIN_FILENO, &fd, &error);
        answer = fetch_answer_format(r, &error);
        /* A client that has disconnected gets nothing. */
        (void) socket_send_with_fd(STDIN_FILENO, answer, fd, 0);
        return EXIT_SUCCESS;
}
