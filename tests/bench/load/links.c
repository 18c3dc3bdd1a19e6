/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Load for shruthi-switch: taps in a network namespace of its own stand for guests, and this program for
 * shruthi-antispoof, systemd and shruthid. Writes one line of JSON: what it sent and received, and the
 * summary of the switch.
 *
 * "bench-links SWITCH PORTS busy SIZE SECONDS": from one member to another, as quickly as it goes.
 * "bench-links SWITCH PORTS paced RATE SECONDS": so many packets a second between random members, each on a
 * link with 50 ms of latency and 10 ms of jitter.
 * "bench-links SWITCH PORTS pairs": one packet on each link that there is.
 * "bench-links SWITCH PORTS resolve SECONDS": each asks for the address of each, by ARP, in this time.
 *
 * Where SWITCH is "-", "busy" and "resolve" are passed on by the forwarder beside, which has no summary. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/socket.h"
#include "load/forwarder.h"

#define RUNTIME   "/run/shruthi"
#define PORTS_MAX 4096
#define HEADER    42 /* Ethernet, IPv4, UDP */

static int taps[PORTS_MAX], n_ports;
static _Atomic uint64_t received, received_bytes;
static atomic_bool stop;

static _Noreturn void fail(const char *what)
{
        perror(what);
        exit(EXIT_FAILURE);
}

static double now(void)
{
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void write_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                fail(path);
        close(fd);
}

static void enter_world(void)
{
        if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                fail("unshare");
        (void) mkdir(RUNTIME, 0755);
        if (mount("tmpfs", RUNTIME, "tmpfs", 0, NULL) < 0 || mkdir(RUNTIME "/rules", 0755) < 0)
                fail(RUNTIME);
        write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
}

static void interface_name(int index, char *ret)
{
        (void) snprintf(ret, IFNAMSIZ, "shru%010x", (unsigned) index);
}

static void member_mac(int index, uint8_t *ret)
{
        const uint8_t mac[] = {0x52, 0x54, 0, 1, (uint8_t) (index >> 8), (uint8_t) index};

        memcpy(ret, mac, sizeof mac);
}

static uint32_t member_address(int index)
{
        return UINT32_C(0x0a000000) + (uint32_t) index + 16;
}

static void make_taps(void)
{
        int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        for (int i = 0; i < n_ports; i++) {
                struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

                interface_name(i, request.ifr_name);
                taps[i] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
                if (taps[i] < 0 || ioctl(taps[i], TUNSETIFF, &request) < 0)
                        fail("tap");
                request.ifr_flags = IFF_UP | IFF_RUNNING;
                if (ioctl(control, SIOCSIFFLAGS, &request) < 0)
                        fail("up");
        }
        close(control);
}

static int packet_socket(int index)
{
        char name[IFNAMSIZ];
        const int one = 1, size = 512 * 1024;
        struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        interface_name(index, name);
        address.sll_ifindex = (int) if_nametoindex(name);
        if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0 ||
                        setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) < 0 ||
                        bind(fd, (struct sockaddr *) &address, sizeof address) < 0)
                fail("packet socket");
        return fd;
}

static int listen_at(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void) g_strlcpy(address.sun_path, path, sizeof address.sun_path);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address) < 0 || listen(fd, 16) < 0)
                fail(path);
        return fd;
}

/* fd may be -EBADF. */
static void send_with_fd(int socket_fd, const char *text, int fd)
{
        if (socket_send_with_fd(socket_fd, text, fd, 0) < 0)
                fail("send");
}

static int receive_with_fd(int socket_fd, char *data, size_t size)
{
        int fd;
        ssize_t n = socket_receive_with_fd(socket_fd, data, size - 1, &fd);

        if (n < 0)
                fail("receive");
        data[n] = '\0';
        return fd;
}

static pid_t start_switch(const char *program, int listen_fd)
{
        pid_t pid = fork();
        char text[32];

        if (pid == 0) {
                if (dup2(listen_fd, 3) < 0)
                        _exit(1);
                (void) fcntl(3, F_SETFD, 0);
                (void) snprintf(text, sizeof text, "%d", (int) getpid());
                (void) setenv("LISTEN_PID", text, 1);
                (void) setenv("LISTEN_FDS", "1", 1);
                (void) setenv("RUNTIME_DIRECTORY", RUNTIME "/rules", 1);
                execl(program, program, (char *) NULL);
                _exit(1);
        }
        return pid;
}

/* In the place of shruthi-antispoof. */
static int give_ports(int listen_fd)
{
        int client = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        char data[256];

        (void) receive_with_fd(client, data, sizeof data);
        for (int i = 0; i < n_ports; i++) {
                char name[IFNAMSIZ];
                g_autofree char *text = NULL;
                int fd = packet_socket(i);

                interface_name(i, name);
                text = g_strdup_printf("port %s m%d 52:54:00:01:%02x:%02x 10.0.%d.%d none service", name, i,
                                (unsigned) i >> 8 & 0xff, (unsigned) i & 0xff, (i + 16) >> 8,
                                (i + 16) & 0xff);
                send_with_fd(client, text, fd);
                close(fd);
        }
        return client;
}

static int connect_switch(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RUNTIME "/switch"};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
                fail("connect");
        send_with_fd(fd, "network lab br-lab", -EBADF);
        return fd;
}

/* In microseconds. */
static uint64_t processor_time(pid_t pid)
{
        struct timespec time = {};
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
                fail("processor time");
        return (uint64_t) time.tv_sec * 1000000 + (uint64_t) time.tv_nsec / 1000;
}

static char *ask_summary(int client)
{
        char data[256], text[8192];
        int fd;
        ssize_t n;

        send_with_fd(client, "summary", -EBADF);
        fd = receive_with_fd(client, data, sizeof data);
        n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
        close(fd);
        return g_strndup(text, n > 0 ? (gsize) n : 0);
}

static uint64_t summary_value(int client, const char *key)
{
        g_autofree char *text = ask_summary(client), *line = g_strconcat("\n", key, "=", NULL);
        const char *found = strstr(text, line);

        return found ? g_ascii_strtoull(found + strlen(line), NULL, 10) : 0;
}

static void set_rules(int client, const char *rules)
{
        int fd = memfd_create("rules", MFD_CLOEXEC);
        char data[256];

        if (write(fd, rules, strlen(rules)) < 0)
                fail("rules");
        send_with_fd(client, "rules", fd);
        (void) receive_with_fd(client, data, sizeof data);
        if (strcmp(data, "done") != 0)
                fail(data);
        close(fd);
}

static uint16_t checksum(const uint8_t *p, size_t size)
{
        uint32_t sum = 0;

        for (size_t i = 0; i + 1 < size; i += 2)
                sum += (uint32_t) (p[i] << 8 | p[i + 1]);
        sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void put16(uint8_t *p, uint32_t value)
{
        p[0] = (uint8_t) (value >> 8);
        p[1] = (uint8_t) value;
}

static void put32(uint8_t *p, uint32_t value)
{
        put16(p, value >> 16);
        put16(p + 2, value & 0xffff);
}

static void make_frame(uint8_t *frame, size_t size, int from, int to)
{
        memset(frame, 0, size);
        member_mac(to, frame);
        member_mac(from, frame + 6);
        put16(frame + 12, 0x800);
        frame[14] = 0x45;
        put16(frame + 16, (uint32_t) size - 14);
        frame[22] = 64;
        frame[23] = 17;
        put32(frame + 26, member_address(from));
        put32(frame + 30, member_address(to));
        put16(frame + 24, checksum(frame + 14, 20));
        put16(frame + 34, 5000);
        put16(frame + 36, 6000);
        put16(frame + 38, (uint32_t) size - 34);
}

static void make_request(uint8_t *frame, int from, int to)
{
        memset(frame, 0, 60);
        memset(frame, 0xff, 6);
        member_mac(from, frame + 6);
        put16(frame + 12, 0x806);
        put32(frame + 14, 0x00010800);
        put32(frame + 18, 0x06040001);
        member_mac(from, frame + 22);
        put32(frame + 28, member_address(from));
        put32(frame + 38, member_address(to));
}

/* Reads what all taps get. */
static void *read_taps(void *userdata)
{
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        char buffer[65536];

        for (int i = 0; i < n_ports; i++) {
                struct epoll_event event = {.events = EPOLLIN, .data.fd = taps[i]};

                (void) epoll_ctl(epoll, EPOLL_CTL_ADD, taps[i], &event);
        }
        while (!stop) {
                struct epoll_event events[64];
                int n = epoll_wait(epoll, events, 64, 100);

                for (int i = 0; i < n; i++) {
                        ssize_t size;

                        while ((size = read(events[i].data.fd, buffer, sizeof buffer)) > 0) {
                                received++;
                                received_bytes += (uint64_t) size;
                        }
                }
        }
        close(epoll);
        return NULL;
}

static uint64_t send_busy(size_t size, double seconds)
{
        uint8_t frame[2048];
        double until = now() + seconds;
        uint64_t sent = 0;

        make_frame(frame, size, 0, 1);
        while (now() < until)
                for (int i = 0; i < 32; i++)
                        if (write(taps[0], frame, size) > 0)
                                sent++;
        return sent;
}

/* In as many portions a second as a sleep can tell apart. */
static uint64_t send_paced(double rate, double seconds)
{
        g_autoptr(GRand) random = g_rand_new_with_seed(1);
        uint8_t frame[256];
        double begin = now();
        uint64_t sent = 0;

        while (now() < begin + seconds) {
                while ((double) sent < (now() - begin) * rate && now() < begin + seconds) {
                        int from = g_rand_int_range(random, 0, n_ports),
                            to = (from + g_rand_int_range(random, 1, n_ports)) % n_ports;

                        make_frame(frame, 128, from, to);
                        (void) !write(taps[from], frame, 128);
                        sent++;
                }
                g_usleep(200);
        }
        return sent;
}

static uint64_t send_pairs(int client)
{
        uint8_t frame[64];
        uint64_t sent = 0;

        for (int from = 0; from < n_ports; from++) {
                for (int to = 0; to < n_ports; to++) {
                        if (to == from)
                                continue;
                        make_frame(frame, 60, from, to);
                        (void) !write(taps[from], frame, 60);
                        sent++;
                }
                /* No more than sockets hold. */
                if (from % 8 == 7)
                        (void) summary_value(client, "packets");
        }
        return sent;
}

static uint64_t send_requests(double seconds)
{
        uint8_t frame[64];
        double begin = now(), all = (double) n_ports * (n_ports - 1);
        uint64_t sent = 0;

        for (int step = 1; step < n_ports; step++)
                for (int from = 0; from < n_ports; from++) {
                        while ((double) sent > (now() - begin) / seconds * all)
                                g_usleep(200);
                        make_request(frame, from, (from + step) % n_ports);
                        (void) !write(taps[from], frame, 60);
                        sent++;
                }
        return sent;
}

static void print_summary(int client)
{
        g_autofree char *text = ask_summary(client);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                char *value = strchr(*line, '=');

                if (value) {
                        *value = '\0';
                        printf(", \"%s\": %s", *line, value + 1);
                }
        }
}

/* What is sent: 0 with arguments that it does not take. */
static uint64_t send_load(int argc, char *argv[], int client)
{
        if (strcmp(argv[3], "busy") == 0 && argc == 6)
                return send_busy((size_t) CLAMP(atoi(argv[4]), 60, 1514), atof(argv[5]));
        if (strcmp(argv[3], "paced") == 0 && argc == 6)
                return send_paced(atof(argv[4]), atof(argv[5]));
        if (strcmp(argv[3], "pairs") == 0)
                return send_pairs(client);
        if (strcmp(argv[3], "resolve") == 0 && argc == 5)
                return send_requests(atof(argv[4]));
        return 0;
}

int main(int argc, char *argv[])
{
        int listen_switch, client = -1, link = -1;
        const struct rlimit files = {65536, 65536};
        bool is_switch;
        uint64_t sent, cpu;
        pthread_t reader;
        double begin, took;
        pid_t pid;

        if (argc < 4)
                return EXIT_FAILURE;
        is_switch = strcmp(argv[1], "-") != 0;
        n_ports = MIN(atoi(argv[2]), PORTS_MAX);
        (void) setrlimit(RLIMIT_NOFILE, &files);
        enter_world();
        make_taps();
        if (is_switch) {
                int listen_antispoof = listen_at(RUNTIME "/antispoof");

                listen_switch = listen_at(RUNTIME "/switch");
                pid = start_switch(argv[1], listen_switch);
                client = connect_switch();
                link = give_ports(listen_antispoof);
                while (summary_value(client, "ports") < (uint64_t) n_ports)
                        g_usleep(10000);
        } else {
                pid = forwarder_start(n_ports, packet_socket);
                g_usleep(500000);
        }
        if (strcmp(argv[3], "paced") == 0)
                set_rules(client, "shape far latency=50ms jitter=10ms distribution=normal\nlink * * far\n");

        (void) pthread_create(&reader, NULL, read_taps, NULL);
        cpu = is_switch ? summary_value(client, "cpu_usec") : processor_time(pid);
        begin = now();
        sent = send_load(argc, argv, client);
        took = now() - begin;

        g_usleep(500000);
        cpu = (is_switch ? summary_value(client, "cpu_usec") : processor_time(pid)) - cpu;
        stop = true;
        (void) pthread_join(reader, NULL);
        printf("{\"mode\": \"%s\", \"ports\": %d, \"sent\": %" G_GUINT64_FORMAT
               ", \"received\": %" G_GUINT64_FORMAT ", \"received_bytes\": %" G_GUINT64_FORMAT
               ", \"seconds\": %.3f, \"cpu\": %.3f",
                        argv[3], n_ports, sent, (uint64_t) received, (uint64_t) received_bytes, took,
                        (double) cpu / 1e6);
        if (is_switch) {
                print_summary(client);
                send_with_fd(client, "end", -EBADF);
        }
        printf("}\n");
        (void) kill(pid, SIGTERM);
        (void) waitpid(pid, NULL, 0);
        close(link);
        return EXIT_SUCCESS;
}
