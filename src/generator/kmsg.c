/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The generator's log. */

#include "generator/kmsg.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/io.h"

#define KMSG_SIZE_MAX 900 /* the kernel refuses a record of more than 1 KiB */

void kmsg_log(int level, const char *format, ...)
{
        g_autofree char *message = NULL, *record = NULL;
        _cleanup_close_ int fd = -EBADF;
        va_list ap;

        va_start(ap, format);
        message = g_strdup_vprintf(format, ap);
        va_end(ap);

        if (g_strcmp0(g_getenv("SYSTEMD_LOG_TARGET"), "console") != 0)
                fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        record = g_strdup_printf("<%d>shruthi-generator[%d]: %.*s\n", LOG_DAEMON | level, getpid(),
                        KMSG_SIZE_MAX, message);
        if (fd < 0 || write_all(fd, record, strlen(record)) < 0)
                fprintf(stderr, "shruthi-generator: %s\n", message);
}
