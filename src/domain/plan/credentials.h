/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "unikernel/definition.h"

/* A unikernel's key material as one archive, for the guest's block device. systemd has put it, in clear, on
 * a file system in memory that only the unit sees and that is never swapped out (a ramfs, or a tmpfs mounted
 * with noswap), and takes it away when the unit stops. Nothing here copies contents but
 * into memory that has no name. Knows no libvirt. */

/* Opens the archive for reading. directory is a descriptor of the unit's $CREDENTIALS_DIRECTORY, or why
 * there is none: -EBADF means that systemd was not told to load keys, which is CREDENTIALS_DAMAGED, -ENOENT
 * that the archive is empty. Where nothing comes from the definition it is systemd's own file, else a
 * sealed memfd of both, in which a name of the definition's wins. notices gets messages (char *) about what
 * is not there or was passed over. CREDENTIALS_DAMAGED for an archive that is not ours and for a source that
 * systemd was not told of, LIMIT_EXCEEDED. */
int credentials_open(const Definition *definition, int directory, GPtrArray *notices, int *ret_fd,
                Error *ret_error);
