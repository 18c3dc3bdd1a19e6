/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-domain.service. Called by call.c and by domain/service/worker.c. */

#include "helper/request.h"

#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_MIN 2
#define FDS_MAX 3

void domain_request_clear(DomainRequest *request)
{
        request->output = close_safe(request->output);
        request->messages = close_safe(request->messages);
        request->credentials = close_safe(request->credentials);
}

ssize_t domain_words_format(const char *const *words, char ret_text[static DOMAIN_REQUEST_MAX])
{
        size_t size = 0;

        for (unsigned i = 0; words[i]; i++) {
                size_t n = strlen(words[i]) + 1;

                if (i >= DOMAIN_WORDS_MAX || n > DOMAIN_REQUEST_MAX - size)
                        return -E2BIG;
                memcpy(ret_text + size, words[i], n);
                size += n;
        }

        return (ssize_t) size;
}

int domain_words_parse(char *text, size_t size, char *ret_words[static DOMAIN_WORDS_MAX + 1],
                unsigned *ret_n_words)
{
        char *words[DOMAIN_WORDS_MAX + 1] = {};
        unsigned n = 0;

        if (size == 0 || text[size - 1] != 0 || text[0] == '-')
                return -EBADMSG;

        for (char *word = text; word < text + size; word += strlen(word) + 1) {
                if (n >= DOMAIN_WORDS_MAX || *word == 0)
                        return -EBADMSG;
                for (const char *p = word; *p; p++)
                        if (!g_ascii_isgraph(*p))
                                return -EBADMSG;
                words[n++] = word;
        }

        memcpy(ret_words, words, sizeof words);
        *ret_n_words = n;
        return 0;
}

int domain_request_send(int socket, const char *const *words, int output, int messages, int credentials)
{
        const int fds[FDS_MAX] = {output, messages, credentials};
        size_t fds_size = sizeof(int) * (credentials < 0 ? FDS_MIN : FDS_MAX);
        char text[DOMAIN_REQUEST_MAX];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof fds)];
        } control = {};
        struct iovec part = {.iov_base = text};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = CMSG_SPACE(fds_size)};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        ssize_t n;

        n = domain_words_format(words, text);
        if (n < 0)
                return (int) n;

        part.iov_len = (size_t) n;
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds_size);
        memcpy(CMSG_DATA(header), fds, fds_size);
        return TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

/* Takes all descriptors of a packet; those beyond the last that fits are closed, but counted. */
static unsigned message_take_fds(struct msghdr *message, int *ret_fds, unsigned max)
{
        unsigned n = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++, n++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
                        if (n < max)
                                ret_fds[n] = fd;
                        else
                                close_safe(fd);
                }
        }

        return n;
}

static bool fd_is_writable(int fd)
{
        int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
}

static bool fd_is_directory(int fd)
{
        struct stat st;

        return fstat(fd, &st) >= 0 && S_ISDIR(st.st_mode);
}

static int request_check(const DomainRequest *request, unsigned n_fds)
{
        if (n_fds < FDS_MIN || n_fds > FDS_MAX || !fd_is_writable(request->output) ||
                        !fd_is_writable(request->messages))
                return -EBADMSG;
        /* Only a start needs key material. */
        if (n_fds == FDS_MAX &&
                        (!g_str_equal(request->words[0], "start") || !fd_is_directory(request->credentials)))
                return -EBADMSG;

        return 0;
}

int domain_request_receive(int socket, DomainRequest *ret_request)
{
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;
        int fds[FDS_MAX] = {-EBADF, -EBADF, -EBADF};
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE((FDS_MAX + 1) * sizeof(int))];
        } control;
        char text[DOMAIN_REQUEST_MAX];
        struct iovec part = {.iov_base = text, .iov_len = sizeof text};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof control};
        unsigned n_fds;
        ssize_t n;
        int r;

        n = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
        if (n < 0)
                return -errno;
        n_fds = message_take_fds(&message, fds, FDS_MAX);
        request.output = fds[0];
        request.messages = fds[1];
        request.credentials = fds[2];
        if (n == 0)
                return -ENODATA;
        if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return -EBADMSG;

        memcpy(ret_request->text, text, (size_t) n);
        r = domain_words_parse(ret_request->text, (size_t) n, request.words, &request.n_words);
        if (r >= 0)
                r = request_check(&request, n_fds);
        if (r < 0)
                return r;

        memcpy(ret_request->words, request.words, sizeof request.words);
        ret_request->n_words = request.n_words;
        ret_request->output = TAKE_FD(request.output);
        ret_request->messages = TAKE_FD(request.messages);
        ret_request->credentials = TAKE_FD(request.credentials);
        return 0;
}

void domain_answer_send(int socket, int answer)
{
        (void) send(socket, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int domain_answer_hand(int socket, const int *fds, unsigned n_fds)
{
        const int answer = DOMAIN_HANDED;
        size_t fds_size = n_fds * sizeof *fds;
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(DOMAIN_HANDED_MAX * sizeof(int))];
        } control = {};
        struct iovec part = {.iov_base = (void *) &answer, .iov_len = sizeof answer};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = CMSG_SPACE(fds_size)};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        if (n_fds == 0 || n_fds > DOMAIN_HANDED_MAX)
                return -E2BIG;

        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds_size);
        memcpy(CMSG_DATA(header), fds, fds_size);
        return TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

int domain_answer_receive(int socket, int *ret_answer, int ret_fds[static DOMAIN_HANDED_MAX],
                unsigned *ret_n_fds)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE((DOMAIN_HANDED_MAX + 1) * sizeof(int))];
        } control;
        int answer = 0;
        struct iovec part = {.iov_base = &answer, .iov_len = sizeof answer};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof control};
        unsigned n_fds;
        ssize_t n;

        n = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
        if (n < 0)
                return -errno;
        n_fds = message_take_fds(&message, ret_fds, DOMAIN_HANDED_MAX);
        if (n_fds > DOMAIN_HANDED_MAX || (n_fds > 0 && answer != DOMAIN_HANDED)) {
                for (unsigned i = 0; i < MIN(n_fds, DOMAIN_HANDED_MAX); i++)
                        (void) close_safe(ret_fds[i]);
                n_fds = 0;
        }

        *ret_n_fds = n_fds;
        *ret_answer = answer;
        return n == 0 ? 0 : n == sizeof answer ? 1 : -EBADMSG;
}
