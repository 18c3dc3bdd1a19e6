/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes a message to the kernel's log, where journald finds it later: generators run before it does
 * (systemd.generator(7)). Writes to standard error if there is no /dev/kmsg, and with
 * SYSTEMD_LOG_TARGET=console. */
void kmsg_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
