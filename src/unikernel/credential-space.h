/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* How much key material one unikernel can have. systemd 257 and later load it onto a tmpfs of 1 MiB and
 * 1024 inodes, which counts whole pages (of more, 257 says "Protocol error"); all releases stop at 1 MiB
 * of contents and names; and the guest's archive (common/ustar.h) ends there too, with a block of 512 for
 * each name. One rule is within all three and holds wherever we run, so that what was accepted once stays
 * right when the host is upgraded: each source takes its size and 512 bytes more, rounded up to a page,
 * and so do the keys that were set, as one archive, also while there are none. The numbers are in
 * definition.h. */

/* What one source, or the archive of what was set, takes of it. */
uint64_t credential_space(uint64_t size);

/* The largest archive that has room beside sources that take so much; 0: none has. */
uint64_t credential_space_left(uint64_t sources);

/* What the sources in definition take at least: a file whose size can be told here by that, a sealed one by
 * the least that can be in it, all else (closed to us, in systemd's stores) as if it were empty. Opens
 * nothing, but asks file systems, which may block. */
uint64_t credential_space_known(const Definition *definition);

/* LIMIT_EXCEEDED where sources and the archive of that size have no room. least: the sum is known to be at
 * least that much. */
int credential_space_check(const Definition *definition, uint64_t sources, uint64_t archive, bool least,
                Error *ret_error);
