/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of shruthi-fence, which answers one request for each connection. Called by isolation.c and
 * check.c. */

#include "domain/fence-client.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/socket.h"
#include "config.h"

#define ANSWER_SEC 30 /* its service has to be started; libvirt's filters are the way out of a worse wait */

/* hold NULL: to check. */
static int ask(const FenceHold *hold, char **ret_word, Error *ret_error)
{
        g_autofree char *request = fence_request_format(hold);
        _cleanup_close_ int fd = -EBADF;
        char answer[FENCE_ANSWER_MAX];
        ssize_t n = -1;
        int r;

        if (!HAVE_NFTABLES)
                return error_set(
                                ret_error, ERROR_NOT_SUPPORTED, "This build of SHRUTHI is without nftables");

        r = socket_connect("fence", SOCK_SEQPACKET, ANSWER_SEC, &fd);
        if (r >= 0 && TEMP_FAILURE_RETRY(send(fd, request, strlen(request), MSG_NOSIGNAL)) < 0)
                r = -errno;
        if (r >= 0) {
                n = TEMP_FAILURE_RETRY(recv(fd, answer, sizeof answer, 0));
                r = n < 0 ? -errno : n == 0 ? -ECONNRESET : 0;
        }
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "shruthi-fence does not answer (%s): look at 'systemctl status "
                                "shruthi-fence.socket shruthi-fence.service'",
                                r == -EAGAIN ? "no answer" : g_strerror(-r));

        return fence_answer_parse(answer, (size_t) n, ret_word, ret_error);
}

/* Who connects and leaves is not answered. */
void fence_wake(void)
{
        _cleanup_close_ int fd = -EBADF;

        if (HAVE_NFTABLES)
                (void) socket_connect("fence", SOCK_SEQPACKET, ANSWER_SEC, &fd);
}

int fence_hold(const FenceHold *hold, char **ret_interface, Error *ret_error)
{
        g_autofree char *word = NULL;
        char interface[IF_NAMESIZE];
        int r;

        r = ask(hold, &word, ret_error);
        if (r < 0)
                return r;

        /* Another than ours is no guest's. */
        fence_interface_name(hold, interface);
        if (g_strcmp0(word, interface) != 0) {
                (void) error_set(ret_error, ERROR_FAILED, "shruthi-fence is of another version than this");
                return -EBADMSG;
        }

        *ret_interface = g_steal_pointer(&word);
        return 0;
}

int fence_check(bool *ret_restored, Error *ret_error)
{
        g_autofree char *word = NULL;
        int r;

        r = ask(NULL, &word, ret_error);
        if (r < 0)
                return r;

        *ret_restored = g_strcmp0(word, FENCE_RESTORED) == 0;
        return 0;
}
