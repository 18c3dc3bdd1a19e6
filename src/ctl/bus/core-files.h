/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether QEMU may leave a core file of a guest that has keys: libvirt says how large one may be (max_core=
 * in its qemu.conf, which is closed to us; 0 by default in 9.0, unlimited in 11.3). A guest's own memory is
 * in none (dumpCore='off'), but what QEMU has just read for it may be. */

/* The unikernels whose QEMU, run by user, has keys and may write one: "a", "a, b and 3 others"; NULL: none.
 * *ret_any: some of them have keys. proc is /proc. Free with g_free(). */
char *core_files_find(const char *proc, uid_t user, bool *ret_any);
