/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies the rest of from to the current position of to. In a regular file, blocks of zeros become holes;
 * holes of a regular file are not read. Returns a negative errno on failure, -EPIPE if nobody reads any
 * more. */
int sparse_copy(int from, int to);
