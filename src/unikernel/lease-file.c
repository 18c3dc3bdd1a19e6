/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases as files. The lock is flock(2) on NETWORK/.lock: it belongs to the open file, so it holds between
 * processes and between threads, and ends with its holder. Nobody else writes in that folder; readers need
 * no lock, because a file is replaced as a whole. */

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "unikernel/lease-private.h"

#define LOCK_NAME      ".lock"
#define RELEASED_NAME  ".released"
#define RELEASED_MAX   1024 /* addresses that are remembered: more than neighbour tables hold */
#define LEASE_SIZE_MAX 4096
#define KEY_LENGTH_MAX 200 /* below NAME_MAX */
#define CACHE_AGE_USEC (200 * 1000)

void lease_folder_close(LeaseFolder *folder)
{
        folder->lock_fd = close_safe(folder->lock_fd);
        g_clear_pointer(&folder->path, g_free);
}

static char *leases_path(const char *network)
{
        return g_build_filename(paths_state_dir(), "leases", network, NULL);
}

char *lease_network_key(bool libvirt_network, const char *name)
{
        g_autofree char *escaped = NULL, *key = NULL;

        if (!name || !name[0])
                return NULL;

        escaped = g_uri_escape_bytes((const guint8 *) name, strlen(name), NULL);
        key = g_strconcat(libvirt_network ? "network-" : "bridge-", escaped, NULL);
        return strlen(key) <= KEY_LENGTH_MAX ? g_steal_pointer(&key) : NULL;
}

char *lease_key_network(const char *key)
{
        return g_str_has_prefix(key, "network-") ? g_uri_unescape_string(key + strlen("network-"), NULL)
                                                 : NULL;
}

bool lease_key_is_valid(const char *network)
{
        return (g_str_has_prefix(network, "network-") || g_str_has_prefix(network, "bridge-")) &&
               strlen(network) <= KEY_LENGTH_MAX && !strchr(network, '/');
}

void lease_free(Lease *lease)
{
        if (!lease)
                return;

        g_free(lease->network);
        g_free(lease->unikernel);
        g_free(lease->device);
        g_free(lease->mac);
        g_free(lease);
}

/* Makes the folder, and its parent, so that they survive a power failure. */
static int make_folder(const char *path)
{
        g_autofree char *parent = g_path_get_dirname(path);
        int r = directory_make(path, 0700);

        if (r != -ENOENT || g_str_equal(parent, path))
                return r;

        r = make_folder(parent);
        return r < 0 ? r : make_folder(path);
}

/* Removes the remains of writers that died before their rename. Under the lock nobody else writes. */
static void remove_remains(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (name[0] == '.' && !g_str_equal(name, LOCK_NAME) && !g_str_equal(name, RELEASED_NAME)) {
                        g_autofree char *file = g_build_filename(path, name, NULL);

                        (void) unlink(file);
                }
}

int lease_folder_lock(const char *network, bool create, LeaseFolder *ret)
{
        _cleanup_lease_folder_ LeaseFolder folder = LEASE_FOLDER_INIT;
        g_autofree char *file = NULL;
        int r;

        folder.network = network;
        folder.path = leases_path(network);
        file = g_build_filename(folder.path, LOCK_NAME, NULL);
        for (;;) {
                struct stat ours, there;

                if (create) {
                        r = make_folder(folder.path);
                        if (r < 0)
                                return r;
                }
                folder.lock_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
                if (folder.lock_fd < 0 && errno == ENOENT && create)
                        continue; /* the network was forgotten since the folder was made */
                if (folder.lock_fd < 0)
                        return -errno;
                while (flock(folder.lock_fd, LOCK_EX) < 0)
                        if (errno != EINTR)
                                return -errno;

                /* A process that forgot the network meanwhile has removed the file that we waited for. */
                if (fstat(folder.lock_fd, &ours) < 0)
                        return -errno;
                if (stat(file, &there) >= 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
                        break;
                folder.lock_fd = close_safe(folder.lock_fd);
        }

        remove_remains(folder.path);
        *ret = folder;
        folder = LEASE_FOLDER_INIT;
        return 0;
}

/* Reads the lease from an existing file. Fields that the file does not have stay NULL. */
static Lease *lease_read(const char *network, const char *path, const Address *address)
{
        g_autoptr(Lease) lease = g_new0(Lease, 1);
        g_autofree char *name = NULL, *text = NULL;
        char ip[ADDRESS_TEXT_MAX];
        g_auto(GStrv) lines = NULL;

        lease->network = g_strdup(network);
        lease->address = *address;
        address_format_ip(address, ip);
        name = g_build_filename(path, ip, NULL);
        if (file_read_at(AT_FDCWD, name, LEASE_SIZE_MAX, &text, NULL) < 0)
                return g_steal_pointer(&lease);

        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                guint64 prefix;

                if (g_str_has_prefix(*line, "UNIKERNEL=") && !lease->unikernel)
                        lease->unikernel = g_strdup(*line + strlen("UNIKERNEL="));
                else if (g_str_has_prefix(*line, "DEVICE=") && !lease->device)
                        lease->device = g_strdup(*line + strlen("DEVICE="));
                else if (g_str_has_prefix(*line, "MAC=") && !lease->mac)
                        lease->mac = g_strdup(*line + strlen("MAC="));
                else if (g_str_has_prefix(*line, "PREFIX=") &&
                                g_ascii_string_to_unsigned(*line + strlen("PREFIX="), 10, 0, address->prefix,
                                                &prefix, NULL))
                        lease->address.prefix = (unsigned) prefix;
        }

        /* An incomplete lease names nobody, but keeps its address. */
        if (!name_is_valid(lease->unikernel) || !lease->device || !lease->mac) {
                g_clear_pointer(&lease->unikernel, g_free);
                g_clear_pointer(&lease->device, g_free);
                g_clear_pointer(&lease->mac, g_free);
        }

        return g_steal_pointer(&lease);
}

int lease_write(const LeaseFolder *folder, const Address *address, const LeaseOwner *owner)
{
        g_autofree char *text = g_strdup_printf("UNIKERNEL=%s\nDEVICE=%s\nMAC=%s\nPREFIX=%u\n",
                        owner->unikernel, owner->device, owner->mac, address->prefix);
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(address, ip);
        return file_replace(folder->path, ip, text, strlen(text), 0600);
}

int lease_remove(const LeaseFolder *folder, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(address, ip);
        return file_remove(folder->path, ip);
}

char *lease_released_read(const LeaseFolder *folder)
{
        g_autofree char *file = g_build_filename(folder->path, RELEASED_NAME, NULL);
        char *text = NULL;

        return file_read_at(AT_FDCWD, file, RELEASED_MAX * sizeof "52:54:00:00:00:00", &text, NULL) >= 0
                               ? text
                               : NULL;
}

int lease_released_add(const LeaseFolder *folder, const char *mac)
{
        g_autofree char *old = lease_released_read(folder), *text = NULL;
        const char *kept = old ?: "";

        if (strstr(kept, mac))
                return 0;
        if (strlen(kept) + sizeof "52:54:00:00:00:00" > RELEASED_MAX * sizeof "52:54:00:00:00:00")
                kept += sizeof "52:54:00:00:00:00";
        text = g_strdup_printf("%s%s\n", kept, mac);
        return file_replace(folder->path, RELEASED_NAME, text, strlen(text), 0600);
}

Lease *lease_copy(const Lease *lease)
{
        Lease *copy = g_new(Lease, 1);

        *copy = (Lease){.network = g_strdup(lease->network),
                        .address = lease->address,
                        .unikernel = g_strdup(lease->unikernel),
                        .device = g_strdup(lease->device),
                        .mac = g_strdup(lease->mac)};
        return copy;
}

/* A folder as it was read. Each change of a lease puts a file into it, replaces or removes one, so its time
 * of modification tells whether it still is so. */
typedef struct LeaseCache {
        struct timespec modified;
        ino_t inode;
        GPtrArray *leases;
} LeaseCache;

static GHashTable *cache; /* network → LeaseCache; NULL: not kept */

static void lease_cache_free(gpointer data)
{
        LeaseCache *one = data;

        g_ptr_array_unref(one->leases);
        g_free(one);
}

void lease_cache_enable(void)
{
        if (!cache)
                cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, lease_cache_free);
}

static GPtrArray *lease_cache_find(const char *network, const struct stat *st)
{
        const LeaseCache *one = cache ? g_hash_table_lookup(cache, network) : NULL;

        if (!one || one->inode != st->st_ino || one->modified.tv_sec != st->st_mtim.tv_sec ||
                        one->modified.tv_nsec != st->st_mtim.tv_nsec)
                return NULL;

        return g_ptr_array_ref(one->leases);
}

/* Two changes within a tick of the kernel's clock have the same time, so what changed just now is not
 * kept. */
static void lease_cache_put(const char *network, const struct stat *st, GPtrArray *leases)
{
        gint64 age = g_get_real_time() -
                     ((gint64) st->st_mtim.tv_sec * G_USEC_PER_SEC + st->st_mtim.tv_nsec / 1000);
        LeaseCache *one;

        if (!cache || age < CACHE_AGE_USEC)
                return;

        one = g_new(LeaseCache, 1);
        *one = (LeaseCache){.modified = st->st_mtim, .inode = st->st_ino, .leases = g_ptr_array_ref(leases)};
        g_hash_table_replace(cache, g_strdup(network), one);
}

static GPtrArray *lease_folder_read_all(const char *network, const char *path, DIR *dir)
{
        GPtrArray *all = g_ptr_array_new_with_free_func(lease_destroy);
        struct dirent *entry;

        while ((entry = readdir(dir))) {
                Address address;

                if (address_parse_ip(entry->d_name, &address) >= 0)
                        g_ptr_array_add(all, lease_read(network, path, &address));
        }

        return all;
}

int lease_folder_read(const char *network, const char *unikernel, GPtrArray *leases)
{
        g_autofree char *path = leases_path(network);
        g_autoptr(GPtrArray) all = NULL;
        DIR *dir = opendir(path);
        struct stat st;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(dirfd(dir), &st) < 0) {
                (void) closedir(dir);
                return -errno;
        }

        all = lease_cache_find(network, &st);
        if (!all) {
                all = lease_folder_read_all(network, path, dir);
                lease_cache_put(network, &st, all);
        }
        (void) closedir(dir);
        for (guint i = 0; i < all->len; i++) {
                const Lease *lease = all->pdata[i];

                if (!unikernel || g_strcmp0(lease->unikernel, unikernel) == 0)
                        g_ptr_array_add(leases, lease_copy(lease));
        }

        return 0;
}

int lease_folder_list(char ***ret_networks)
{
        g_autofree char *path = leases_path(NULL);
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        DIR *dir = opendir(path);
        struct dirent *entry;

        if (!dir && errno != ENOENT)
                return -errno;

        while (dir && (entry = readdir(dir)))
                if (lease_key_is_valid(entry->d_name))
                        g_strv_builder_add(names, entry->d_name);
        if (dir)
                (void) closedir(dir);

        *ret_networks = g_strv_builder_end(names);
        return 0;
}

Lease *lease_find(const LeaseFolder *folder, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX];
        g_autofree char *file = NULL;
        Address whole = ADDRESS_NONE;
        struct stat st;

        address_format_ip(address, ip);
        file = g_build_filename(folder->path, ip, NULL);
        /* An address whose file cannot be examined is not free. */
        if (lstat(file, &st) < 0 && errno == ENOENT)
                return NULL;

        (void) address_parse_ip(ip, &whole);
        return lease_read(folder->network, folder->path, &whole);
}

int lease_folder_remove(LeaseFolder *folder)
{
        g_autofree char *lock = g_build_filename(folder->path, LOCK_NAME, NULL), *parent = leases_path(NULL);
        g_autofree char *released = g_build_filename(folder->path, RELEASED_NAME, NULL);

        if (unlink(released) < 0 && errno != ENOENT)
                return -errno;
        if (unlink(lock) < 0 || rmdir(folder->path) < 0)
                return -errno;

        return directory_sync(parent);
}
