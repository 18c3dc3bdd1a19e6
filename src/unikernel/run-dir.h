/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* /run/shruthi/unikernels/NAME: the FIFOs of the console, and what else a running unikernel has. It goes
 * with the domain. All of these are for who holds the lock of unikernel/liveness.h. */

/* In it: what the guest reads, what it writes, and the socket that serves copies of that. libvirt is given
 * the path without the suffixes for the pair of FIFOs. */
#define RUN_DIR_CONSOLE        "console"
#define RUN_DIR_CONSOLE_INPUT  RUN_DIR_CONSOLE ".in"
#define RUN_DIR_CONSOLE_OUTPUT RUN_DIR_CONSOLE ".out"

/* Makes it, with new FIFOs and nothing else. */
int run_dir_make(const char *name);

void run_dir_remove(const char *name);

/* QEMU has opened the FIFOs: nobody else of its user may from now on. Tells which it is that fails. */
int run_dir_close(const char *name, char **ret_path);

/* That a domain of that XML is made beforehand and waits for its start: from before it is made until it
 * runs, or is gone. */
int run_dir_set_prepared(const char *name, const char *xml);
bool run_dir_is_prepared(const char *name);
char *run_dir_get_prepared(const char *name); /* NULL: none. Free with g_free() */
void run_dir_forget_prepared(const char *name);
