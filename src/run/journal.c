/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way into the journal, over its native protocol. */

#include "run/journal.h"

#include <errno.h>
#include <glib.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "common/io.h"
#include "common/names.h"

#define JOURNAL_SOCKET       "/run/systemd/journal/socket"
#define JOURNAL_MESSAGE_MSEC 1000

struct Journal {
        int fd;
        struct sockaddr_un address;
        char *fields;     /* those of each message, as they are sent */
        char *identifier; /* for a console line: SYSLOG_IDENTIFIER and PRIORITY, as they are sent */
};

static int journal_connect(Journal *journal)
{
        _cleanup_close_ int fd = -EBADF;

        if (journal->fd >= 0)
                return 0;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *) &journal->address, sizeof journal->address) < 0)
                return -errno;

        journal->fd = TAKE_FD(fd);
        return 0;
}

static void journal_append_field(GString *text, const char *name, const char *value)
{
        if (value)
                g_string_append_printf(text, "%s=%s\n", name, value);
}

void journal_set_object(Journal *journal, const LogObject *object)
{
        GString *fields = g_string_new(NULL);

        journal_append_field(fields, SHRUTHI_FIELD_UNIKERNEL, object->unikernel);
        journal_append_field(fields, SHRUTHI_FIELD_OWNER, object->owner);
        journal_append_field(fields, SHRUTHI_FIELD_IMAGE, object->image);

        g_free(journal->fields);
        g_free(journal->identifier);
        journal->fields = g_string_free(fields, FALSE);
        journal->identifier =
                        g_strdup_printf("SYSLOG_IDENTIFIER=%s\nPRIORITY=%d\n", object->unikernel, LOG_INFO);
}

int journal_new(const char *path, const LogObject *object, Journal **ret_journal)
{
        Journal *journal;

        path = path ?: JOURNAL_SOCKET;
        if (strlen(path) >= sizeof journal->address.sun_path)
                return -ENAMETOOLONG;

        journal = g_new(Journal, 1);
        *journal = (Journal){.fd = -EBADF, .address.sun_family = AF_UNIX};
        strcpy(journal->address.sun_path, path);
        journal_set_object(journal, object);

        /* If the journal is away now, the first message tries again. */
        (void) journal_connect(journal);
        *ret_journal = journal;
        return 0;
}

void journal_free(Journal *journal)
{
        if (!journal)
                return;

        (void) close_safe(journal->fd);
        g_free(journal->fields);
        g_free(journal->identifier);
        g_free(journal);
}

int journal_fd(const Journal *journal)
{
        return journal->fd;
}

static int journal_send(Journal *journal, struct iovec *iov, size_t n)
{
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = n};

        /* Once more after a failure: the socket may have been created anew under the same path. */
        for (int attempt = 0; attempt < 2; attempt++) {
                if (journal_connect(journal) < 0)
                        return -EHOSTDOWN;
                if (sendmsg(journal->fd, &message, MSG_NOSIGNAL) >= 0)
                        return 0;
                if (errno == EINTR) {
                        attempt--;
                        continue;
                }
                if (errno == EAGAIN || errno == ENOBUFS)
                        return -EAGAIN;
                journal->fd = close_safe(journal->fd);
        }

        return -EHOSTDOWN;
}

static struct iovec journal_iov_from_text(const char *text)
{
        return (struct iovec){.iov_base = (char *) text, .iov_len = strlen(text)};
}

int journal_send_line(Journal *journal, const char *text, size_t size)
{
        struct iovec iov[] = {
                        journal_iov_from_text("MESSAGE="),
                        {.iov_base = (char *) text, .iov_len = size},
                        journal_iov_from_text("\n"),
                        journal_iov_from_text(journal->identifier),
                        journal_iov_from_text(journal->fields),
        };

        return journal_send(journal, iov, G_N_ELEMENTS(iov));
}

void journal_message(Journal *journal, int level, const char *message_id, const char *const *fields,
                const char *format, ...)
{
        g_autofree char *message = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        struct iovec iov;
        va_list ap;

        va_start(ap, format);
        message = g_strdup_vprintf(format, ap);
        va_end(ap);
        g_strdelimit(message, "\n", ' ');

        g_string_append_printf(text, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=shruthi-run\n%s", message,
                        level, journal->fields);
        journal_append_field(text, "MESSAGE_ID", message_id);
        for (; fields && fields[0]; fields += 2)
                journal_append_field(text, fields[0], fields[1]);

        iov = (struct iovec){.iov_base = text->str, .iov_len = text->len};
        if (journal_send(journal, &iov, 1) == -EAGAIN) {
                struct pollfd room = {.fd = journal->fd, .events = POLLOUT};

                if (poll(&room, 1, JOURNAL_MESSAGE_MSEC) > 0)
                        (void) journal_send(journal, &iov, 1);
        }
}

bool journal_is_flushed(const Journal *journal)
{
        int outstanding = 0;

        return journal->fd < 0 || ioctl(journal->fd, SIOCOUTQ, &outstanding) < 0 || outstanding == 0;
}
