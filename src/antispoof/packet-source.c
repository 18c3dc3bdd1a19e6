/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's net/netfilter/nfnetlink_queue.c and nfnetlink_log.c, by netlink. Called by demand.c. */

#include "antispoof/packet-source.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h> /* before the kernel's own, which then gives way */

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/netlink.h"

#define MESSAGE_MAX  256
#define BUFFER_SIZE  (64 * 1024)
#define RECEIVE_MAX  (4 * 1024 * 1024) /* of the socket: all that may wait, told at once */
#define READS_MAX    256               /* at once; each has one packet, or several */
#define ANSWER_SEC   5
#define HEADER_SIZE  40 /* of IPv6, the longer one */
#define TO_OFFSET_V4 16
#define TO_OFFSET_V6 24

typedef struct PacketMessage {
        struct nlmsghdr header;
        struct nfgenmsg message;
        char attributes[MESSAGE_MAX];
} PacketMessage;

static PacketMessage packet_message(unsigned subsystem, unsigned message, unsigned short flags)
{
        return (PacketMessage){
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(sizeof(struct nfgenmsg)),
                                        .nlmsg_type = (uint16_t) (subsystem << 8 | message),
                                        .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags)},
                        .message = {.nfgen_family = AF_UNSPEC,
                                        .version = NFNETLINK_V0,
                                        .res_id = g_htons(PACKET_SOURCE_NUMBER)},
        };
}

static void packet_message_put(PacketMessage *message, unsigned short type, const void *payload, size_t size)
{
        size_t end = NLMSG_ALIGN(message->header.nlmsg_len);
        struct rtattr *attribute = (struct rtattr *) ((char *) message + end);

        g_assert(end + RTA_SPACE(size) <= sizeof *message);
        attribute->rta_type = type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(size);
        memcpy(RTA_DATA(attribute), payload, size);
        message->header.nlmsg_len = (uint32_t) (end + RTA_SPACE(size));
}

static PacketMessage packet_message_of_queue(void)
{
        const struct nfqnl_msg_config_cmd bind = {.command = NFQNL_CFG_CMD_BIND};
        const struct nfqnl_msg_config_params parameters = {
                        .copy_range = g_htonl(HEADER_SIZE), .copy_mode = NFQNL_COPY_PACKET};
        const uint32_t most = g_htonl(PACKET_SOURCE_MAX);
        PacketMessage message = packet_message(NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG, NLM_F_ACK);

        packet_message_put(&message, NFQA_CFG_CMD, &bind, sizeof bind);
        packet_message_put(&message, NFQA_CFG_PARAMS, &parameters, sizeof parameters);
        packet_message_put(&message, NFQA_CFG_QUEUE_MAXLEN, &most, sizeof most);
        return message;
}

static PacketMessage packet_message_of_log(void)
{
        const struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
        const struct nfulnl_msg_config_mode mode = {
                        .copy_range = g_htonl(HEADER_SIZE), .copy_mode = NFULNL_COPY_PACKET};
        const uint32_t at_once = g_htonl(1);
        PacketMessage message = packet_message(NFNL_SUBSYS_ULOG, NFULNL_MSG_CONFIG, NLM_F_ACK);

        packet_message_put(&message, NFULA_CFG_CMD, &bind, sizeof bind);
        packet_message_put(&message, NFULA_CFG_MODE, &mode, sizeof mode);
        packet_message_put(&message, NFULA_CFG_QTHRESH, &at_once, sizeof at_once);
        return message;
}

/* The acknowledgement is the first that comes: nothing is bound before. */
static int packet_source_bind(int fd, bool held)
{
        PacketMessage message = held ? packet_message_of_queue() : packet_message_of_log();
        char answer[MESSAGE_MAX * 2];
        ssize_t n;
        int r;

        if (TEMP_FAILURE_RETRY(send(fd, &message, message.header.nlmsg_len, 0)) < 0)
                return -errno;
        n = TEMP_FAILURE_RETRY(recv(fd, answer, sizeof answer, 0));
        if (n < 0)
                return -errno;
        r = netlink_parse(answer, (size_t) n, NULL, NULL);
        return MIN(r, 0);
}

int packet_source_open(PacketSource *source, bool held)
{
        const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
        const struct timeval timeout = {.tv_sec = ANSWER_SEC};
        const int size = RECEIVE_MAX, on = 1;
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
        int r;

        if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
                return -errno;
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        /* What it cannot tell of it drops. */
        (void) setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
        r = packet_source_bind(fd, held);
        if (r < 0)
                return r;
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        packet_source_close(source);
        *source = (PacketSource){.fd = TAKE_FD(fd), .held = held};
        return 0;
}

void packet_source_close(PacketSource *source)
{
        source->fd = close_safe(source->fd);
}

static bool packet_destination(const uint8_t *packet, size_t size, Address *ret_to)
{
        bool v4 = size > 0 && packet[0] >> 4 == 4, v6 = size > 0 && packet[0] >> 4 == 6;
        size_t offset = v4 ? TO_OFFSET_V4 : TO_OFFSET_V6, length = v4 ? 4 : ADDRESS_SIZE_MAX;
        Address to = {.family = v4 ? AF_INET : AF_INET6, .prefix = (unsigned) length * 8};

        if ((!v4 && !v6) || size < offset + length)
                return false;
        memcpy(to.bytes, packet + offset, length);
        *ret_to = to;
        return true;
}

typedef struct PacketReception {
        PacketSeen seen;
        void *userdata;
} PacketReception;

static void on_packet_message(const struct nlmsghdr *header, void *userdata)
{
        const PacketReception *reception = userdata;
        bool queued = header->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET),
             logged = header->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
        const struct nfqnl_msg_packet_hdr *packet = NULL;
        const size_t own = sizeof(struct nfgenmsg);
        const uint8_t *payload;
        Address to = {};
        size_t size;

        if (!queued && !logged)
                return;
        if (queued)
                packet = netlink_find_attribute(header, own, NFQA_PACKET_HDR, sizeof *packet);
        payload = netlink_find_attribute(header, own, queued ? NFQA_PAYLOAD : NFULA_PAYLOAD, 1);
        if (queued && !packet)
                return;
        size = payload ? RTA_PAYLOAD((const struct rtattr *) ((const char *) payload - RTA_LENGTH(0))) : 0;
        /* One that is unreadable gets its verdict too: as one to nowhere. */
        (void) packet_destination(payload, size, &to);
        reception->seen(packet ? g_ntohl(packet->packet_id) : 0, &to, reception->userdata);
}

int packet_source_parse(const void *data, size_t size, PacketSeen seen, void *userdata)
{
        PacketReception reception = {.seen = seen, .userdata = userdata};

        return netlink_parse(data, size, on_packet_message, &reception);
}

void packet_source_hear(const PacketSource *source, PacketSeen seen, void *userdata)
{
        g_autofree char *buffer = g_malloc(BUFFER_SIZE);

        for (unsigned i = 0; i < READS_MAX; i++) {
                struct sockaddr_nl from = {};
                socklen_t length = sizeof from;
                ssize_t n = recvfrom(source->fd, buffer, BUFFER_SIZE, 0, (struct sockaddr *) &from, &length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return;
                if (from.nl_pid == 0) /* the kernel */
                        (void) packet_source_parse(buffer, (size_t) n, seen, userdata);
        }
}

void packet_source_release(const PacketSource *source, uint32_t id, PacketVerdict verdict)
{
        static const uint32_t words[] = {
                        [PACKET_DROP] = NF_DROP, [PACKET_PASS] = NF_ACCEPT, [PACKET_REPEAT] = NF_REPEAT};
        const struct nfqnl_msg_verdict_hdr header = {.verdict = g_htonl(words[verdict]), .id = g_htonl(id)};
        PacketMessage message = packet_message(NFNL_SUBSYS_QUEUE, NFQNL_MSG_VERDICT, 0);

        packet_message_put(&message, NFQA_VERDICT_HDR, &header, sizeof header);
        /* One that the kernel no longer holds is dropped already. */
        (void) send(source->fd, &message, message.header.nlmsg_len, MSG_DONTWAIT);
}
