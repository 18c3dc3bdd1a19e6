/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Image and command line name the same devices, or the guest is not started: it would read devices that are
 * not there, or leave one unused that somebody meant for it. */

#include "tender/devices.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/io.h"

static int device_refuse_closed(const TenderDevice *device, int r, Error *ret_error)
{
        return error_set_errno(ret_error, r,
                        "Descriptor %d for the device \"%s\" cannot be used: open it before this program is "
                        "executed, without close-on-exec",
                        device->fd, device->name);
}

int tender_devices_check_open(const TenderOptions *options, Error *ret_error)
{
        for (unsigned i = 0; i < options->n_devices; i++)
                if (fcntl(options->devices[i].fd, F_GETFD) < 0)
                        return device_refuse_closed(&options->devices[i], errno, ret_error);
        if (options->held_fd >= 0 && fcntl(options->held_fd, F_GETFD) < 0)
                return error_set_errno(ret_error, errno,
                                "Descriptor %d of --hold= cannot be used: open it before this program is "
                                "executed, without close-on-exec",
                                options->held_fd);

        return 0;
}

/* A descriptor that can be read, and written if need be. */
static int device_check_open(const TenderDevice *device, bool writable, struct stat *ret, Error *ret_error)
{
        int flags = fcntl(device->fd, F_GETFL);

        if (flags < 0 || fstat(device->fd, ret) < 0)
                return device_refuse_closed(device, errno, ret_error);
        if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY ||
                        (writable && (flags & O_ACCMODE) != O_RDWR))
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "Descriptor %d for the device \"%s\" cannot be %s: open it for reading and "
                                "writing",
                                device->fd, device->name, writable ? "read and written" : "read");
        /* pwrite() at such a descriptor writes behind the end, wherever it is told to (its BUGS). */
        if (flags & O_APPEND)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "Descriptor %d for the device \"%s\" is open for appending: open it without "
                                "O_APPEND",
                                device->fd, device->name);

        return flags;
}

static int network_check_kind(const TenderDevice *device, const struct stat *st, Error *ret_error)
{
        struct ifreq interface = {};
        int domain = 0, type = 0;
        socklen_t size = sizeof domain;

        if (S_ISCHR(st->st_mode) && ioctl(device->fd, TUNGETIFF, &interface) >= 0) {
                if ((interface.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) == (IFF_TAP | IFF_NO_PI))
                        return 0;
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "Descriptor %d for the network \"%s\" is not a tap of plain frames: make it "
                                "with IFF_TAP and IFF_NO_PI, and without IFF_VNET_HDR",
                                device->fd, device->name);
        }

        if (S_ISSOCK(st->st_mode) && getsockopt(device->fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) >= 0 &&
                        getsockopt(device->fd, SOL_SOCKET, SO_TYPE, &type, &size) >= 0 &&
                        domain == AF_UNIX && (type == SOCK_DGRAM || type == SOCK_SEQPACKET))
                return 0;

        return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                        "Descriptor %d for the network \"%s\" is neither a tap nor a Unix socket of "
                        "datagrams: give one of these",
                        device->fd, device->name);
}

static int network_attach(const TenderDevice *device, Solo5ManifestEntry *entry, Error *ret_error)
{
        struct stat st;
        int flags, r;

        flags = device_check_open(device, true, &st, ret_error);
        if (flags < 0)
                return flags;
        r = network_check_kind(device, &st, ret_error);
        if (r < 0)
                return r;
        if (fcntl(device->fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return error_set_errno(ret_error, errno,
                                "Descriptor %d for the network \"%s\" cannot be made non-blocking",
                                device->fd, device->name);

        memcpy(entry->network.mac, device->mac, sizeof entry->network.mac);
        if (!device->has_mac) {
                if (getrandom(entry->network.mac, sizeof entry->network.mac, 0) !=
                                (ssize_t) sizeof entry->network.mac)
                        return error_set_errno(ret_error, errno, "No random MAC address can be made");
                /* Locally administered, and of one device. */
                entry->network.mac[0] = (uint8_t) ((entry->network.mac[0] & 0xfc) | 2);
        }
        entry->network.mtu = device->mtu;
        return 0;
}

static int block_attach(const TenderDevice *device, Solo5ManifestEntry *entry, Error *ret_error)
{
        uint64_t capacity = 0;
        struct stat st;
        int r;

        r = device_check_open(device, false, &st, ret_error);
        if (r < 0)
                return r;
        if (S_ISREG(st.st_mode))
                capacity = (uint64_t) st.st_size;
        else if (!S_ISBLK(st.st_mode))
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "Descriptor %d for the block device \"%s\" is neither a file nor a block "
                                "device: give one of these",
                                device->fd, device->name);
        else if (ioctl(device->fd, BLKGETSIZE64, &capacity) < 0)
                return error_set_errno(ret_error, errno,
                                "The size of the block device \"%s\" cannot be read", device->name);

        if (capacity == 0 || capacity % device->block_size != 0 || capacity > INT64_MAX)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "The block device \"%s\" has %" G_GUINT64_FORMAT
                                " bytes, which is no number of whole blocks of %u bytes: make it larger or "
                                "smaller",
                                device->name, capacity, device->block_size);

        entry->block.capacity = capacity;
        entry->block.block_size = device->block_size;
        return 0;
}

static const TenderDevice *options_find(const TenderOptions *options, const char *name)
{
        for (unsigned i = 0; i < options->n_devices; i++)
                if (strcmp(options->devices[i].name, name) == 0)
                        return &options->devices[i];

        return NULL;
}

static int device_attach(const ManifestDevice *declared, const TenderOptions *options,
                Solo5ManifestEntry *entry, Error *ret_error)
{
        const TenderDevice *device = options_find(options, declared->name);
        const char *kind = device_kind_to_string(declared->kind);
        int r;

        if (!device)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "The image has the %s device \"%s\", for which nothing is given: add "
                                "--%s=%s=FD",
                                kind, declared->name, kind, declared->name);
        if (device->kind != declared->kind)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "The device \"%s\" of the image is a %s device: give it with --%s=%s=FD",
                                declared->name, kind, kind, declared->name);

        memcpy(entry->name, declared->name, sizeof entry->name);
        if (device->kind == DEVICE_NETWORK) {
                entry->type = SOLO5_ENTRY_NETWORK;
                r = network_attach(device, entry, ret_error);
        } else {
                entry->type = SOLO5_ENTRY_BLOCK;
                r = block_attach(device, entry, ret_error);
        }
        if (r < 0)
                return r;

        entry->fd = device->fd;
        entry->attached = true;
        return 0;
}

int tender_devices_attach(
                const ImageInfo *info, const TenderOptions *options, Solo5Manifest *ret, Error *ret_error)
{
        int r;

        *ret = (Solo5Manifest){.version = SOLO5_MANIFEST_VERSION, .n_entries = info->n_devices + 1};
        ret->entries[0].type = SOLO5_ENTRY_RESERVED_FIRST;
        for (unsigned i = 0; i < info->n_devices; i++) {
                r = device_attach(&info->devices[i], options, &ret->entries[i + 1], ret_error);
                if (r < 0)
                        return r;
        }

        for (unsigned i = 0; i < options->n_devices; i++) {
                const char *name = options->devices[i].name;
                bool declared = false;

                for (unsigned j = 0; j < info->n_devices; j++)
                        declared |= strcmp(info->devices[j].name, name) == 0;
                if (!declared)
                        return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                        "The image has no device \"%s\": leave it out, or use an image that "
                                        "has it",
                                        name);
        }

        return 0;
}

int tender_devices_watch(
                const Solo5Manifest *manifest, int *ret_epoll_fd, int *ret_timer_fd, Error *ret_error)
{
        _cleanup_close_ int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        _cleanup_close_ int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = TIMER_EVENT};

        if (epoll_fd < 0 || timer_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event) < 0)
                return error_set_errno(ret_error, errno, "The guest's timer cannot be made");

        for (uint32_t i = 0; i < manifest->n_entries; i++) {
                const Solo5ManifestEntry *entry = &manifest->entries[i];

                if (entry->type != SOLO5_ENTRY_NETWORK)
                        continue;
                event.data.u64 = i;
                if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, entry->fd, &event) < 0)
                        return error_set_errno(ret_error, errno,
                                        "Descriptor %d for the network \"%s\" cannot be waited for",
                                        entry->fd, entry->name);
        }

        *ret_epoll_fd = TAKE_FD(epoll_fd);
        *ret_timer_fd = TAKE_FD(timer_fd);
        return 0;
}
