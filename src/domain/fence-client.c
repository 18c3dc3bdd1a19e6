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

#define LISTEN_SEC 1
#define ANSWER_SEC 30 /* its service has to be started; libvirt's filters are the way out of a worse wait */

static int refuse(int r, Error *ret_error)
{
        return error_set(ret_error, ERROR_FAILED,
                        "shruthi-fence does not answer (%s): look at 'systemctl status "
                        "shruthi-fence.socket shruthi-fence.service'",
                        r == -EAGAIN ? "no answer" : g_strerror(-r));
}

/* answer: of that size. */
static int exchange(const FenceRequest *request, char *answer, size_t size, size_t *ret_size,
                Error *ret_error)
{
        g_autofree char *text = fence_request_format(request);
        _cleanup_close_ int fd = -EBADF;
        ssize_t n = -1;
        int r;

        if (!HAVE_NFTABLES)
                return error_set(
                                ret_error, ERROR_NOT_SUPPORTED, "This build of SHRUTHI is without nftables");

        r = socket_connect("fence", SOCK_SEQPACKET, ANSWER_SEC, &fd);
        if (r >= 0 && TEMP_FAILURE_RETRY(send(fd, text, strlen(text), MSG_NOSIGNAL)) < 0)
                r = -errno;
        if (r >= 0) {
                n = TEMP_FAILURE_RETRY(recv(fd, answer, size, 0));
                r = n < 0 ? -errno : n == 0 ? -ECONNRESET : 0;
        }
        if (r < 0)
                return refuse(r, ret_error);

        *ret_size = (size_t) n;
        return 0;
}

static int ask(const FenceRequest *request, char **ret_word, Error *ret_error)
{
        char answer[FENCE_ANSWER_MAX];
        size_t size;
        int r;

        r = exchange(request, answer, sizeof answer, &size, ret_error);
        return r < 0 ? r : fence_answer_parse(answer, size, ret_word, ret_error);
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
        const FenceRequest request = {.verb = FENCE_HOLD, .hold = (FenceHold *) hold};
        g_autofree char *word = NULL;
        char interface[IF_NAMESIZE];
        int r;

        r = ask(&request, &word, ret_error);
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
        const FenceRequest request = {.verb = FENCE_CHECK};
        g_autofree char *word = NULL;
        int r;

        r = ask(&request, &word, ret_error);
        if (r < 0)
                return r;

        *ret_restored = g_strcmp0(word, FENCE_RESTORED) == 0;
        return 0;
}

int fence_lost(char ***ret_names, Error *ret_error)
{
        const FenceRequest request = {.verb = FENCE_LOST};
        g_autofree char *answer = g_malloc(FENCE_LOST_MAX);
        size_t size;
        int r;

        r = exchange(&request, answer, FENCE_LOST_MAX, &size, ret_error);
        return r < 0 ? r : fence_lost_parse(answer, size, ret_names, ret_error);
}

int fence_put(const FencePort *port, Error *ret_error)
{
        const FenceRequest request = {.verb = FENCE_PORT, .port = *port};
        g_autofree char *word = NULL;

        return ask(&request, &word, ret_error);
}

int fence_listen(int *ret_fd)
{
        const FenceRequest request = {.verb = FENCE_WATCH};
        g_autofree char *text = fence_request_format(&request);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!HAVE_NFTABLES)
                return -EOPNOTSUPP;
        r = socket_connect("fence", SOCK_SEQPACKET, LISTEN_SEC, &fd);
        if (r >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                r = -errno;
        if (r < 0)
                return r;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

FenceNews fence_hear(int fd)
{
        char data[FENCE_ANSWER_MAX];
        ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        g_autofree char *word = NULL;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return FENCE_NEWS_NONE;
        if (n == (ssize_t) strlen(FENCE_CHANGED) && memcmp(data, FENCE_CHANGED, (size_t) n) == 0)
                return FENCE_NEWS_CHANGED;
        if (n > 0 && fence_answer_parse(data, (size_t) n, &word, NULL) >= 0 &&
                        g_str_equal(word, FENCE_WATCHING))
                return FENCE_NEWS_WATCHING;

        return FENCE_NEWS_GONE;
}
