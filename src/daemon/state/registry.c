/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The definitions, kept up to date by inotify: a change of a file, ours or not, appears on the bus. Names
 * that change are collected while a thread reads; only one thread reads at a time, so an older read never
 * replaces a newer one. The targets of links are watched too, and so are the host's users and groups: a user
 * or group name that now belongs to somebody else must not give them what another owned. */

#include "daemon/state/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/unikernel-name.h"
#include "daemon/access/client.h"
#include "daemon/state/network-registry.h"
#include "unikernel/order.h"
#include "unikernel/publishers.h"

#define WATCH_MASK                                                                                          \
        (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |                 \
                        IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define LINKED_MASK   (IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)
#define DROPIN_SUFFIX SHRUTHI_DEFINITION_SUFFIX ".d"
/* passwd(5) and group(5). Other sources of users (nsswitch.conf(5)) do not notify of changes. */
#define USERS_DIR "/etc"
/* More calls than these do not wait for a read. */
#define AWAITING_MAX 512

typedef struct RegistryWaiter {
        void (*done)(void *userdata);
        void *userdata;
} RegistryWaiter;

typedef struct RegistryWatch {
        char *path;
        char *name;  /* unikernel of these drop-ins; NULL for a directory of definitions or a parent */
        bool linked; /* the target of a link, for one definition or several */
} RegistryWatch;

typedef struct RegistryReading RegistryReading;

struct Registry {
        Manager *manager;
        int fd;
        sd_event_source *source;
        GHashTable *watches; /* wd → RegistryWatch */
        GHashTable *dirty;   /* names to be read */
        GHashTable *processes; /* of the read in progress, see loaded_definition_read() */
        bool all_dirty, users_changed;
        RegistryReading *reading; /* the one in progress, or NULL */
        GArray *waiters;          /* RegistryWaiter: for the next read */
        unsigned awaiting;        /* calls among the waiters */
};

/* One read: what the thread gets and returns. */
struct RegistryReading {
        Registry *registry;
        bool all;
        char **names;      /* if all: found by the thread */
        GPtrArray *known;  /* names we knew, when all are read: those not found have been removed */
        GHashTable *found; /* name → LoadedDefinition */
        GHashTable *processes; /* Registry's */
        GArray *waiters;   /* not of the thread */
};

static const char *definition_dir(unsigned i)
{
        return i == 0   ? paths_config_definitions()
               : i == 1 ? paths_state_definitions()
                        : paths_vendor_definitions();
}

static void loaded_definition_free(gpointer data)
{
        loaded_definition_clear(data);
        g_free(data);
}

static void registry_reading_free(RegistryReading *reading)
{
        g_strfreev(reading->names);
        g_ptr_array_unref(reading->known);
        g_hash_table_unref(reading->found);
        g_hash_table_unref(reading->processes);
        g_array_unref(reading->waiters);
        g_free(reading);
}

static void registry_reading_run(void *userdata)
{
        RegistryReading *reading = userdata;

        if (reading->all) {
                _cleanup_error_ Error error = ERROR_INIT;

                if (definition_list_names(&reading->names, &error) < 0) {
                        log_warning("Cannot list the definitions: %s", error.message);
                        return;
                }
        }
        for (char **name = reading->names; *name; name++) {
                LoadedDefinition *loaded = g_new0(LoadedDefinition, 1);

                loaded_definition_read(loaded, *name, reading->processes);
                g_hash_table_insert(reading->found, g_strdup(*name), loaded);
        }
        /* A known name that is not listed has no definition any more. */
        for (guint i = 0; i < reading->known->len; i++)
                if (!g_hash_table_contains(reading->found, reading->known->pdata[i]))
                        g_hash_table_insert(reading->found, g_strdup(reading->known->pdata[i]),
                                        g_new0(LoadedDefinition, 1));
}

static void registry_read(Registry *registry);

static bool unikernel_is_on_demand(Manager *manager, const char *name)
{
        const Unikernel *unikernel = unikernel_get(manager, name);

        return unikernel && definition_is_on_demand(unikernel->loaded.definition);
}

/* shruthi-demand reads the definitions itself. */
static void registry_wake_demand(void)
{
        _cleanup_close_ int fd = -EBADF;

        (void) socket_connect("demand", SOCK_STREAM | SOCK_NONBLOCK, 1, &fd);
}

static void registry_reading_apply(RegistryReading *reading)
{
        Manager *manager = reading->registry->manager;
        bool demand = false;
        GHashTableIter iter;
        gpointer name, loaded;

        g_hash_table_iter_init(&iter, reading->found);
        while (g_hash_table_iter_next(&iter, &name, &loaded)) {
                demand = demand || unikernel_is_on_demand(manager, name);
                unikernel_apply_loaded(manager, name, loaded);
                demand = demand || unikernel_is_on_demand(manager, name);
        }
        if (demand)
                registry_wake_demand();
        for (guint i = 0; i < reading->waiters->len; i++) {
                RegistryWaiter *waiter = &g_array_index(reading->waiters, RegistryWaiter, i);

                waiter->done(waiter->userdata);
        }
}

static void registry_reading_done(void *userdata)
{
        RegistryReading *reading = userdata;
        Registry *registry = reading->registry;

        registry->reading = NULL;
        registry_reading_apply(reading);
        registry_reading_free(reading);
        registry_read(registry);
}

static void registry_watch_free(gpointer data)
{
        RegistryWatch *watch = data;

        g_free(watch->path);
        g_free(watch->name);
        g_free(watch);
}

static void registry_add_watch(Registry *registry, const char *path, const char *name, bool linked)
{
        int wd = inotify_add_watch(registry->fd, path, linked ? LINKED_MASK : WATCH_MASK);

        if (wd >= 0) {
                RegistryWatch *watch = g_new0(RegistryWatch, 1);

                *watch = (RegistryWatch){.path = g_strdup(path), .name = g_strdup(name), .linked = linked};
                g_hash_table_insert(registry->watches, GINT_TO_POINTER(wd), watch);
        } else if (errno != ENOENT && errno != ENOTDIR)
                log_warning("Cannot watch %s: %s; changes there take effect after a reload", path,
                                g_strerror(errno));
}

static bool is_link(const char *dir, const char *entry)
{
        g_autofree char *path = g_build_filename(dir, entry, NULL);

        return g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

/* Watches the targets of the links in dir, except /dev/null, which many write to. */
static void registry_watch_linked(Registry *registry, const char *dir)
{
        g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
        const char *entry;

        while (entries && (entry = g_dir_read_name(entries))) {
                g_autofree char *path = g_build_filename(dir, entry, NULL);

                if (is_link(dir, entry) && g_file_test(path, G_FILE_TEST_IS_REGULAR))
                        registry_add_watch(registry, path, NULL, true);
        }
}

/* Watches the directory, or its nearest existing parent, and the drop-in directories in it. Watching the
 * same again does no harm (inotify_add_watch(2)). */
static void registry_watch_directory(Registry *registry, const char *dir)
{
        g_autofree char *existing = g_strdup(dir);
        g_autoptr(GDir) entries = NULL;
        const char *entry;

        while (!g_file_test(existing, G_FILE_TEST_IS_DIR) && !g_str_equal(existing, "/")) {
                char *above = g_path_get_dirname(existing);

                g_free(existing);
                existing = above;
        }
        registry_add_watch(registry, existing, NULL, false);
        if (!g_str_equal(existing, dir))
                return;

        registry_watch_linked(registry, dir);
        entries = g_dir_open(dir, 0, NULL);
        while (entries && (entry = g_dir_read_name(entries)))
                if (g_str_has_suffix(entry, DROPIN_SUFFIX)) {
                        g_autofree char *path = g_build_filename(dir, entry, NULL);
                        g_autofree char *name = g_strndup(entry, strlen(entry) - strlen(DROPIN_SUFFIX));

                        registry_add_watch(registry, path, name, false);
                        registry_watch_linked(registry, path);
                }
}

static void registry_watch(Registry *registry)
{
        for (unsigned i = 0; i < 3; i++)
                registry_watch_directory(registry, definition_dir(i));
        registry_add_watch(registry, USERS_DIR, NULL, false);
}

static RegistryReading *registry_reading_new(Registry *registry)
{
        RegistryReading *reading = g_new0(RegistryReading, 1);
        GHashTableIter iter;
        gpointer name;

        *reading = (RegistryReading){
                        .registry = registry,
                        .all = registry->all_dirty,
                        .known = g_ptr_array_new_with_free_func(g_free),
                        .found = g_hash_table_new_full(
                                        g_str_hash, g_str_equal, g_free, loaded_definition_free),
                        .processes = g_hash_table_ref(registry->processes),
                        .waiters = g_steal_pointer(&registry->waiters),
        };
        registry->waiters = g_array_new(FALSE, FALSE, sizeof(RegistryWaiter));

        if (registry->all_dirty) {
                g_hash_table_iter_init(&iter, registry->manager->unikernels);
                while (g_hash_table_iter_next(&iter, &name, NULL))
                        g_ptr_array_add(reading->known, g_strdup(name));
        } else {
                g_autoptr(GPtrArray) names = g_ptr_array_new();

                g_hash_table_iter_init(&iter, registry->dirty);
                while (g_hash_table_iter_next(&iter, &name, NULL))
                        g_ptr_array_add(names, g_strdup(name));
                g_ptr_array_add(names, NULL);
                reading->names = (char **) g_ptr_array_steal(names, NULL);
        }
        g_hash_table_remove_all(registry->dirty);
        registry->all_dirty = false;
        return reading;
}

static void registry_read(Registry *registry)
{
        if (registry->reading || (!registry->all_dirty && g_hash_table_size(registry->dirty) == 0))
                return;

        /* Adds the watches before reading, so a change in between is read twice and never missed. */
        if (registry->all_dirty)
                registry_watch(registry);
        registry->reading = registry_reading_new(registry);
        worker_run(registry->manager->loader, 0, NULL, registry_reading_run, registry_reading_done,
                        registry->reading);
}

/* Whether the file is still being written: it is read when it is closed. A link or a directory is created
 * complete and has no close event. */
static bool event_is_early(const RegistryWatch *watch, const struct inotify_event *event)
{
        g_autofree char *path = g_build_filename(watch->path, event->name, NULL);
        struct stat st;

        return (event->mask & IN_CREATE) && lstat(path, &st) >= 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static void registry_event_in_directory(
                Registry *registry, const RegistryWatch *watch, const struct inotify_event *event)
{
        if (event->len > 0 && g_str_has_suffix(event->name, SHRUTHI_DEFINITION_SUFFIX)) {
                g_autofree char *name = g_strndup(
                                event->name, strlen(event->name) - strlen(SHRUTHI_DEFINITION_SUFFIX));

                if (is_link(watch->path, event->name))
                        registry->all_dirty = true;
                else if (name_is_valid(name) && !event_is_early(watch, event))
                        g_hash_table_add(registry->dirty, g_steal_pointer(&name));
        } else if (event->len == 0 || (event->mask & IN_ISDIR))
                /* A directory of drop-ins or of definitions was created or removed. */
                registry->all_dirty = true;
}

static void registry_event_in_dropins(
                Registry *registry, const RegistryWatch *watch, const struct inotify_event *event)
{
        if (event->len > 0 && is_link(watch->path, event->name))
                registry->all_dirty = true;
        else if (name_is_valid(watch->name))
                g_hash_table_add(registry->dirty, g_strdup(watch->name));
}

static bool event_tells_of_users(const RegistryWatch *watch, const struct inotify_event *event)
{
        return event->len > 0 && g_str_equal(watch->path, USERS_DIR) &&
               (g_str_equal(event->name, "passwd") || g_str_equal(event->name, "group"));
}

static void registry_event(Registry *registry, const struct inotify_event *event)
{
        const RegistryWatch *watch;

        if (event->mask & IN_Q_OVERFLOW) {
                registry->all_dirty = true;
                return;
        }
        watch = g_hash_table_lookup(registry->watches, GINT_TO_POINTER(event->wd));
        if (!watch)
                return;

        if (event_tells_of_users(watch, event)) {
                registry->all_dirty = true;
                registry->users_changed = true;
        } else if (watch->linked)
                registry->all_dirty = true;
        else if (watch->name)
                registry_event_in_dropins(registry, watch, event);
        else
                registry_event_in_directory(registry, watch, event);

        if (event->mask & IN_IGNORED)
                g_hash_table_remove(registry->watches, GINT_TO_POINTER(event->wd));
}

/* Takes what inotify has to tell, and has read what changed. */
static void registry_notice(Registry *registry)
{
        char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n;

        while ((n = read(registry->fd, buffer, sizeof buffer)) > 0)
                for (char *p = buffer; p < buffer + n;) {
                        const struct inotify_event *event = (const struct inotify_event *) p;

                        registry_event(registry, event);
                        p += sizeof *event + event->len;
                }

        if (registry->users_changed)
                networks_refresh(registry->manager, NULL, NULL);
        registry->users_changed = false;
        registry_read(registry);
}

static int on_registry_inotify(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        registry_notice(userdata);
        return 0;
}

int registry_new(Manager *manager, Registry **ret_registry, Error *ret_error)
{
        Registry *registry = g_new0(Registry, 1);
        RegistryReading *reading;
        int r;

        *registry = (Registry){
                        .manager = manager,
                        .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                        .watches = g_hash_table_new_full(NULL, NULL, NULL, registry_watch_free),
                        .dirty = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        .processes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        .waiters = g_array_new(FALSE, FALSE, sizeof(RegistryWaiter)),
                        .all_dirty = true,
        };
        r = registry->fd < 0 ? -errno
                             : sd_event_add_io(manager->event, &registry->source, registry->fd, EPOLLIN,
                                               on_registry_inotify, registry);
        if (r < 0) {
                registry_free(registry);
                return error_set_errno(ret_error, r, "Cannot watch the definitions");
        }
        /* Handled before the bus: a client that changes a file and then calls finds the read already in
         * progress. */
        (void) sd_event_source_set_priority(registry->source, SD_EVENT_PRIORITY_NORMAL - 1);

        registry_watch(registry);
        reading = registry_reading_new(registry);
        registry_reading_run(reading);
        registry_reading_apply(reading);
        registry_reading_free(reading);

        *ret_registry = registry;
        return 0;
}

Registry *registry_free(Registry *registry)
{
        if (!registry)
                return NULL;

        sd_event_source_disable_unref(registry->source);
        close_safe(registry->fd);
        g_hash_table_unref(registry->watches);
        g_hash_table_unref(registry->dirty);
        g_hash_table_unref(registry->processes);
        g_array_unref(registry->waiters);
        g_free(registry);
        return NULL;
}

void registry_refresh(Registry *registry, const char *name, void (*done)(void *userdata), void *userdata)
{
        RegistryWaiter waiter = {.done = done, .userdata = userdata};

        if (done)
                g_array_append_val(registry->waiters, waiter);
        if (name)
                g_hash_table_add(registry->dirty, g_strdup(name));
        else
                registry->all_dirty = true;
        registry_read(registry);
}

/* Those who wait for the first read that tells of name as it is now; NULL if it has been read. */
static GArray *registry_find_waiters(Registry *registry, const char *name)
{
        const RegistryReading *reading = registry->reading;

        if (registry->all_dirty || (name ? g_hash_table_contains(registry->dirty, name)
                                         : g_hash_table_size(registry->dirty) > 0))
                return registry->waiters;
        if (reading &&
                        (reading->all || !name ||
                                        g_strv_contains((const char *const *) reading->names, name)))
                return reading->waiters;

        return NULL;
}

typedef struct AwaitingCall {
        Registry *registry;
        sd_bus_message *message;
} AwaitingCall;

/* If its name has changed meanwhile, it may wait once more. */
static void on_awaited(void *userdata)
{
        g_autofree AwaitingCall *call = userdata;
        int r = message_redispatch(call->message);

        call->registry->awaiting--;
        if (r < 0)
                (void) sd_bus_reply_method_errnof(call->message, r, "Cannot dispatch the call again");
        sd_bus_message_unref(call->message);
}

bool registry_await(Registry *registry, sd_bus_message *message, const char *name)
{
        RegistryWaiter waiter = {.done = on_awaited};
        AwaitingCall *call;
        GArray *waiters;

        registry_notice(registry);
        waiters = registry_find_waiters(registry, name);
        if (!waiters || registry->awaiting >= AWAITING_MAX)
                return false;

        call = g_new(AwaitingCall, 1);
        *call = (AwaitingCall){.registry = registry, .message = sd_bus_message_ref(message)};
        waiter.userdata = call;
        g_array_append_val(waiters, waiter);
        registry->awaiting++;
        return true;
}

GPtrArray *registry_collect_publishers(const Manager *manager, const char *except)
{
        GPtrArray *publishers = g_ptr_array_new_with_free_func(publisher_destroy);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;
                Publisher *publisher = definition && g_strcmp0(unikernel->name, except) != 0
                                                       ? publisher_new(definition)
                                                       : NULL;

                if (publisher)
                        g_ptr_array_add(publishers, publisher);
        }

        return publishers;
}

GPtrArray *registry_collect_orders(const Manager *manager, const char *except)
{
        GPtrArray *orders = g_ptr_array_new_with_free_func(order_node_destroy);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;

                if (definition && order_is_any(definition) && g_strcmp0(unikernel->name, except) != 0)
                        g_ptr_array_add(orders, order_node_new(definition));
        }

        return orders;
}
