/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "unikernel/definition.h"

/* A unikernel's key material as one archive, for the guest's block device. systemd has placed it, in clear,
 * on a file system in memory that only the unit sees and that is never swapped out (a ramfs, or a tmpfs
 * mounted with noswap), and removes it when the unit stops. Contents are copied only to anonymous memory.
 * Knows no libvirt. */

/* Opens the archive for reading. directory is a descriptor of the unit's $CREDENTIALS_DIRECTORY, or why
 * there is none: -EBADF means that systemd was not told to load keys, which is CREDENTIALS_DAMAGED, -ENOENT
 * that the archive is empty. If the definition has no sources, it is systemd's own file, otherwise a sealed
 * memfd of both, in which the definition's names take precedence. notices gets messages (char *) about what
 * is missing or was skipped. Errors: CREDENTIALS_DAMAGED for an archive that is not ours and for a source
 * that systemd was not told to load, LIMIT_EXCEEDED. */
int credentials_open(const Definition *definition, int directory, GPtrArray *notices, int *ret_fd,
                Error *ret_error);
