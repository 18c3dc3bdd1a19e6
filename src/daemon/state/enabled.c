/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which unikernels "systemctl enable" has linked. The generator's links are ignored: those come from
 * Autostart=. */

#include "daemon/state/enabled.h"

#include "common/paths.h"
#include "common/unikernel-name.h"

typedef struct Scan {
        GHashTable *enabled;
        void (*done)(GHashTable *enabled, void *userdata);
        void *userdata;
} Scan;

static void scan_links(const char *dir, GHashTable *enabled)
{
        g_autoptr(GDir) links = g_dir_open(dir, 0, NULL);
        const char *link;

        while (links && (link = g_dir_read_name(links))) {
                char *name = NULL;

                if (unit_name_parse(link, &name) >= 0)
                        g_hash_table_add(enabled, name);
        }
}

void enabled_scan_directory(const char *dir, GHashTable *enabled)
{
        g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
        const char *entry;

        while (entries && (entry = g_dir_read_name(entries)))
                if (g_str_has_suffix(entry, ".wants") || g_str_has_suffix(entry, ".requires")) {
                        g_autofree char *path = g_build_filename(dir, entry, NULL);

                        scan_links(path, enabled);
                }
}

static void scan_run(void *userdata)
{
        Scan *scan = userdata;

        for (const char *const *dir = paths_link_directories(); *dir; dir++)
                enabled_scan_directory(*dir, scan->enabled);
}

static void scan_done(void *userdata)
{
        Scan *scan = userdata;

        scan->done(scan->enabled, scan->userdata);
        g_free(scan);
}

void enabled_scan(Worker *worker, void (*done)(GHashTable *enabled, void *userdata), void *userdata)
{
        Scan *scan = g_new0(Scan, 1);

        *scan = (Scan){.enabled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        .done = done,
                        .userdata = userdata};
        worker_run(worker, 0, NULL, scan_run, scan_done, scan);
}
