/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A member of a fleet that shows what its links are like. What it has found out it prints as "METRIC NAME VALUE",
 * the form that shruthi.fleet(5) collects. All of it is for the first network's device.
 *
 * A peer of push gossip (gossip.c):
 *     --gossip=PEERS          who may be told: addresses of IPv4 or IPv6 with commas between them, each of which may
 *                             stand for N that follow one another, as "10.0.0.2+1000"; its own is left out
 *     --gossip-fanout=N       how many it tells in each round (1)
 *     --gossip-round=MS       how long a round is (1000); the slowest link must need less than half of it
 *     --gossip-rounds=N       the last one in which it tells somebody (64)
 *     --gossip-index=N        its own number
 *     --gossip-seed=WORD      what its choices come from, with its address
 *     --rumour=SECONDS        begins a rumour so long after its start
 *     --rumour=N:SECONDS      does so if its own number is N; may be given several times, for several rumours
 *                             prints "heard" (seconds since the rumour began) and "round"; those of the second
 *                             rumour are "heard:1" and "round:1", and so on
 *
 * A prober (probe.c), and those who answer it:
 *     --respond               answers all the following, and brings together those who punch
 *     --probe=PEERS           sends a train of packets to each of these, one after the other
 *     --probe-count=N         how many packets (1000)
 *     --probe-rate=N          how many a second (1000)
 *     --probe-size=BYTES      of each, without headers (64, which is the least)
 *     --probe-after=SECONDS   waits so long first
 *     --probe-wait=SECONDS    waits so long for answers (3)
 *     --probe-repeat=SECONDS  begins again so long after the last one
 *     --probe-print           prints what became of each packet, too: lines "forward NUMBER: …" and "round-trip
 *                             NUMBER: …" with microseconds for 64 packets from that number on, "-" for a lost one
 *
 * And what is between (nat.c, punch.c):
 *     --nat=A,B               asks these two responders what NAT is on the way
 *     --nat-after=SECONDS     waits so long first
 *     --punch=A,NAME,OTHER    looks, with the help of responder A, for the member that does so with these names the
 *                             other way round, through the NATs of both
 */

#include "links.h"

typedef struct Part {
        bool (*obey)(const char *argument);
        bool (*begin)(void); /* false: it was asked for nothing */
        void (*go_on)(uint64_t now);
        bool is_active;
} Part;

enum {
        TIMER_MS = 1,
};

static const uint8_t magic[4] = {'L', 'N', 'K', '1'};
static Part parts[] = {
                {gossip_obey, gossip_begin, gossip_continue, false},
                {respond_obey, respond_begin, NULL, false},
                {probe_obey, probe_begin, probe_continue, false},
                {nat_obey, nat_begin, nat_continue, false},
                {punch_obey, punch_begin, punch_continue, false},
};
static bool is_wanted, is_active;

void write64(uint8_t *p, uint64_t value)
{
        write32(p, (uint32_t) (value >> 32));
        write32(p + 4, (uint32_t) value);
}

uint64_t read64(const uint8_t *p)
{
        return (uint64_t) read32(p) << 32 | read32(p + 4);
}

void message_init(Message *message, MessageType type)
{
        *message = (Message){.type = (uint8_t) type};
        memcpy(message->magic, magic, sizeof(magic));
}

bool message_read(Message *message, const uint8_t *data, size_t size)
{
        if (size < MESSAGE_SHORT || memcmp(data, magic, sizeof(magic)) != 0)
                return false;
        *message = (Message){};
        memcpy(message, data, size < sizeof(*message) ? size : sizeof(*message));
        message->name[MESSAGE_NAME_MAX] = message->other[MESSAGE_NAME_MAX] = '\0';
        return true;
}

void message_set_endpoint(Message *message, const Endpoint *endpoint)
{
        message->is_ipv6 = endpoint->is_ipv6;
        memcpy(message->address, endpoint->address, sizeof(message->address));
        write16(message->port, endpoint->port);
}

void message_get_endpoint(const Message *message, Endpoint *ret)
{
        *ret = (Endpoint){.is_ipv6 = message->is_ipv6, .port = (uint16_t) read16(message->port)};
        memcpy(ret->address, message->address, sizeof(ret->address));
}

void message_send(unsigned port, const Endpoint *to, const Message *message)
{
        udp_send(port, to, message, message->name[0] == '\0' ? MESSAGE_SHORT : sizeof(*message));
}

uint32_t argument_number(const char *s, uint32_t least, uint32_t most)
{
        long value = number_parse(s, &s);

        if (*s != '\0' || value < (long) least || value > (long) most)
                PANIC("an argument is not a number, or too small or too large");
        return (uint32_t) value;
}

void endpoint_print(const Endpoint *endpoint, bool with_port)
{
        const uint8_t *a = endpoint->address;

        if (endpoint->is_ipv6)
                console_printf("%x:%x:%x:%x:%x:%x:%x:%x", read16(a), read16(a + 2), read16(a + 4),
                                read16(a + 6), read16(a + 8), read16(a + 10), read16(a + 12),
                                read16(a + 14));
        else
                console_printf("%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        if (with_port)
                console_printf(" port %u", endpoint->port);
}

static void metric_name(const char *name, const Endpoint *about)
{
        console_printf("METRIC %s", name);
        if (about) {
                console_putc(':');
                endpoint_print(about, false);
        }
        console_putc(' ');
}

void metric_number(const char *name, const Endpoint *about, uint64_t value)
{
        metric_name(name, about);
        console_printf("%lu\n", value);
}

void metric_seconds(const char *name, const Endpoint *about, int64_t ns)
{
        uint64_t value = ns < 0 ? -(uint64_t) ns : (uint64_t) ns;

        metric_name(name, about);
        console_printf("%s%lu.%09lu\n", ns < 0 ? "-" : "", value / NS_PER_S, value % NS_PER_S);
}

void metric_share(const char *name, const Endpoint *about, uint64_t part, uint64_t whole)
{
        uint64_t millionths = whole > 0 ? part * 1000000 / whole : 0;

        metric_name(name, about);
        console_printf("%lu.%06lu\n", millionths / 1000000, millionths % 1000000);
}

bool links_obey(const char *argument)
{
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i].obey(argument))
                        return is_wanted = true;
        return false;
}

void links_begin(void)
{
        if (!is_wanted)
                return;
        clock_start();
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                parts[i].is_active = parts[i].begin();
                is_active |= parts[i].is_active;
        }
}

unsigned links_timer_ms(void)
{
        return is_active && !clock_is_exact ? TIMER_MS : 0;
}

void links_wake_at(uint64_t ns)
{
        if (cpu_wait_until_ns == 0 || ns < cpu_wait_until_ns)
                cpu_wait_until_ns = ns;
}

void links_continue(void)
{
        uint64_t next;

        if (!is_active)
                return;
        cpu_wait_until_ns = 0;
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i].is_active && parts[i].go_on)
                        parts[i].go_on(clock_now_ns());
        next = udp_continue();
        if (next > 0)
                links_wake_at(next);
}

bool links_are_due(void)
{
        return is_active && cpu_wait_until_ns > 0 && clock_now_ns() >= cpu_wait_until_ns;
}
