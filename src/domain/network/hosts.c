/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files that dnsmasq reads. Called by attachment-hosts.c and networks.c. Writers hold a lock on the
 * folder; readers need none, because files are replaced as a whole. */

#include "domain/network/hosts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/unikernel-name.h"

#define FILE_SIZE_MAX (16 * 1024 * 1024) /* more than a name for each of 65536 addresses */
#define UNREAD        ".untold"
#define LEASE_TIME    "10m"

/* Modes are set with chmod(2), because our services have a umask. */
static int folder_make(const char *path)
{
        if (mkdir(path, 0711) < 0 && errno != EEXIST)
                return -errno;
        return chmod(path, 0711) < 0 ? -errno : 0;
}

static int token_make(char **ret_token)
{
        uint8_t bytes[NETWORK_HOSTS_TOKEN_LENGTH / 2];
        GString *text;

        if (getentropy(bytes, sizeof bytes) < 0)
                return -errno;

        text = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++)
                g_string_append_printf(text, "%02x", bytes[i]);
        *ret_token = g_string_free(text, FALSE);
        return 0;
}

static char *token_find(const char *folder)
{
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (network_hosts_token_is_valid(name))
                        return g_strdup(name);

        return NULL;
}

/* Marks the files as unread until hosts_set_reread(). The mark need not survive a crash of the host: dnsmasq
 * starts again. */
static int hosts_mark_unread(const char *path)
{
        g_autofree char *file = g_build_filename(path, UNREAD, NULL);
        _cleanup_close_ int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 ? -errno : 0;
}

/* Creates both files, so that dnsmasq does not complain. */
static int hosts_make_files(const char *folder, const char *path)
{
        static const char *const files[] = {"dhcp", "dns"};
        int r;

        r = folder_make(folder);
        if (r >= 0)
                r = folder_make(path);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(files); i++) {
                r = file_create(path, files[i], "", 0, 0644);
                r = r == -EEXIST ? 0 : r;
        }
        if (r >= 0)
                r = hosts_mark_unread(path);
        if (r >= 0)
                r = directory_sync(folder);

        return r < 0 ? r : directory_sync(paths_hosts());
}

int hosts_make(const char *network, char **ret_path, Error *ret_error)
{
        g_autofree char *folder = g_build_filename(paths_hosts(), network, NULL);
        g_autofree char *token = token_find(folder), *path = NULL;
        int r = token ? 0 : token_make(&token);

        if (r >= 0) {
                path = g_build_filename(folder, token, NULL);
                r = hosts_make_files(folder, path);
        }
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot create the directory of network '%s' in %s",
                                network, paths_hosts());

        *ret_path = g_steal_pointer(&path);
        return 0;
}

/* Removes a folder and the folders in it, at most two levels. */
static int folder_remove_tree(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);
                int r;

                if (unlink(child) >= 0)
                        continue;
                r = errno == EISDIR ? folder_remove_tree(child) : -errno;
                if (r < 0)
                        return r;
        }

        return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

char *hosts_find(const char *network)
{
        g_autofree char *folder = NULL, *token = NULL;

        /* Other libvirt networks may have names that are not valid for us. */
        if (!name_is_valid(network))
                return NULL;

        folder = g_build_filename(paths_hosts(), network, NULL);
        token = token_find(folder);
        return token ? g_build_filename(folder, token, NULL) : NULL;
}

int hosts_remove(const char *network, Error *ret_error)
{
        g_autofree char *folder = g_build_filename(paths_hosts(), network, NULL);
        int r = folder_remove_tree(folder);

        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot remove the directory of network '%s' in %s",
                                network, paths_hosts());

        return 0;
}

static int hosts_lock(const char *path, int *ret_fd)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return -errno;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* The lines of a file, without the empty one at the end. */
static int hosts_read_lines(const char *path, const char *name, char ***ret_lines)
{
        g_autofree char *file = g_build_filename(path, name, NULL), *text = NULL;
        int r = file_read_at(AT_FDCWD, file, FILE_SIZE_MAX, &text, NULL);

        if (r < 0 && r != -ENOENT)
                return r;

        *ret_lines = g_strsplit(g_strchomp(text ?: (text = g_strdup(""))), "\n", -1);
        return 0;
}

/* "MAC,IP,NAME,TIME", "MAC,IP,TIME" or "NAME,[IP],TIME": host_format_dhcp(). */
static bool dhcp_line_is_of(const char *line, const char *ip)
{
        const char *second = strchr(line, ',');
        size_t length;

        if (!second)
                return false;
        length = strcspn(++second, ",");
        if (*second == '[' && length > 1 && second[length - 1] == ']') {
                second++;
                length -= 2;
        }
        return length == strlen(ip) && memcmp(second, ip, length) == 0;
}

/* "IP NAME" */
static bool dns_line_is_of(const char *line, const char *ip)
{
        return g_str_has_prefix(line, ip) && line[strlen(ip)] == ' ';
}

/* IPv6 clients are recognized by the name that they send: dnsmasq does not always learn their hardware
 * address. NULL if there is nothing to recognize the host by. The lease time is short because an address
 * becomes free for another host only when its lease expires; a guest that does not renew its lease loses
 * nothing, because nobody else gets a reserved address. */
static char *host_format_dhcp(const NetworkHost *host, const char *ip)
{
        const char *name = network_host_dhcp_name(host);

        if (host->address.family == AF_INET && name)
                return g_strdup_printf("%s,%s,%s," LEASE_TIME, host->mac, ip, name);
        if (host->address.family == AF_INET)
                return g_strdup_printf("%s,%s," LEASE_TIME, host->mac, ip);
        return name ? g_strdup_printf("%s,[%s]," LEASE_TIME, name, ip) : NULL;
}

/* Makes this the only line of the address in the file; NULL removes it. */
static int hosts_set_line(const char *path, const char *name,
                bool (*is_of)(const char *line, const char *ip), const char *ip, const char *line)
{
        g_autoptr(GString) text = g_string_new(NULL);
        bool found = false, changed = false;
        g_auto(GStrv) lines = NULL;
        int r;

        r = hosts_read_lines(path, name, &lines);
        if (r < 0)
                return r;
        for (char **other = lines; *other; other++) {
                bool same = line && g_str_equal(*other, line);

                if (!same && is_of(*other, ip))
                        changed = true;
                else if (**other)
                        g_string_append_printf(text, "%s\n", *other);
                found |= same;
        }
        if (line && !found)
                g_string_append_printf(text, "%s\n", line);
        if (!changed && (found || !line))
                return 0;

        r = hosts_mark_unread(path);
        return r < 0 ? r : file_replace(path, name, text->str, text->len, 0644);
}

static int hosts_change(const char *path, const char *ip, const char *dhcp, const char *dns)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = hosts_lock(path, &fd);
        if (r == -ENOENT && (dhcp || dns)) {
                g_autofree char *folder = g_path_get_dirname(path);

                /* Somebody has removed the files. */
                r = hosts_make_files(folder, path);
                r = r < 0 ? r : hosts_lock(path, &fd);
        }
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        r = hosts_set_line(path, "dhcp", dhcp_line_is_of, ip, dhcp);
        return r < 0 ? r : hosts_set_line(path, "dns", dns_line_is_of, ip, dns);
}

int hosts_enter(const char *path, const NetworkHost *host, Error *ret_error)
{
        g_autofree char *dhcp = NULL, *dns = NULL;
        char ip[ADDRESS_TEXT_MAX];
        int r;

        r = network_host_check(host, ret_error);
        if (r < 0)
                return r;

        address_format_ip(&host->address, ip);
        dhcp = host_format_dhcp(host, ip);
        dns = host->name ? g_strdup_printf("%s %s", ip, host->name) : NULL;
        r = hosts_change(path, ip, dhcp, dns);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write the addresses of guests into %s", path)
                     : 0;
}

int hosts_leave(const char *path, const Address *address, Error *ret_error)
{
        char ip[ADDRESS_TEXT_MAX];
        int r;

        address_format_ip(address, ip);
        r = hosts_change(path, ip, NULL, NULL);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot remove an address from %s", path) : 0;
}

GArray *hosts_find_name(const char *path, const char *name)
{
        GArray *found = g_array_new(FALSE, TRUE, sizeof(Address));
        g_auto(GStrv) lines = NULL;

        if (hosts_read_lines(path, "dns", &lines) < 0)
                return found;

        for (char **line = lines; *line; line++) {
                char *space = strchr(*line, ' ');
                Address address;

                if (!space || !g_str_equal(space + 1, name))
                        continue;
                *space = 0;
                if (address_parse_ip(*line, &address) >= 0)
                        g_array_append_val(found, address);
        }

        return found;
}

int hosts_need_reread(const char *path, int *ret_lock)
{
        g_autofree char *file = g_build_filename(path, UNREAD, NULL);
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = hosts_lock(path, &fd);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (access(file, F_OK) < 0)
                return errno == ENOENT ? 0 : -errno;

        *ret_lock = TAKE_FD(fd);
        return 1;
}

void hosts_set_reread(const char *path)
{
        g_autofree char *file = g_build_filename(path, UNREAD, NULL);

        (void) unlink(file);
}
