/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request to rtnetlink and its answer, message by message. */

#include "common/netlink.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/io.h"

#define NETLINK_BUFFER (64 * 1024)
#define ANSWER_SEC     10
#define HEADER_MAX     64 /* of any type that is requested */

const void *netlink_find_attribute(
                const struct nlmsghdr *header, size_t size, unsigned short type, size_t least)
{
        const struct rtattr *attribute =
                        (const struct rtattr *) ((const char *) NLMSG_DATA(header) + NLMSG_ALIGN(size));
        int length; /* negative after a last attribute that is not padded */

        if (header->nlmsg_len < NLMSG_LENGTH(size))
                return NULL;

        /* RTA_OK() checks the sizes. */
        length = (int) (header->nlmsg_len - NLMSG_LENGTH(size));
        for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
                if (attribute->rta_type == type && RTA_PAYLOAD(attribute) >= least)
                        return RTA_DATA(attribute);

        return NULL;
}

int netlink_parse(const void *data, size_t size, NetlinkMessage message, void *userdata)
{
        const struct nlmsghdr *header = data;

        while (size > 0) {
                size_t step;

                if (size < sizeof *header || header->nlmsg_len < sizeof *header || header->nlmsg_len > size)
                        return -EBADMSG;

                if (header->nlmsg_type == NLMSG_DONE)
                        return 1;
                if (header->nlmsg_type == NLMSG_ERROR) {
                        const struct nlmsgerr *error = NLMSG_DATA(header);

                        if (header->nlmsg_len < NLMSG_LENGTH(sizeof *error) || error->error > 0)
                                return -EBADMSG;
                        return error->error < 0 ? error->error : 1;
                }
                if (message)
                        message(header, userdata);

                step = MIN(NLMSG_ALIGN((size_t) header->nlmsg_len), size);
                header = (const struct nlmsghdr *) ((const char *) header + step);
                size -= step;
        }

        return 0;
}

static int receive(int fd, NetlinkMessage message, void *userdata)
{
        g_autofree char *buffer = g_malloc(NETLINK_BUFFER);

        for (;;) {
                struct sockaddr_nl from = {0};
                socklen_t length = sizeof from;
                ssize_t n = recvfrom(fd, buffer, NETLINK_BUFFER, 0, (struct sockaddr *) &from, &length);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EBADMSG;
                if (from.nl_pid != 0)
                        continue; /* any process may send to our socket; only the kernel is port 0 */

                r = netlink_parse(buffer, (size_t) n, message, userdata);
                if (r != 0)
                        return MIN(r, 0);
        }
}

static int ask(int protocol, const void *data, size_t size, NetlinkMessage message, void *userdata)
{
        const struct timeval timeout = {.tv_sec = ANSWER_SEC};
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
                return -errno;
        if (TEMP_FAILURE_RETRY(send(fd, data, size, 0)) < 0)
                return -errno;

        return receive(fd, message, userdata);
}

int netlink_ask(int protocol, const struct nlmsghdr *request, NetlinkMessage message, void *userdata)
{
        return ask(protocol, request, request->nlmsg_len, message, userdata);
}

int netlink_ask_batch(int protocol, const void *data, size_t size)
{
        return ask(protocol, data, size, NULL, NULL);
}

void netlink_request_begin(NetlinkRequest *request, unsigned short type, unsigned short flags,
                const void *body, size_t size)
{
        *request = (NetlinkRequest){
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(size),
                                        .nlmsg_type = type,
                                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags},
        };
        memcpy(NLMSG_DATA(&request->header), body, size);
}

static struct rtattr *request_add(
                NetlinkRequest *request, unsigned short type, const void *data, size_t size)
{
        size_t end = NLMSG_ALIGN(request->header.nlmsg_len);
        struct rtattr *attribute = (struct rtattr *) (request->data + end);

        g_assert(end + RTA_SPACE(size) <= sizeof *request);
        attribute->rta_type = type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(attribute), data, size);
        request->header.nlmsg_len = (uint32_t) (end + RTA_SPACE(size));
        return attribute;
}

void netlink_request_append(NetlinkRequest *request, unsigned short type, const void *data, size_t size)
{
        (void) request_add(request, type, data, size);
}

void *netlink_request_open(NetlinkRequest *request, unsigned short type)
{
        return request_add(request, type | NLA_F_NESTED, NULL, 0);
}

void netlink_request_close(NetlinkRequest *request, void *nest)
{
        ((struct rtattr *) nest)->rta_len =
                        (unsigned short) (request->data + request->header.nlmsg_len - (char *) nest);
}

int netlink_dump(unsigned short type, size_t size, NetlinkMessage message, void *userdata)
{
        struct {
                struct nlmsghdr header;
                char payload[HEADER_MAX];
        } request = {
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(size),
                                        .nlmsg_type = type,
                                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                                        .nlmsg_seq = type},
        };

        g_assert(size <= HEADER_MAX);
        return netlink_ask(NETLINK_ROUTE, &request.header, message, userdata);
}
