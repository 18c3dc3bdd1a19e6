/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The line that shows what a call is waiting for. Called by client-batch.c. */

#include "ctl/output/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define PATIENCE_USEC (3 * G_USEC_PER_SEC) /* most answers take less */
#define STEP_USEC     (1 * G_USEC_PER_SEC)
#define STATUS_MAX    200

uint64_t progress_interval(Progress *progress)
{
        if (progress->begun == 0)
                progress->begun = (uint64_t) g_get_monotonic_time();
        if (!isatty(STDERR_FILENO))
                return UINT64_MAX;

        return progress->shown ? STEP_USEC : PATIENCE_USEC;
}

/* The status text of the unit, which everybody may read. NULL if none. */
static char *unit_status(Ctl *ctl, const char *name)
{
        g_autofree char *unit = unit_name_for(name), *path = NULL, *shown = NULL;
        char *text = NULL;

        if (ctl->bus_private || sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path) < 0 ||
                        sd_bus_get_property_string(ctl->bus, SYSTEMD_NAME, path, SYSTEMD_NAME ".Service",
                                        "StatusText", NULL, &text) < 0)
                return NULL;

        shown = text_for_display(text, STATUS_MAX);
        free(text);
        return *shown ? g_steal_pointer(&shown) : NULL;
}

void progress_show(Progress *progress, Ctl *ctl, const char *what, const char *name, unsigned others)
{
        uint64_t seconds = ((uint64_t) g_get_monotonic_time() - progress->begun) / G_USEC_PER_SEC;
        g_autofree char *status = unit_status(ctl, name);
        g_autofree char *more = others > 0 ? g_strdup_printf(" and %u more", others) : NULL;

        fprintf(stderr, "\r\033[K%s %s%s: %" G_GUINT64_FORMAT " s ...%s%s", what, name, more ?: "", seconds,
                        status ? " " : "", status ?: "");
        (void) fflush(stderr);
        progress->shown = true;
}

void progress_clear(Progress *progress)
{
        if (progress->shown)
                fputs("\r\033[K", stderr);
        progress->shown = false;
}
