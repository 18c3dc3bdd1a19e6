/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* How much key material one unikernel can have. systemd 257 and later load it onto a tmpfs of 1 MiB and 1024
 * inodes, which counts whole pages (if there is more, 257 says "Protocol error"); all releases stop at 1 MiB
 * of contents and names; and the guest's archive (common/ustar.h) ends there too, with a block of 512 for
 * each name. One rule satisfies all three and holds wherever we run, so that what was accepted once stays
 * valid when the host is upgraded: each source takes its size and 512 bytes more, rounded up to a page, and
 * so do the keys that were set, as one archive, even if there are none. The numbers are in definition.h. */

/* The space that one source takes, or the archive of the keys that were set. */
uint64_t credential_space(uint64_t size);

/* The largest archive that fits beside sources that take that much; 0 if none fits. */
uint64_t credential_space_left(uint64_t sources);

/* The least space that the sources in definition take: a file takes its size if that can be read here, a
 * sealed file the least that can be in it; all others (closed to us, in systemd's stores) count as empty.
 * Opens nothing, but asks file systems, which may block. */
uint64_t credential_space_known(const Definition *definition);

/* LIMIT_EXCEEDED if the sources and an archive of that size do not fit. least: the sum may be larger. */
int credential_space_check(const Definition *definition, uint64_t sources, uint64_t archive, bool least,
                Error *ret_error);
