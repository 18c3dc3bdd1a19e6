/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Autostart= and Restart= of all definitions as what systemd reads at boot, below dir (its normal generator
 * directory). A definition that cannot be read is passed over with a line in the log; returns the number of
 * those that were used, or a negative errno only where the definitions cannot be listed at all. */
int generate(const char *dir);
