/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that systemd acts upon in all definitions, such as Autostart=, Restart= and dependencies, as what it
 * reads at boot, below dir (its normal generator directory). A definition that cannot be read is passed over
 * with a line in the log; returns the number of those that were used, or a negative errno only where the
 * definitions cannot be listed at all. */
int generate(const char *dir);
