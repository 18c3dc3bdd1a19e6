/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of shruthi-antispoof, which answers one request per connection. Called by isolation.c and
 * check.c. */

#include "domain/host/antispoof-client.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/socket.h"
#include "common/string-util.h"
#include "config.h"

#define LISTEN_SEC 1
#define ANSWER_SEC                                                                                          \
        30 /* its service has to be started; libvirt's filters are the way out of a worse wait              \
            */

static int antispoof_refuse(int r, Error *ret_error)
{
        return error_set(ret_error, ERROR_FAILED,
                        "shruthi-antispoof does not answer (%s): see 'systemctl status "
                        "shruthi-antispoof.socket shruthi-antispoof.service'",
                        r == -EAGAIN ? "no answer" : g_strerror(-r));
}

/* answer has size bytes. *ret_fd: what came with it, or -EBADF. */
static int antispoof_exchange(const AntispoofRequest *request, char *answer, size_t size, size_t *ret_size,
                int *ret_fd, Error *ret_error)
{
        g_autofree char *text = antispoof_request_format(request);
        _cleanup_close_ int fd = -EBADF;
        ssize_t n = -1;
        int r;

        if (!HAVE_NFTABLES)
                return error_set(ret_error, ERROR_NOT_SUPPORTED, "SHRUTHI was built without nftables");

        r = socket_connect("antispoof", SOCK_SEQPACKET, ANSWER_SEC, &fd);
        if (r >= 0 && TEMP_FAILURE_RETRY(send(fd, text, strlen(text), MSG_NOSIGNAL)) < 0)
                r = -errno;
        if (r >= 0) {
                n = socket_receive_with_fd(fd, answer, size, ret_fd);
                r = n < 0 ? (int) n : n == 0 ? -ECONNRESET : 0;
        }
        if (r < 0)
                return antispoof_refuse(r, ret_error);

        *ret_size = (size_t) n;
        return 0;
}

static int antispoof_ask(const AntispoofRequest *request, char **ret_word, Error *ret_error)
{
        char answer[ANTISPOOF_ANSWER_MAX];
        _cleanup_close_ int fd = -EBADF;
        size_t size;
        int r;

        r = antispoof_exchange(request, answer, sizeof answer, &size, &fd, ret_error);
        return r < 0 ? r : antispoof_answer_parse(answer, size, ret_word, ret_error);
}

/* A client that connects and leaves gets no answer. */
void antispoof_wake(void)
{
        _cleanup_close_ int fd = -EBADF;

        if (HAVE_NFTABLES)
                (void) socket_connect("antispoof", SOCK_SEQPACKET, ANSWER_SEC, &fd);
}

int antispoof_filter(const AntispoofFilter *filter, char **ret_interface, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_FILTER, .filter = (AntispoofFilter *) filter};
        g_autofree char *word = NULL;
        char interface[IF_NAMESIZE];
        int r;

        r = antispoof_ask(&request, &word, ret_error);
        if (r < 0)
                return r;

        /* A different name is not one of a guest. */
        antispoof_interface_name(filter, interface);
        if (g_strcmp0(word, interface) != 0) {
                (void) error_set(ret_error, ERROR_FAILED, "shruthi-antispoof has a different version");
                return -EBADMSG;
        }

        *ret_interface = g_steal_pointer(&word);
        return 0;
}

int antispoof_check(bool *ret_restored, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_CHECK};
        g_autofree char *word = NULL;
        int r;

        r = antispoof_ask(&request, &word, ret_error);
        if (r < 0)
                return r;

        *ret_restored = g_strcmp0(word, ANTISPOOF_RESTORED) == 0;
        return 0;
}

int antispoof_lost(char ***ret_names, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_LOST};
        g_autofree char *answer = g_malloc(ANTISPOOF_LOST_MAX);
        _cleanup_close_ int fd = -EBADF;
        size_t size;
        int r;

        r = antispoof_exchange(&request, answer, ANTISPOOF_LOST_MAX, &size, &fd, ret_error);
        return r < 0 ? r : antispoof_lost_parse(answer, size, ret_names, ret_error);
}

int antispoof_attach(const AntispoofPort *port, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_PORT, .port = *port};
        g_autofree char *word = NULL;

        return antispoof_ask(&request, &word, ret_error);
}

int antispoof_make_tap(const AntispoofTap *tap, int *ret_fd, unsigned *ret_mtu, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_TAP, .tap = *tap};
        char answer[ANTISPOOF_ANSWER_MAX];
        _cleanup_close_ int fd = -EBADF;
        g_autofree char *word = NULL;
        uint64_t mtu;
        size_t size;
        int r;

        r = antispoof_exchange(&request, answer, sizeof answer, &size, &fd, ret_error);
        if (r >= 0)
                r = antispoof_answer_parse(answer, size, &word, ret_error);
        if (r < 0)
                return r;
        if (fd < 0 || number_parse(word, ANTISPOOF_MTU_MIN, ANTISPOOF_MTU_MAX, &mtu) < 0) {
                (void) error_set(ret_error, ERROR_FAILED, "Malformed answer from shruthi-antispoof");
                return -EBADMSG;
        }

        *ret_fd = TAKE_FD(fd);
        *ret_mtu = (unsigned) mtu;
        return 0;
}

int antispoof_publish(const AntispoofPublication *publication, Error *ret_error)
{
        const AntispoofRequest request = {
                        .verb = ANTISPOOF_PUBLISH, .publication = (AntispoofPublication *) publication};
        g_autofree char *word = NULL;

        return antispoof_ask(&request, &word, ret_error);
}

int antispoof_keep_only(const char *unikernel, const char *const *interfaces, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_ONLY,
                        .unikernel = (char *) unikernel,
                        .interfaces = (char **) interfaces};
        g_autofree char *word = NULL;

        return antispoof_ask(&request, &word, ret_error);
}

int antispoof_lead(const char *unikernel, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_LEAD, .unikernel = (char *) unikernel};
        g_autofree char *word = NULL;

        return antispoof_ask(&request, &word, ret_error);
}

int antispoof_count_connections(const char *unikernel, uint64_t *ret_count, Error *ret_error)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_CONNECTIONS, .unikernel = (char *) unikernel};
        g_autofree char *word = NULL;
        int r;

        r = antispoof_ask(&request, &word, ret_error);
        if (r < 0)
                return r;
        return number_parse(word, 0, UINT32_MAX, ret_count) < 0
                               ? error_set(ret_error, ERROR_FAILED,
                                                 "Malformed answer from shruthi-antispoof")
                               : 0;
}

void antispoof_withdraw(const char *interface)
{
        AntispoofRequest request = {.verb = ANTISPOOF_WITHDRAW};
        g_autofree char *word = NULL;

        g_strlcpy(request.port.interface, interface, sizeof request.port.interface);
        (void) antispoof_ask(&request, &word, NULL);
}

int antispoof_listen(int *ret_fd)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_WATCH};
        g_autofree char *text = antispoof_request_format(&request);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!HAVE_NFTABLES)
                return -EOPNOTSUPP;
        r = socket_connect("antispoof", SOCK_SEQPACKET, LISTEN_SEC, &fd);
        if (r >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                r = -errno;
        if (r < 0)
                return r;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

AntispoofNews antispoof_hear(int fd)
{
        char data[ANTISPOOF_ANSWER_MAX];
        ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        g_autofree char *word = NULL;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return ANTISPOOF_NEWS_NONE;
        if (n == (ssize_t) strlen(ANTISPOOF_CHANGED) && memcmp(data, ANTISPOOF_CHANGED, (size_t) n) == 0)
                return ANTISPOOF_NEWS_CHANGED;
        if (n > 0 && antispoof_answer_parse(data, (size_t) n, &word, NULL) >= 0 &&
                        g_str_equal(word, ANTISPOOF_WATCHING))
                return ANTISPOOF_NEWS_WATCHING;

        return ANTISPOOF_NEWS_GONE;
}
