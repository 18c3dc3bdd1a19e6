/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unikernel is cut off if a file with its name exists. */

#include "daemon/state/cut-off-watch.h"

#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "daemon/state/unikernel.h"

/* A complete file is renamed into place. */
#define WATCH_MASK (IN_MOVED_TO | IN_DELETE | IN_ONLYDIR)

struct CutOffWatch {
        Manager *manager;
        int fd;
        sd_event_source *source;
};

static void cut_off_watch_refresh(Manager *manager, const char *name)
{
        Unikernel *unikernel = unikernel_get(manager, name);

        if (unikernel)
                (void) unikernel_refresh(unikernel);
}

static void cut_off_watch_refresh_all(Manager *manager)
{
        g_autoptr(GList) names = g_hash_table_get_keys(manager->unikernels);
        g_autoptr(GPtrArray) copies = g_ptr_array_new_with_free_func(g_free);

        /* A unikernel that is freed also frees its name. */
        for (GList *l = names; l; l = l->next)
                g_ptr_array_add(copies, g_strdup(l->data));
        for (guint i = 0; i < copies->len; i++)
                cut_off_watch_refresh(manager, copies->pdata[i]);
}

static int on_cut_off_inotify(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        _Alignas(struct inotify_event) char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
        CutOffWatch *watch = userdata;
        const struct inotify_event *event;
        ssize_t n;

        while ((n = read(fd, buffer, sizeof buffer)) > 0)
                for (const char *p = buffer; p < buffer + n; p += sizeof *event + event->len) {
                        event = (const struct inotify_event *) (const void *) p;
                        if (event->mask & IN_Q_OVERFLOW)
                                cut_off_watch_refresh_all(watch->manager);
                        else if (event->len > 0)
                                cut_off_watch_refresh(watch->manager, event->name);
                }
        return 0;
}

CutOffWatch *cut_off_watch_new(Manager *manager)
{
        CutOffWatch *watch = g_new0(CutOffWatch, 1);
        int r = 0;

        watch->manager = manager;
        watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watch->fd < 0 || inotify_add_watch(watch->fd, paths_cut_off(), WATCH_MASK) < 0)
                r = -errno;
        if (r >= 0)
                r = sd_event_add_io(manager->event, &watch->source, watch->fd, EPOLLIN, on_cut_off_inotify,
                                watch);
        if (r >= 0)
                return watch;

        log_warning("Cannot watch %s: %s", paths_cut_off(), g_strerror(-r));
        return cut_off_watch_free(watch);
}

CutOffWatch *cut_off_watch_free(CutOffWatch *watch)
{
        if (!watch)
                return NULL;

        sd_event_source_disable_unref(watch->source);
        close_safe(watch->fd);
        g_free(watch);
        return NULL;
}
