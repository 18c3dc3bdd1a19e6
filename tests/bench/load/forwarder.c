/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/forwarder.h"

#define HEADER     10 /* of virtio */
#define FRAME_MAX  2048
#define AT_ONCE    64
#define EVENTS_MAX 64

static uint8_t frames[AT_ONCE][FRAME_MAX];
static struct iovec parts[AT_ONCE];
static struct mmsghdr messages[AT_ONCE];

static int target_of(const uint8_t *packet, int from)
{
        return packet[HEADER] & 1 ? from : packet[HEADER + 4] << 8 | packet[HEADER + 5];
}

static void forward(const int *ports, int n_ports, int from)
{
        int n, to, end;

        for (int i = 0; i < AT_ONCE; i++)
                parts[i].iov_len = FRAME_MAX;
        n = recvmmsg(ports[from], messages, AT_ONCE, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i = end) {
                to = target_of(frames[i], from);
                for (end = i; end < n && target_of(frames[end], from) == to; end++)
                        parts[end].iov_len = messages[end].msg_len;
                if (to < n_ports)
                        (void) sendmmsg(ports[to], messages + i, (unsigned) (end - i), MSG_DONTWAIT);
        }
}

static _Noreturn void forward_all(int n_ports, int (*open_port)(int index))
{
        int epoll = epoll_create1(EPOLL_CLOEXEC), *ports = calloc((size_t) n_ports, sizeof *ports);

        if (epoll < 0 || !ports)
                _exit(EXIT_FAILURE);
        for (int i = 0; i < AT_ONCE; i++) {
                parts[i].iov_base = frames[i];
                messages[i].msg_hdr.msg_iov = &parts[i];
                messages[i].msg_hdr.msg_iovlen = 1;
        }
        for (int i = 0; i < n_ports; i++) {
                struct epoll_event event = {.events = EPOLLIN, .data.fd = i};

                ports[i] = open_port(i);
                if (epoll_ctl(epoll, EPOLL_CTL_ADD, ports[i], &event) < 0)
                        _exit(EXIT_FAILURE);
        }
        for (;;) {
                struct epoll_event events[EVENTS_MAX];
                int n = epoll_wait(epoll, events, EVENTS_MAX, -1);

                for (int i = 0; i < n; i++)
                        forward(ports, n_ports, events[i].data.fd);
        }
}

pid_t forwarder_start(int n_ports, int (*open_port)(int index))
{
        pid_t pid = fork();

        if (pid == 0)
                forward_all(n_ports, open_port);
        return pid;
}
