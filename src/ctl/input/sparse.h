/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies what is left of from to where to stands. In a regular file, blocks of zeros become holes; holes of
 * a regular file are not read. Negative errno; -EPIPE, too, where nobody reads any more. */
int sparse_copy(int from, int to);
