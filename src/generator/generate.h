/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes all that systemd acts upon in all definitions, such as Autostart=, Restart= and dependencies, as
 * files that systemd reads at boot, below dir (its normal generator directory). A definition that cannot be
 * read is skipped with a line in the log. Returns the number of definitions that were used, or a negative
 * errno only if the definitions cannot be listed at all. */
int generate(const char *dir);
