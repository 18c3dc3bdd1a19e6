/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What GLib's containers call with pointers of no type, as functions of just that type: to call one by a
 * type that is not its own is undefined (C17 6.3.2.3), and compilers warn of the cast. */

/* NAME_destroy(), a GDestroyNotify that does what NAME_free() does. */
#define DEFINE_DESTROY(name)                                                                                \
        static inline void name##_destroy(gpointer data)                                                    \
        {                                                                                                   \
                name##_free(data);                                                                          \
        }

/* GCompareFunc for texts themselves, as in the keys of a hash table; not for pointers to them, as in a
 * GPtrArray. */
static inline gint compare_texts(gconstpointer a, gconstpointer b)
{
        return g_strcmp0(a, b);
}
