/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-frames: ports of a network, without guests behind them, and frames from the first to the second. Called by
 * tests/bench/links-beside.
 *
 *     bench-frames links:NETWORK:BRIDGE N SECONDS SIZE…    filtered taps that are isolated ports of the bridge
 *     bench-frames bridge:BRIDGE N SECONDS SIZE…           taps of that bridge
 *     bench-frames vde:FOLDER:PID N SECONDS SIZE…          plugs of the vde_switch in that folder
 *
 * Once N ports are there, it sends frames of each SIZE, in turn, as quickly as they arrive (at most WINDOW are under way),
 * and prints a line KEY=VALUE… for each. cpu_us is what the switch took of the processor meanwhile: what shruthi-switch
 * says itself, or what the process had.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
        PORTS_MAX = 4096,
        FRAME_MAX = 1514,
        FRAME_MIN = 60,
        WINDOW = 256,
        STALL_NS = 20000000, /* what is under way then is lost */
        EVENTS_MAX = 256,
        TYPE_OURS = 0x0800,
        HEADERS = 42,
};

#define RUN_SHRUTHI "/run/shruthi/"

typedef enum Kind {
        KIND_LINKS,
        KIND_BRIDGE,
        KIND_VDE,
} Kind;

/* What is in a frame of ours, behind Ethernet, IPv4 and UDP. */
typedef struct Stamp {
        char magic[4];
        uint32_t work; /* which of the line: what is left of another is none of it */
} Stamp;

static Kind kind;
static unsigned n_ports, work_number;
static int port_fds[PORTS_MAX], control = -1, vde_pid;
static atomic_uint_fast64_t n_sent, n_received;
static atomic_bool is_over;

G_GNUC_PRINTF(1, 2) static void die(const char *format, ...)
{
        va_list ap;

        (void) fputs("bench-frames: ", stderr);
        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
        exit(1);
}

static uint64_t now_ns(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

/* Who port i is. */
static void port_mac(unsigned i, uint8_t ret[6])
{
        const uint8_t mac[6] = {0x02, 0x53, 0, 0, (uint8_t) (i >> 8), (uint8_t) i};

        memcpy(ret, mac, sizeof(mac));
}

static uint32_t port_address(unsigned i)
{
        return (10u << 24 | 150u << 16) + i + 2;
}

static int seqpacket_connect(const char *name)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), RUN_SHRUTHI "%s", name);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                die("%s: %s", address.sun_path, g_strerror(errno));
        return fd;
}

/* The answer, with a descriptor in *ret_fd if there is one (else -1). */
static char *ask(int fd, const char *request, int *ret_fd)
{
        static char answer[8192];
        char space[CMSG_SPACE(sizeof(int))] = {};
        struct iovec iov = {(void *) (uintptr_t) request, strlen(request)};
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
        struct cmsghdr *c;
        ssize_t n;

        if (sendmsg(fd, &message, 0) < 0)
                die("%s: %s", request, g_strerror(errno));
        if (!ret_fd)
                return NULL;

        iov = (struct iovec){answer, sizeof(answer) - 1};
        message = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n <= 0)
                die("%s: no answer", request);
        answer[n] = 0;
        *ret_fd = -1;
        c = CMSG_FIRSTHDR(&message);
        if (c && c->cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
        if (g_str_has_prefix(answer, "error"))
                die("%s: %s", request, answer);
        return answer;
}

/* As the parts of SHRUTHI that make taps for processes do it. */
static int tap_of_links(unsigned i, const char *bridge)
{
        g_autofree char *filter = NULL, *tap = NULL;
        struct in_addr address = {htonl(port_address(i))};
        int antispoof = seqpacket_connect("antispoof"), fd;
        const char *answer;
        uint8_t m[6];

        port_mac(i, m);
        filter = g_strdup_printf("filter bench-%u %02x:%02x:%02x:%02x:%02x:%02x %s none service", i, m[0], m[1], m[2],
                        m[3], m[4], m[5], inet_ntoa(address));
        answer = ask(antispoof, filter, &fd);
        (void) close(antispoof);
        if (!g_str_has_prefix(answer, "ok "))
                die("%s: %s", filter, answer);

        antispoof = seqpacket_connect("antispoof");
        tap = g_strdup_printf("tap %s %s isolated", answer + 3, bridge);
        (void) ask(antispoof, tap, &fd);
        (void) close(antispoof);
        if (fd < 0)
                die("%s: no tap came", tap);
        return fd;
}

static int tap_of_bridge(const char *bridge)
{
        struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int index;

        if (fd < 0 || socket_fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
                die("no tap: %s", g_strerror(errno));
        index = (int) if_nametoindex(request.ifr_name);
        request.ifr_flags = IFF_UP;
        if (ioctl(socket_fd, SIOCSIFFLAGS, &request) < 0)
                die("%s: %s", request.ifr_name, g_strerror(errno));
        (void) g_strlcpy(request.ifr_name, bridge, sizeof(request.ifr_name));
        request.ifr_ifindex = index;
        if (ioctl(socket_fd, SIOCBRADDIF, &request) < 0)
                die("%s: %s", bridge, g_strerror(errno));
        (void) close(socket_fd);
        return fd;
}

/* libvdeplug's protocol, version 3: a stream for control, on which the switch says where frames go to. */
static int plug_of_vde(unsigned i, const char *folder)
{
        struct {
                uint32_t magic, version, type;
                struct sockaddr_un socket;
                char description[32];
        } __attribute__((packed)) request = {0xfeedface, 3, 0, {.sun_family = AF_UNIX}, "bench"};
        struct sockaddr_un address = {.sun_family = AF_UNIX}, own = address, data;
        int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int size = 1 << 20;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/ctl", folder);
        (void) snprintf(own.sun_path, sizeof(own.sun_path), "/tmp/bench-vde.%d-%u", getpid(), i);
        (void) unlink(own.sun_path);
        request.socket = own;
        if (bind(fd, (struct sockaddr *) &own, sizeof(own)) < 0 ||
                        connect(stream, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                        send(stream, &request, sizeof(request), 0) != sizeof(request) ||
                        recv(stream, &data, sizeof(data), MSG_WAITALL) != sizeof(data) ||
                        connect(fd, (struct sockaddr *) &data, sizeof(data)) < 0)
                die("vde: %s", g_strerror(errno));
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        return fd; /* the stream stays open: the port is there as long as it is */
}

static size_t frame_write(uint8_t *frame, unsigned from, unsigned to, size_t size)
{
        const size_t n = MAX(size, (size_t) FRAME_MIN), n_ip = n - 14;
        const uint32_t source = htonl(port_address(from)), destination = htonl(port_address(to));
        Stamp stamp = {.magic = {'B', 'N', 'C', 'H'}, .work = work_number};
        uint8_t *ip = frame + 14;
        uint32_t sum = 0;

        memset(frame, 0, HEADERS);
        port_mac(to, frame);
        port_mac(from, frame + 6);
        frame[12] = TYPE_OURS >> 8;
        ip[0] = 0x45;
        ip[2] = (uint8_t) (n_ip >> 8);
        ip[3] = (uint8_t) n_ip;
        ip[8] = 64;
        ip[9] = IPPROTO_UDP;
        memcpy(ip + 12, &source, 4);
        memcpy(ip + 16, &destination, 4);
        for (unsigned i = 0; i < 20; i += 2)
                sum += (uint32_t) ip[i] << 8 | ip[i + 1];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~(sum + (sum >> 16)) & 0xffff;
        ip[10] = (uint8_t) (sum >> 8);
        ip[11] = (uint8_t) sum;
        ip[21] = ip[23] = 9;
        ip[24] = (uint8_t) ((n_ip - 20) >> 8);
        ip[25] = (uint8_t) (n_ip - 20);
        memcpy(frame + HEADERS, &stamp, sizeof(stamp));
        return n;
}

static void frame_take(const uint8_t *frame, ssize_t n)
{
        Stamp stamp;

        if (n < (ssize_t) (HEADERS + sizeof(stamp)))
                return;
        memcpy(&stamp, frame + HEADERS, sizeof(stamp));
        if (memcmp(stamp.magic, "BNCH", 4) != 0 || stamp.work != work_number)
                return;
        n_received++;
}

/* Reads all ports, until it is over. */
static void *receive(void *unused)
{
        struct epoll_event events[EVENTS_MAX], event = {.events = EPOLLIN};
        int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        uint8_t frame[FRAME_MAX + 64];

        (void) unused;
        for (unsigned i = 0; i < n_ports; i++) {
                event.data.fd = port_fds[i];
                if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, port_fds[i], &event) < 0)
                        die("epoll: %s", g_strerror(errno));
        }
        while (!is_over) {
                int n_events = epoll_wait(epoll_fd, events, EVENTS_MAX, 100);

                for (int i = 0; i < n_events; i++) {
                        ssize_t n;

                        while ((n = read(events[i].data.fd, frame, sizeof(frame))) > 0)
                                frame_take(frame, n);
                }
        }
        (void) close(epoll_fd);
        return NULL;
}

static void frame_send(unsigned from, const uint8_t *frame, size_t n)
{
        while (write(port_fds[from], frame, n) < 0) {
                struct pollfd p = {port_fds[from], POLLOUT, 0};

                if (errno != EAGAIN && errno != ENOBUFS)
                        die("port %u: %s", from, g_strerror(errno));
                (void) poll(&p, 1, 10);
        }
        n_sent++;
}

static void wait_until(uint64_t ns)
{
        struct timespec ts = {(time_t) (ns / 1000000000), (long) (ns % 1000000000)};

        (void) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* KEY=VALUE lines of the switch, or what is behind one key. */
static char *summary(void)
{
        static char text[16384];
        int fd = -1;
        ssize_t n;

        if (kind != KIND_LINKS)
                return NULL;
        (void) ask(control, "summary", &fd);
        n = pread(fd, text, sizeof(text) - 1, 0);
        (void) close(fd);
        text[MAX(n, 0)] = 0;
        return text;
}

static uint64_t cpu_us(void)
{
        g_autofree char *path = NULL, *text = NULL;
        const char *found;

        if (kind == KIND_LINKS) {
                found = strstr(summary(), "cpu_usec=");
                return found ? strtoull(found + strlen("cpu_usec="), NULL, 10) : 0;
        }
        if (kind != KIND_VDE)
                return 0;
        path = g_strdup_printf("/proc/%d/schedstat", vde_pid);
        return g_file_get_contents(path, &text, NULL, NULL) ? strtoull(text, NULL, 10) / 1000 : 0;
}

/* Sends for so long, and no faster than it arrives. */
static void work_busy(uint64_t until, size_t size)
{
        uint8_t frame[FRAME_MAX] = {};
        uint64_t lost = 0, seen = 0, seen_at = now_ns();

        /* So that where the second one is has been learnt. */
        frame_send(1, frame, frame_write(frame, 1, 0, size));
        while (now_ns() < until) {
                uint64_t received = n_received;

                if (received != seen) {
                        seen = received;
                        seen_at = now_ns();
                }
                if (n_sent - lost - received >= WINDOW) {
                        if (now_ns() - seen_at > STALL_NS)
                                lost = n_sent - received;
                        else
                                (void) sched_yield();
                        continue;
                }
                frame_send(0, frame, frame_write(frame, 0, 1, size));
        }
}

static void work(uint64_t seconds, size_t size)
{
        uint64_t cpu, began, took;
        pthread_t receiver;

        work_number++;
        n_sent = n_received = 0;
        is_over = false;
        if (pthread_create(&receiver, NULL, receive, NULL) != 0)
                die("no thread");
        cpu = cpu_us();
        began = now_ns();
        work_busy(began + seconds * 1000000000, size);
        took = now_ns() - began;
        wait_until(now_ns() + 500000000);
        is_over = true;
        (void) pthread_join(receiver, NULL);

        printf("size=%zu seconds=%.3f sent=%lu received=%lu cpu_us=%lu\n", size, (double) took / 1e9,
                        (unsigned long) n_sent, (unsigned long) n_received, (unsigned long) (cpu_us() - cpu));
        (void) fflush(stdout);
}

static void links_begin(char **words)
{
        g_autofree char *network = g_strdup_printf("network %s %s", words[1], words[2]);

        control = seqpacket_connect("switch");
        (void) ask(control, network, NULL);
}

int main(int argc, char *argv[])
{
        struct rlimit limit = {65536, 65536};
        g_auto(GStrv) words = NULL;

        if (argc < 5)
                die("bench-frames KIND N SECONDS SIZE…: see the head of its source");
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        words = g_strsplit(argv[1], ":", 3);
        n_ports = (unsigned) MIN(strtoul(argv[2], NULL, 10), PORTS_MAX);
        kind = g_str_equal(words[0], "links") ? KIND_LINKS : g_str_equal(words[0], "vde") ? KIND_VDE : KIND_BRIDGE;
        if (n_ports < 2 || g_strv_length(words) < (kind == KIND_BRIDGE ? 2 : 3))
                die("%s %s: too little", argv[1], argv[2]);
        if (kind == KIND_VDE)
                vde_pid = atoi(words[2]);
        if (kind == KIND_LINKS)
                links_begin(words);
        for (unsigned i = 0; i < n_ports; i++) {
                port_fds[i] = kind == KIND_LINKS    ? tap_of_links(i, words[2])
                              : kind == KIND_BRIDGE ? tap_of_bridge(words[1])
                                                    : plug_of_vde(i, words[1]);
                if (fcntl(port_fds[i], F_SETFL, O_NONBLOCK) < 0)
                        die("fcntl: %s", g_strerror(errno));
        }
        /* Until whoever forwards has heard of the last port. */
        wait_until(now_ns() + 2000000000);
        for (int i = 4; i < argc; i++)
                work(strtoul(argv[3], NULL, 10), strtoul(argv[i], NULL, 10));
        return 0;
}
