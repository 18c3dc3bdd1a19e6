/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The run directory, /run/shruthi/unikernels/NAME: the FIFOs of the console, and other files of a running
 * unikernel. It is removed with the domain. All of these functions are for the holder of the lock of
 * unikernel/liveness.h. */

/* Its files: what the guest reads, what it writes, and the socket that serves copies of its output. libvirt
 * gets the path without the suffixes for the pair of FIFOs. */
#define RUN_DIR_CONSOLE        "console"
#define RUN_DIR_CONSOLE_INPUT  RUN_DIR_CONSOLE ".in"
#define RUN_DIR_CONSOLE_OUTPUT RUN_DIR_CONSOLE ".out"

/* Makes the directory, with new FIFOs and nothing else. */
int run_dir_make(const char *name);

void run_dir_remove(const char *name);

/* Whether the directory, when it was made anew, had what a domain leaves that nobody has ended: it may still
 * run. */
bool run_dir_may_have_domain(const char *name);

/* QEMU has opened the FIFOs: from now on no other process of QEMU's user may. On failure, ret_path is the
 * FIFO that failed. */
int run_dir_close(const char *name, char **ret_path);

/* Records that a domain of that XML is prepared and waits for its start: from before it is created until it
 * runs, or is gone. */
int run_dir_set_prepared(const char *name, const char *xml);
bool run_dir_is_prepared(const char *name);
char *run_dir_get_prepared(const char *name); /* NULL if none. Free with g_free() */
void run_dir_forget_prepared(const char *name);
