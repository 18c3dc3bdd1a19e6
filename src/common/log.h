/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <syslog.h>

/* Log messages of our own programs. They go to the journal, with structured fields, if it is there and the
 * program runs as a service (JOURNAL_STREAM), else to standard error. Libraries log at debug only; the
 * program around them decides. */

/* The unikernel that a message is about; all fields but unikernel may be NULL. */
typedef struct LogObject {
        const char *unikernel;
        const char *owner;  /* user id as text */
        const char *image;  /* digest */
} LogObject;

/* identifier: the name of the program. max_level: LOG_INFO by default; SYSTEMD_LOG_LEVEL overrides it. */
void log_open(const char *identifier);
void log_set_max_level(int level);
int log_get_max_level(void);

/* LOG_* from systemd's words ("debug", "info", … or a digit); -EINVAL if unknown. */
int log_level_from_string(const char *text);
const char *log_level_to_string(int level);

void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...)   log_message(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_message(LOG_ERR, __VA_ARGS__)

/* The same about an object, with a MESSAGE_ID (or NULL) and further fields: pairs of name and value,
 * terminated by NULL; a pair whose value is NULL is left out. */
void log_object(int level, const LogObject *object, const char *message_id, const char *const *fields,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
