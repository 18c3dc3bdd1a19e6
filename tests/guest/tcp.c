/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A server of TCP (RFC 9293) without any state: what is in a segment tells the answer. It takes
 * connections on the ports that it was told, answers what is sent there as HTTP with one status, and closes.
 * Other ports refuse.
 */

#include "net.h"

enum {
        HEADER_SIZE = 20,
        FLAG_FIN = 1,
        FLAG_SYN = 2,
        FLAG_RST = 4,
        FLAG_PSH = 8,
        FLAG_ACK = 16,
        PORTS_MAX = 4,
        FIRST_NUMBER = 0x1000,
};

static unsigned ports[PORTS_MAX], n_ports;
static unsigned http_status = 200;

void tcp_listen(unsigned port)
{
        if (n_ports >= PORTS_MAX)
                PANIC("too many ports");
        ports[n_ports++] = port;
}

void tcp_set_status(unsigned status)
{
        http_status = status;
}

static bool port_is_open(unsigned port)
{
        for (unsigned i = 0; i < n_ports; i++)
                if (ports[i] == port)
                        return true;
        return false;
}

/* Tells in a header of its own whom it answers, by the bytes of its address in hex. */
static size_t http_write(uint8_t *p, const uint8_t *client, size_t n_client)
{
        static const char before[] = "HTTP/1.1 ", after[] = " Guest\r\nContent-Length: 0\r\nX-Client: ",
                          digits[] = "0123456789abcdef", end[] = "\r\n\r\n";
        uint8_t *begin = p;

        memcpy(p, before, sizeof(before) - 1);
        p += sizeof(before) - 1;
        *p++ = (uint8_t)('0' + http_status / 100 % 10);
        *p++ = (uint8_t)('0' + http_status / 10 % 10);
        *p++ = (uint8_t)('0' + http_status % 10);
        memcpy(p, after, sizeof(after) - 1);
        p += sizeof(after) - 1;
        for (size_t i = 0; i < n_client; i++) {
                *p++ = (uint8_t)digits[client[i] >> 4];
                *p++ = (uint8_t)digits[client[i] & 15];
        }
        memcpy(p, end, sizeof(end) - 1);
        return (size_t)(p - begin) + sizeof(end) - 1;
}

size_t tcp_answer(uint8_t *tcp, size_t n, const uint8_t *client, size_t n_client)
{
        size_t header = (size_t)(tcp[12] >> 4) * 4, data, n_answer = 0;
        unsigned flags = tcp[13], answer = FLAG_ACK;
        uint32_t sequence, next;
        uint8_t port[2];

        if (n < HEADER_SIZE || header < HEADER_SIZE || header > n || (flags & FLAG_RST))
                return 0;

        data = n - header;
        next = read32(tcp + 4) + (uint32_t)data + ((flags & FLAG_SYN) ? 1 : 0) + ((flags & FLAG_FIN) ? 1 : 0);
        sequence = read32(tcp + 8);
        if (!port_is_open(read16(tcp + 2)))
                answer |= FLAG_RST;
        else if (flags & FLAG_SYN) {
                answer |= FLAG_SYN;
                sequence = FIRST_NUMBER;
        } else if (data > 0) {
                answer |= FLAG_PSH | FLAG_FIN;
                n_answer = http_write(tcp + HEADER_SIZE, client, n_client);
        } else if (flags & FLAG_FIN)
                answer |= FLAG_FIN;
        else
                return 0;

        memcpy(port, tcp, sizeof(port));
        memcpy(tcp, tcp + 2, sizeof(port));
        memcpy(tcp + 2, port, sizeof(port));
        write32(tcp + 4, sequence);
        write32(tcp + 8, next);
        tcp[12] = HEADER_SIZE / 4 << 4;
        tcp[13] = (uint8_t)answer;
        write16(tcp + 14, 8192);
        write32(tcp + 16, 0);
        return HEADER_SIZE + n_answer;
}

void tcp_sum(uint8_t *tcp, size_t n, const uint8_t *source, const uint8_t *destination, size_t n_address)
{
        uint32_t sum = PROTOCOL_TCP + (uint32_t)n;

        sum = checksum_add(sum, source, n_address);
        sum = checksum_add(sum, destination, n_address);
        write16(tcp + 16, checksum_end(checksum_add(sum, tcp, n)));
}
