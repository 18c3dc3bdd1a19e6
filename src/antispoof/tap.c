/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taps for guests that are processes, which get theirs as a descriptor. libvirt makes those of domains; what
 * is set here is as it does (virNetDevTapCreateInBridgePort() of its virnetdevtap.c). */

#include "antispoof/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "antispoof/bandwidth.h"
#include "antispoof/link-change.h"
#include "antispoof/record.h"
#include "antispoof/table.h"
#include "common/io.h"

#define TUN_PATH "/dev/net/tun"

/* Of the interface's filter, which is in force when it returns; and the host's side of the tap: the guest's
 * with another first byte, which is so high that a bridge does not take it as its own. */
static int tap_find_mac(const char *interface, uint8_t ret[static 6], Error *ret_error)
{
        g_autoptr(AntispoofFilter) filter = record_find(interface);
        int r;

        if (!filter)
                return error_set(ret_error, ERROR_FAILED,
                                "The interface '%s' has no filter, and is not made without one", interface);
        r = table_add_filter(filter, ret_error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < 6; i++)
                ret[i] = (uint8_t) (g_ascii_xdigit_value(filter->mac[3 * i]) << 4 |
                                    g_ascii_xdigit_value(filter->mac[3 * i + 1]));
        ret[0] = ret[0] == 0xfe ? 0xfa : 0xfe;
        return 0;
}

static int tap_open(const char *interface, int *ret_fd, Error *ret_error)
{
        struct ifreq request = {.ifr_flags = (short) (IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL)};
        _cleanup_close_ int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot open " TUN_PATH " (%s): load the kernel's module 'tun', and restart "
                                "shruthi-antispoof.service",
                                g_strerror(errno));
        g_strlcpy(request.ifr_name, interface, sizeof request.ifr_name);
        if (ioctl(fd, TUNSETIFF, &request) < 0)
                return errno == EBUSY ? error_set(ret_error, ERROR_ADDRESS_IN_USE,
                                                        "The interface '%s' is there already", interface)
                                      : error_set_errno(ret_error, errno, "Cannot make the tap '%s'",
                                                        interface);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int tap_make(Links *links, const AntispoofTap *tap, int *ret_fd, unsigned *ret_mtu, Error *ret_error)
{
        const AntispoofPort *port = &tap->port;
        _cleanup_close_ int fd = -EBADF;
        int index, bridge, r;
        uint8_t mac[6];
        unsigned mtu;

        links_hear(links, g_get_monotonic_time());
        r = tap_find_mac(port->interface, mac, ret_error);
        if (r >= 0)
                r = links_find_bridge(links, port->bridge, &bridge, &mtu, ret_error);
        if (r >= 0)
                r = tap_open(port->interface, &fd, ret_error);
        if (r < 0)
                return r;

        index = (int) if_nametoindex(port->interface);
        /* Before it is a port: a bridge takes the least MTU of its ports, and the least MAC address. */
        r = index > 0 ? link_prepare(index, mac, mtu) : -ENODEV;
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot set up the tap '%s'", port->interface);
        r = bandwidth_set(index, tap, mtu, ret_error);
        if (r >= 0)
                r = link_join(index, bridge, port, ret_error);
        if (r < 0)
                return r;
        r = link_set_up(index);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot set the tap '%s' up", port->interface);

        *ret_fd = TAKE_FD(fd);
        *ret_mtu = mtu;
        return 0;
}
