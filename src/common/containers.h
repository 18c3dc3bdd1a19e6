/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Functions for GLib's containers, which call them with untyped pointers, of exactly the type that is
 * called: to call a function by another type than its own is undefined (C17 6.3.2.3), and compilers warn
 * about the cast. */

/* NAME_destroy(), a GDestroyNotify that does what NAME_free() does. */
#define DEFINE_DESTROY(name)                                                                                \
        static inline void name##_destroy(gpointer data)                                                    \
        {                                                                                                   \
                name##_free(data);                                                                          \
        }

/* GCompareFunc for strings themselves, as in the keys of a hash table; not for pointers to strings, as in a
 * GPtrArray. */
static inline gint compare_texts(gconstpointer a, gconstpointer b)
{
        return g_strcmp0(a, b);
}
