/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One key of an archive set or removed. Called by store.c between unsealing and sealing. */

#include "seal/archive.h"

#include <string.h>

GArray *archive_new(void)
{
        static const uint8_t empty[2 * USTAR_BLOCK];
        GArray *entries = NULL;

        g_assert(ustar_parse(empty, sizeof empty, &entries, NULL) >= 0);
        return entries;
}

static guint archive_find(const GArray *entries, const char *key)
{
        for (guint i = 0; i < entries->len; i++)
                if (g_str_equal(g_array_index(entries, UstarEntry, i).name, key))
                        return i;

        return entries->len;
}

static int archive_refuse_missing(const char *unikernel, const char *key, Error *ret_error)
{
        return error_set(ret_error, ERROR_NO_SUCH_CREDENTIAL,
                        "Unikernel '%s' has no key '%s' that was set; run 'shruthictl credential list %s'",
                        unikernel, key, unikernel);
}

int archive_set(GArray *entries, const char *unikernel, const UstarEntry *key, bool must_exist,
                Error *ret_error)
{
        UstarEntry entry = *key;
        guint i = archive_find(entries, key->name);
        uint64_t all;

        if (i == entries->len && must_exist)
                return archive_refuse_missing(unikernel, key->name, ret_error);
        if (i == entries->len && entries->len >= SEAL_KEYS_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Limit reached: unikernel '%s' has %u keys, and the maximum is %d",
                                unikernel, entries->len, SEAL_KEYS_MAX);

        if (i < entries->len) {
                entry.name = g_array_index(entries, UstarEntry, i).name;
                g_array_index(entries, UstarEntry, i) = entry;
        } else {
                entry.name = g_strdup(key->name);
                g_array_append_val(entries, entry);
        }

        all = ustar_size((const UstarEntry *) entries->data, entries->len);
        if (all > SEAL_ARCHIVE_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "With '%s' the keys of unikernel '%s' would take %" G_GUINT64_FORMAT
                                " bytes, and systemd can load at most %d (each key is rounded up to 512 and "
                                "takes 512 more)",
                                key->name, unikernel, all, SEAL_ARCHIVE_MAX);

        return 0;
}

int archive_check_size(const GArray *entries, const char *unikernel, uint64_t size_max, Error *ret_error)
{
        uint64_t all = ustar_size((const UstarEntry *) entries->data, entries->len);

        if (all <= size_max)
                return 0;

        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "The keys of unikernel '%s' that were set would take %" G_GUINT64_FORMAT
                        " bytes, and beside the sources in its definition systemd can load "
                        "%" G_GUINT64_FORMAT ": remove keys, or name fewer or smaller sources there",
                        unikernel, all, size_max);
}

int archive_remove(GArray *entries, const char *unikernel, const char *key, Error *ret_error)
{
        guint i = archive_find(entries, key);

        if (i == entries->len)
                return archive_refuse_missing(unikernel, key, ret_error);

        g_array_remove_index(entries, i);
        return 0;
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

char **archive_keys(const GArray *entries)
{
        GPtrArray *keys = g_ptr_array_new();

        for (guint i = 0; i < entries->len; i++)
                g_ptr_array_add(keys, g_strdup(g_array_index(entries, UstarEntry, i).name));
        g_ptr_array_sort(keys, compare_keys);
        g_ptr_array_add(keys, NULL);

        return (char **) g_ptr_array_free(keys, FALSE);
}
