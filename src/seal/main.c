/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-seal: seals key material for unikernels, which on systemd before 256 only root can; with --user,
 * in a user's manager, it keeps that of the user's own. Started by shruthi-seal.socket for each connection,
 * which is its standard input: one request, one answer (see protocol.h). It is root without any capability,
 * trusts nobody, and can only write: no request returns what was sealed. A client that makes it wait delays
 * no other, and not for long. */

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "seal/archive.h"
#include "seal/store.h"

#define ASK_SEC     15 /* for a client that connects and sends nothing */
#define READ_SEC    10 /* for the content */
#define STUCK_SEC   15 /* a file system that does not answer: SIGALRM ends us */
#define WORK_SEC    60 /* a TPM may be slow, and another request for the same name comes first */
#define FDS_MAX     4  /* the kernel closes any others */
#define FUSE_MAGIC  0x65735546

static bool client_may_ask(int client)
{
        const struct passwd *user = getpwnam(SHRUTHI_USER);
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (paths_are_of_user() && peer.uid == geteuid())
                return true;
        if (peer.uid == 0 || (user && peer.uid == user->pw_uid))
                return true;

        log_warning("Rejected a request from UID %u, PID %d", (unsigned) peer.uid, (int) peer.pid);
        return false;
}

/* The descriptors of one message; the first is ours to use, the others are closed. */
static int message_take_fd(struct msghdr *message)
{
        int fds[FDS_MAX], first = -EBADF;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                memcpy(fds, CMSG_DATA(c), MIN(n, FDS_MAX) * sizeof(int));
                for (size_t i = 0; i < MIN(n, FDS_MAX); i++)
                        if (first < 0)
                                first = fds[i];
                        else
                                close_safe(fds[i]);
        }

        return first;
}

static int client_receive(int client, SealRequest *ret, int *ret_fd, Error *ret_error)
{
        char data[SEAL_REQUEST_MAX + 1];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control;
        struct iovec part = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof control};
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;
        int r;

        n = TEMP_FAILURE_RETRY(recvmsg(client, &message, MSG_CMSG_CLOEXEC));
        if (n < 0)
                return error_set_errno(ret_error, errno, "Cannot read the request");
        fd = message_take_fd(&message);
        r = seal_request_parse(data, (size_t) n, ret, ret_error);
        if (r < 0)
                return r;
        if (seal_verb_takes_content(ret->verb) != (fd >= 0))
                return error_set(ret_error, ERROR_INVALID_ARGS, "The request has no file descriptor");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Accepts only content that ends, and for which no other user can keep us waiting in a way that no signal
 * ends; what a user's own file systems do is that user's affair. Uses cached attributes, which asks no file
 * system; a file system that is closed to us still tells its type. */
static int content_check_kind(int fd, bool *ret_regular, Error *ret_error)
{
        int flags = fcntl(fd, F_GETFL);
        struct statfs file_system;
        struct statx st;

        if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The file descriptor is not open for reading");
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The file descriptor refers to a file that root may not read (%s); pass the "
                                "content through a pipe",
                                g_strerror(errno));
        if (!S_ISREG(st.stx_mode) && !S_ISFIFO(st.stx_mode))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The file descriptor refers to neither a regular file nor a pipe; pass the "
                                "content through a pipe");
        if (S_ISREG(st.stx_mode) && !paths_are_of_user() &&
                        (fstatfs(fd, &file_system) < 0 || file_system.f_type == FUSE_MAGIC))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The file is on a file system of a user (FUSE); pass the content through a "
                                "pipe");

        *ret_regular = S_ISREG(st.stx_mode);
        return 0;
}

static int content_read(int fd, Secret *content, Error *ret_error)
{
        bool regular = false;
        int r;

        r = content_check_kind(fd, &regular, ret_error);
        if (r >= 0)
                r = secret_new(SEAL_CONTENT_MAX, content, ret_error);
        if (r < 0)
                return r;

        r = regular ? secret_read_file(content, fd)
                    : secret_read(content, fd, g_get_monotonic_time() + READ_SEC * G_USEC_PER_SEC);
        if (r == -E2BIG)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "The content has more than %d bytes, the maximum that systemd can load",
                                SEAL_CONTENT_MAX);
        if (r == -ETIMEDOUT)
                return error_set(ret_error, ERROR_TIMED_OUT,
                                "The content did not end within %d seconds; close the other end of the pipe",
                                READ_SEC);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the content");
        if (content->size == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The content is empty, so there is no key in it");

        return 0;
}

static int client_serve(int client, char ***ret_keys, Error *ret_error)
{
        _cleanup_seal_request_ SealRequest request = {};
        _cleanup_secret_ Secret content = {};
        _cleanup_close_ int fd = -EBADF;
        int r;

        (void) alarm(ASK_SEC);
        r = client_receive(client, &request, &fd, ret_error);
        if (r < 0)
                return r;

        if (fd >= 0) {
                (void) alarm(STUCK_SEC);
                r = content_read(fd, &content, ret_error);
                if (r < 0)
                        return r;
        }

        (void) alarm(WORK_SEC);
        return store_do(&request, &content, client, ret_keys, ret_error);
}

int main(int argc, char *argv[])
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *answer = NULL;
        g_auto(GStrv) keys = NULL;
        int r = 0;

        log_open("shruthi-seal");
        (void) signal(SIGPIPE, SIG_IGN);
        (void) prctl(PR_SET_DUMPABLE, 0);
        if (argc == 2 && g_str_equal(argv[1], "--user"))
                r = paths_use_user(&error);
        if (r < 0)
                log_error("%s", error_message(&error, r));
        if (r < 0 || !client_may_ask(STDIN_FILENO))
                return EXIT_FAILURE;

        r = client_serve(STDIN_FILENO, &keys, &error);
        answer = seal_answer_format(r, &error, keys);
        /* A client that has disconnected gets nothing. */
        (void) send(STDIN_FILENO, answer, strlen(answer), MSG_NOSIGNAL);
        return EXIT_SUCCESS;
}
