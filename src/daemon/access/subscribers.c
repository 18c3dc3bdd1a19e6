/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells subscribers about volumes and images that come and go. inotify reports changes, ours or not; a
 * thread then reads what each subscriber may see, and only that subscriber is told what differs from the
 * last look. Nothing is watched while nobody has subscribed. */

#include "daemon/access/subscribers.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "daemon/access/call.h"
#include "image/store.h"
#include "volume/store.h"

#define SUBSCRIBERS_MAX          64
#define SUBSCRIBERS_PER_USER_MAX 8

/* Time between a change and the look, so that many changes need only one look. */
#define LOOK_DELAY (100 * 1000) /* µs */

/* Complete files are moved into place, and moved away when they are removed. */
#define WATCH_MASK (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR)

typedef enum Kind {
        KIND_VOLUME,
        KIND_IMAGE,
        _KIND_MAX,
} Kind;

static const struct {
        const char *path, *added, *removed;
} kind_table[_KIND_MAX] = {
                [KIND_VOLUME] = {SHRUTHI_VOLUME_PATH, "VolumeNew", "VolumeRemoved"},
                [KIND_IMAGE] = {SHRUTHI_IMAGE_PATH, "ImageNew", "ImageRemoved"},
};

typedef struct Subscriber {
        char *name; /* on the bus; "" for all peers of the private socket, which are root */
        uid_t uid;
        gid_t *gids;
        size_t n_gids;
        GHashTable *seen[_KIND_MAX]; /* names; NULL before the first look */
} Subscriber;

struct Subscribers {
        Manager *manager;
        int fd;
        sd_event_source *source, *look_source;
        GPtrArray *all;     /* Subscriber */
        GPtrArray *waiting; /* Call: of clients that subscribed since the last look began */
        bool looking, dirty;
};

/* A look, done in a thread: copies of the subscribers, with what they see now. */
typedef struct SubscribersLook {
        Subscribers *subscribers;
        GPtrArray *all;
        GPtrArray *calls; /* answered after the look */
        int result;
        Error error;
} SubscribersLook;

static void subscriber_free(gpointer data)
{
        Subscriber *subscriber = data;

        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                g_clear_pointer(&subscriber->seen[kind], g_hash_table_unref);
        g_free(subscriber->name);
        g_free(subscriber->gids);
        g_free(subscriber);
}

static Subscriber *subscriber_new(const char *name, uid_t uid, const gid_t *gids, size_t n_gids)
{
        Subscriber *subscriber = g_new0(Subscriber, 1);

        *subscriber = (Subscriber){.name = g_strdup(name),
                        .uid = uid,
                        .gids = g_memdup2(gids, n_gids * sizeof(gid_t)),
                        .n_gids = n_gids};
        return subscriber;
}

static Subscriber *subscriber_find(const GPtrArray *all, const char *name)
{
        for (guint i = 0; i < all->len; i++)
                if (g_str_equal(((Subscriber *) all->pdata[i])->name, name))
                        return all->pdata[i];

        return NULL;
}

static bool subscriber_sees_volume(const Subscriber *subscriber, const Volume *volume)
{
        for (size_t i = 0; i < subscriber->n_gids; i++)
                if (volume->group != GID_INVALID && subscriber->gids[i] == volume->group)
                        return true;

        return subscriber->uid == 0 || subscriber->uid == volume->owner;
}

static int subscribers_look_read_volumes(SubscribersLook *look)
{
        g_autoptr(GPtrArray) volumes = NULL;
        int r;

        r = volume_list(&volumes, &look->error);
        for (guint i = 0; r >= 0 && i < look->all->len; i++) {
                Subscriber *subscriber = look->all->pdata[i];

                for (guint j = 0; j < volumes->len; j++) {
                        const Volume *volume = volumes->pdata[j];

                        if (subscriber_sees_volume(subscriber, volume))
                                g_hash_table_add(subscriber->seen[KIND_VOLUME], g_strdup(volume->name));
                }
        }

        return r;
}

static int subscribers_look_read_images(SubscribersLook *look)
{
        g_autoptr(GPtrArray) entries = NULL;
        int r;

        r = store_list(&entries, &look->error);
        for (guint i = 0; r >= 0 && i < look->all->len; i++) {
                Subscriber *subscriber = look->all->pdata[i];

                for (guint j = 0; j < entries->len; j++) {
                        const StoreEntry *entry = entries->pdata[j];

                        if (subscriber->uid == 0 || store_is_of(entry->digest, subscriber->uid, NULL))
                                g_hash_table_add(subscriber->seen[KIND_IMAGE], g_strdup(entry->digest));
                }
        }

        return r;
}

static void subscribers_look_run(void *userdata)
{
        SubscribersLook *look = userdata;

        look->result = subscribers_look_read_volumes(look);
        if (look->result >= 0)
                look->result = subscribers_look_read_images(look);
}

static void subscriber_emit_on(sd_bus *bus, const char *destination, Kind kind, bool added, const char *name)
{
        g_autoptr(sd_bus_message) signal = NULL;
        g_autofree char *path = NULL;
        int r;

        r = sd_bus_path_encode(kind_table[kind].path, name, &path);
        if (r >= 0)
                r = sd_bus_message_new_signal(bus, &signal, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER,
                                added ? kind_table[kind].added : kind_table[kind].removed);
        if (r >= 0 && destination)
                r = sd_bus_message_set_destination(signal, destination);
        if (r >= 0)
                r = sd_bus_message_append(signal, "so", name, path);
        if (r >= 0)
                r = sd_bus_send(bus, signal, NULL);
        if (r < 0)
                log_debug("Cannot notify %s of '%s': %s", destination ?: "root", name, g_strerror(-r));
}

static void subscriber_emit(
                Manager *manager, const Subscriber *subscriber, Kind kind, bool added, const char *name)
{
        if (*subscriber->name) {
                if (manager->bus)
                        subscriber_emit_on(manager->bus, subscriber->name, kind, added, name);
                return;
        }
        for (guint i = 0; i < manager->peers->len; i++)
                subscriber_emit_on(manager->peers->pdata[i], NULL, kind, added, name);
}

/* Emits what is in a and not in b. */
static void subscriber_emit_difference(Manager *manager, const Subscriber *subscriber, Kind kind,
                GHashTable *a, GHashTable *b, bool added)
{
        GHashTableIter iter;
        gpointer name;

        g_hash_table_iter_init(&iter, a);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                if (!g_hash_table_contains(b, name))
                        subscriber_emit(manager, subscriber, kind, added, name);
}

static void subscriber_update(Manager *manager, Subscriber *subscriber, Subscriber *looked)
{
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                GHashTable *before = subscriber->seen[kind], *now = g_steal_pointer(&looked->seen[kind]);

                if (before) {
                        subscriber_emit_difference(manager, subscriber, kind, before, now, false);
                        subscriber_emit_difference(manager, subscriber, kind, now, before, true);
                        g_hash_table_unref(before);
                }
                subscriber->seen[kind] = now;
        }
}

static void subscribers_look(Subscribers *subscribers);

static void subscribers_look_done(void *userdata)
{
        SubscribersLook *look = userdata;
        Subscribers *subscribers = look->subscribers;

        for (guint i = 0; look->result >= 0 && i < look->all->len; i++) {
                Subscriber *looked = look->all->pdata[i],
                           *now = subscriber_find(subscribers->all, looked->name);

                if (now)
                        subscriber_update(subscribers->manager, now, looked);
        }
        for (guint i = 0; i < look->calls->len; i++)
                if (look->result >= 0)
                        call_reply(look->calls->pdata[i], "");
                else
                        call_fail(look->calls->pdata[i], &look->error, look->result);
        g_ptr_array_unref(look->all);
        g_ptr_array_unref(look->calls);
        error_clear(&look->error);
        g_free(look);

        subscribers->looking = false;
        if (subscribers->dirty)
                subscribers_look(subscribers);
}

/* Repeated each time, because a directory may be new. Existing watches stay (inotify_add_watch(2)). */
static void subscribers_watch(const Subscribers *subscribers)
{
        g_autofree char *owners = g_build_filename(paths_images(), ".owners", NULL);
        const char *const dirs[] = {paths_volumes(), paths_images(), owners};

        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++)
                if (inotify_add_watch(subscribers->fd, dirs[i], WATCH_MASK) < 0 && errno != ENOENT)
                        log_warning("Cannot watch %s: %s", dirs[i], g_strerror(errno));
}

/* Adds the watches before the look, so a change in between is seen twice and never missed. */
static void subscribers_look(Subscribers *subscribers)
{
        SubscribersLook *look;

        subscribers->dirty = true;
        if (subscribers->looking)
                return;

        if (subscribers->manager->peers->len == 0)
                subscribers_forget(subscribers->manager, "");
        subscribers_watch(subscribers);
        look = g_new0(SubscribersLook, 1);
        *look = (SubscribersLook){.subscribers = subscribers,
                        .all = g_ptr_array_new_with_free_func(subscriber_free),
                        .calls = g_steal_pointer(&subscribers->waiting),
                        .error = ERROR_INIT};
        subscribers->waiting = g_ptr_array_new();
        for (guint i = 0; i < subscribers->all->len; i++) {
                const Subscriber *subscriber = subscribers->all->pdata[i];
                Subscriber *copy = subscriber_new(
                                subscriber->name, subscriber->uid, subscriber->gids, subscriber->n_gids);

                for (Kind kind = 0; kind < _KIND_MAX; kind++)
                        copy->seen[kind] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
                g_ptr_array_add(look->all, copy);
        }
        subscribers->looking = true;
        subscribers->dirty = false;
        worker_run(subscribers->manager->worker, 0, NULL, subscribers_look_run, subscribers_look_done, look);
}

static int on_subscribers_look_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Subscribers *subscribers = userdata;

        subscribers->look_source = sd_event_source_disable_unref(subscribers->look_source);
        if (subscribers->all->len > 0)
                subscribers_look(subscribers);
        return 0;
}

static int on_subscribers_inotify(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Subscribers *subscribers = userdata;
        char buffer[4096];

        while (read(fd, buffer, sizeof buffer) > 0)
                ;
        if (!subscribers->look_source &&
                        sd_event_add_time_relative(subscribers->manager->event, &subscribers->look_source,
                                        CLOCK_MONOTONIC, LOOK_DELAY, 0, on_subscribers_look_time,
                                        subscribers) < 0)
                subscribers_look(subscribers);
        return 0;
}

static int subscribers_new(Manager *manager, Subscribers **ret_subscribers)
{
        Subscribers *subscribers = g_new0(Subscribers, 1);
        int r;

        *subscribers = (Subscribers){.manager = manager,
                        .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                        .all = g_ptr_array_new_with_free_func(subscriber_free),
                        .waiting = g_ptr_array_new()};
        r = subscribers->fd < 0 ? -errno
                                : sd_event_add_io(manager->event, &subscribers->source, subscribers->fd,
                                                  EPOLLIN, on_subscribers_inotify, subscribers);
        if (r < 0) {
                subscribers_free(subscribers);
                return r;
        }

        *ret_subscribers = subscribers;
        return 0;
}

Subscribers *subscribers_free(Subscribers *subscribers)
{
        if (!subscribers)
                return NULL;

        sd_event_source_disable_unref(subscribers->source);
        sd_event_source_disable_unref(subscribers->look_source);
        close_safe(subscribers->fd);
        g_ptr_array_unref(subscribers->all);
        g_ptr_array_unref(subscribers->waiting);
        g_free(subscribers);
        return NULL;
}

void subscribers_forget(Manager *manager, const char *sender)
{
        Subscriber *subscriber =
                        manager->subscribers ? subscriber_find(manager->subscribers->all, sender) : NULL;

        if (subscriber)
                g_ptr_array_remove_fast(manager->subscribers->all, subscriber);
}

bool subscribers_accept(uid_t uid, unsigned own, unsigned of_users)
{
        return uid == 0 ? own < SUBSCRIBERS_MAX
                        : own < SUBSCRIBERS_PER_USER_MAX && of_users < SUBSCRIBERS_MAX;
}

static int subscribers_check(const Subscribers *subscribers, uid_t uid, Error *ret_error)
{
        unsigned own = 0, of_users = 0;

        for (guint i = 0; i < subscribers->all->len; i++) {
                const Subscriber *subscriber = subscribers->all->pdata[i];

                own += subscriber->uid == uid;
                of_users += subscriber->uid != 0;
        }
        if (subscribers_accept(uid, own, of_users))
                return 0;

        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "Too many subscribed clients (%u of yours); disconnect some", own);
}

int method_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        Client *client = NULL;
        const char *name;
        Call *call;
        int r;

        r = call_identify(manager, message, &client, &error);
        if (r == 0)
                return 1;
        if (r > 0 && !manager->subscribers) {
                r = subscribers_new(manager, &manager->subscribers);
                if (r < 0)
                        (void) error_set_errno(&error, r, "Cannot watch volumes and images");
        }
        name = client ? client->name : "";
        if (r >= 0 && !subscriber_find(manager->subscribers->all, name))
                r = subscribers_check(manager->subscribers, client ? client->uid : 0, &error);
        if (r >= 0)
                r = call_begin(manager, message, NULL, &call, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!subscriber_find(manager->subscribers->all, name))
                g_ptr_array_add(manager->subscribers->all,
                                subscriber_new(name, call->uid, call->gids, call->n_gids));
        g_ptr_array_add(manager->subscribers->waiting, call);
        subscribers_look(manager->subscribers);
        return 1;
}
