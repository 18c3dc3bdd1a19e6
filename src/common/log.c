/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages of our own programs: structured to the journal, or plain to standard error. */

#include "common/log.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "common/names.h"
#include "common/string-util.h"

#define LOG_FIELDS_MAX 24

static const char *log_identifier = "shruthi";
static int log_max_level = LOG_INFO;
static bool log_to_journal;

static const char *const log_level_table[] = {
        [LOG_EMERG]   = "emerg",
        [LOG_ALERT]   = "alert",
        [LOG_CRIT]    = "crit",
        [LOG_ERR]     = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE]  = "notice",
        [LOG_INFO]    = "info",
        [LOG_DEBUG]   = "debug",
};

int log_level_from_string(const char *text)
{
        if (text && g_ascii_isdigit(text[0]) && text[1] == 0 && text[0] <= '7')
                return text[0] - '0';

        return string_table_lookup(log_level_table, G_N_ELEMENTS(log_level_table), text);
}

const char *log_level_to_string(int level)
{
        return level >= 0 && level < (int) G_N_ELEMENTS(log_level_table) ? log_level_table[level] : NULL;
}

/* $JOURNAL_STREAM is "device:inode" of the stream that systemd connected (systemd.exec(5)); a match says
 * that standard error is the journal. */
static bool stderr_is_journal(void)
{
        const char *stream = g_getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
                return false;

        return fstat(STDERR_FILENO, &st) >= 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *identifier)
{
        int level = log_level_from_string(g_getenv("SYSTEMD_LOG_LEVEL"));

        log_identifier = identifier;
        log_to_journal = stderr_is_journal();
        if (level >= 0)
                log_max_level = level;
}

void log_set_max_level(int level)
{
        log_max_level = level;
}

int log_get_max_level(void)
{
        return log_max_level;
}

static void add_field(struct iovec *iov, size_t *n, const char *name, const char *value)
{
        char *field;

        if (!value || *n >= LOG_FIELDS_MAX)
                return;

        field = g_strconcat(name, "=", value, NULL);
        iov[(*n)++] = (struct iovec){.iov_base = field, .iov_len = strlen(field)};
}

static void send_to_journal(int level, const LogObject *object, const char *message_id,
                const char *const *fields, const char *message)
{
        struct iovec iov[LOG_FIELDS_MAX];
        char priority[] = {(char) ('0' + level), 0};
        size_t n = 0;

        add_field(iov, &n, "MESSAGE", message);
        add_field(iov, &n, "PRIORITY", priority);
        add_field(iov, &n, "SYSLOG_IDENTIFIER", log_identifier);
        add_field(iov, &n, "MESSAGE_ID", message_id);
        if (object) {
                add_field(iov, &n, SHRUTHI_FIELD_UNIKERNEL, object->unikernel);
                add_field(iov, &n, SHRUTHI_FIELD_OWNER, object->owner);
                add_field(iov, &n, SHRUTHI_FIELD_IMAGE, object->image);
        }
        for (; fields && fields[0]; fields += 2)
                add_field(iov, &n, fields[0], fields[1]);

        (void) sd_journal_sendv(iov, (int) n);
        for (size_t i = 0; i < n; i++)
                g_free(iov[i].iov_base);
}

__attribute__((format(printf, 5, 0)))
static void log_objectv(int level, const LogObject *object, const char *message_id,
                const char *const *fields, const char *format, va_list ap)
{
        g_autofree char *message = NULL;
        int saved = errno;

        if (level > log_max_level)
                return;

        message = g_strdup_vprintf(format, ap);
        if (log_to_journal)
                send_to_journal(level, object, message_id, fields, message);
        else if (object && object->unikernel)
                fprintf(stderr, "%s: %s\n", object->unikernel, message);
        else
                fprintf(stderr, "%s\n", message);
        errno = saved;
}

void log_message(int level, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        log_objectv(level, NULL, NULL, NULL, format, ap);
        va_end(ap);
}

void log_object(int level, const LogObject *object, const char *message_id, const char *const *fields,
                const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        log_objectv(level, object, message_id, fields, format, ap);
        va_end(ap);
}
