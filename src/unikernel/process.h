/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/containers.h"

/* A guest that is a process of the host (shruthi-tender), not a domain of libvirt. Its run directory
 * (run-dir.h) has the file "process", which shruthi-domain writes before the runner executes it: the file
 * says which body the unikernel has, and how its networks are attached. The process holds a lock on it for
 * as long as it lives (F_SETLK of fcntl(2), which tells others the process by its number, and is kept by
 * execve(2)), so nobody else can be taken for it. While it lives the file must stay. */

/* One network of it. */
typedef struct ProcessPort {
        char *device;
        char *mac;       /* lower case */
        char *interface; /* the host's side */
        char *bridge;
        char *network; /* of libvirt; NULL: the bridge is named in the definition */
        bool isolated; /* it hears no other port that is (bridge(8)) */
} ProcessPort;

void process_port_free(ProcessPort *port);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProcessPort, process_port_free)
DEFINE_DESTROY(process_port)

/* Formats and parses the file's text; elements ProcessPort. Lines that cannot be read are passed over. Pure.
 * Free with g_free() and g_ptr_array_unref(). */
char *process_ports_format(const GPtrArray *ports);
GPtrArray *process_ports_parse(const char *text);

/* Whether the body of the unikernel's current run is a process, whether or not it still runs. */
bool process_is_body(const char *name);

int process_write(const char *name, const GPtrArray *ports);
GPtrArray *process_read_ports(const char *name);

/* The names of all such unikernels whose process runs. Free with g_strfreev(). */
char **process_list(void);

/* Opens the file for the process that is to become the guest, which then takes the lock by the second, when
 * it has closed all other descriptors of that file. The second may be called after fork(). */
int process_open_mark(const char *name, int *ret_fd);
int process_take_mark(int fd);

/* Finds the running process: -ESRCH if it has ended or was not executed yet, -ENOENT if the body is none.
 * *ret_pidfd may be waited for and signalled, and is nobody else ever. */
int process_find(const char *name, pid_t *ret_pid, int *ret_pidfd);

/* How it has ended, as waitid(2) tells: to its parent, or, when its parent has waited for it, to whoever has
 * a pidfd from before (Linux 6.15). -ENODATA if that cannot be found out, or not yet. */
int process_status(int pidfd, int *ret_code, int *ret_status);
