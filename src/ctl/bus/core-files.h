/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether QEMU may write a core file for a guest that has keys: libvirt limits its size (max_core= in its
 * qemu.conf, which we may not read; 0 by default in 9.0, unlimited in 11.3). Core files do not contain the
 * guest's memory (dumpCore='off'), but may contain what QEMU has just read for it. */

/* The unikernels whose QEMU, run by user, has keys and may write a core file: "a", "a, b and 3 others"; NULL
 * if none. *ret_any says that any of them has keys. proc is /proc. Free with g_free(). */
char *core_files_find(const char *proc, uid_t user, bool *ret_any);
