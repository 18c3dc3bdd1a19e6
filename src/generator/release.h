/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Limits that the kernel keeps when they are taken away from a slice with a running guest, which systemd
 * does not undo: of AllowedCPUs=, because Linux (6.18 at least) refuses to clear cpuset.cpus of a group that
 * is in use; of a disk, because systemd writes only to the disks that its settings name. */

/* Writes for each slice below unikernel.slice for which the kernel holds such a limit, and no setting has
 * it, a drop-in below dir that sets the widest value. To be called when all else has been written there.
 * Returns 0 or a negative errno. */
int release_limits(const char *dir);
