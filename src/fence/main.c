/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-fence: holds guests' interfaces to the addresses that are theirs, which needs a right that the
 * other services have not. Started by shruthi-fence.socket, for shruthi-domain, which starts guests. One
 * request and one answer for each connection (see protocol.h), one after the other: each takes about a
 * millisecond. It ends when nobody has asked for a while, so that many starts pay for one sandbox. */

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "fence/record.h"
#include "fence/table.h"

#define LISTEN_FD 3 /* sd_listen_fds(3) */
#define IDLE_MSEC 30000
#define ASK_SEC   5  /* who connects and says nothing holds up the others */
#define WORK_SEC  30 /* a kernel that does not answer: SIGALRM ends us */

static int check_peer(int client, uid_t user)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;

        return peer.uid == 0 || peer.uid == user ? 0 : -EPERM;
}

/* *ret_word: to be freed with g_free(). */
static int serve_request(const char *data, size_t size, char **ret_word, Error *ret_error)
{
        g_autoptr(FenceHold) hold = NULL;
        char interface[IF_NAMESIZE];
        bool restored;
        int r;

        r = fence_request_parse(data, size, &hold, ret_error);
        if (r < 0)
                return r;

        if (!hold) {
                r = table_check(&restored, ret_error);
                if (r >= 0)
                        *ret_word = g_strdup(restored ? FENCE_RESTORED : FENCE_WHOLE);
                return r;
        }

        r = table_hold(hold, ret_error);
        if (r < 0)
                return r;
        fence_interface_name(hold, interface);
        *ret_word = g_strdup(interface);
        return 0;
}

static void serve(int client, uid_t user)
{
        const struct timeval patience = {.tv_sec = ASK_SEC};
        g_autofree char *answer = NULL, *word = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        char data[FENCE_REQUEST_MAX + 1];
        ssize_t n;
        int r;

        r = check_peer(client, user);
        if (r < 0) {
                log_warning("Somebody other than user " SHRUTHI_USER " asked for something: %s",
                                g_strerror(-r));
                return;
        }
        if (setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
                return;
        /* Descriptors that come with it are closed by the kernel: none is taken. */
        n = TEMP_FAILURE_RETRY(recv(client, data, sizeof data, 0));
        if (n <= 0)
                return;

        (void) alarm(WORK_SEC);
        r = serve_request(data, (size_t) n, &word, &error);
        (void) alarm(0);

        answer = fence_answer_format(r, &error, word);
        /* Who has left is told nothing. */
        (void) send(client, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Until nobody has asked for a while; what asks at that moment finds us started again. */
static int serve_all(uid_t user)
{
        struct pollfd listener = {.fd = LISTEN_FD, .events = POLLIN};

        for (;;) {
                _cleanup_close_ int client = -EBADF;
                int n = poll(&listener, 1, IDLE_MSEC);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return 0;
                client = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
                if (client >= 0)
                        serve(client, user);
        }
}

int main(void)
{
        const struct passwd *user = getpwnam(SHRUTHI_USER);
        const char *directory = g_getenv("RUNTIME_DIRECTORY");
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        log_open("shruthi-fence");
        (void) signal(SIGPIPE, SIG_IGN);
        if (!user || !directory) {
                log_error("It is started by shruthi-fence.socket, where there is a user " SHRUTHI_USER);
                return EXIT_FAILURE;
        }
        r = record_open(directory, &error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return EXIT_FAILURE;
        }

        r = serve_all(user->pw_uid);
        if (r < 0) {
                log_error("Cannot wait for requests: %s", g_strerror(-r));
                return EXIT_FAILURE;
        }
        table_tidy();
        return EXIT_SUCCESS;
}
