/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What differs between two texts, line by line, as diff -u shows it; "" where nothing does. Where they are
 * too long for a search of what they have in common, all between their first and last difference is shown as
 * replaced. Pure. Free with g_free(). */
char *diff_texts(const char *from, const char *to, const char *from_name, const char *to_name);
