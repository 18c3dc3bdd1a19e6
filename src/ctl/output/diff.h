/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The differences between two texts, line by line, in the format of diff -u; "" if none. If the texts are
 * too long to search for common lines, everything between the first and the last difference is shown as
 * replaced. Pure. Free with g_free(). */
char *diff_texts(const char *from, const char *to, const char *from_name, const char *to_name);
