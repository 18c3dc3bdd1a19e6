/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A peer of push gossip (Frieze and Grimmett 1985; Pittel 1987: with one told in each round, all n have
 * heard after log2 n + ln n + O(1) rounds). Arguments: links.c.
 *
 * Round r of a rumour is the time from (r - 1) to r times the length of a round after its beginning. Who has
 * heard in round r tells others from round r + 1 on, at a time of the round's first half that is drawn for
 * each peer: what is sent in a round arrives in it, and a thousand do not send at one moment.
 *
 * A message says in which round it is sent, and when the rumour began: by a clock that is common
 * (clock_is_common), as that of all processes of one host is, or else how long ago. In the first case
 * "heard" has the way in it. In the second it is what the message said, without its way, and the beginning
 * is taken as late as the fastest message makes it: so the rounds of peers without a common clock lag by the
 * least time that a rumour took to them.
 */

#include "links.h"

enum {
        RUMOURS_MAX = 8,
        FANOUT_MAX = 16,
};

typedef struct Rumour {
        bool is_heard;
        bool is_mine;
        uint64_t begins; /* after the start, if it is mine */
        uint64_t origin; /* by the common clock; 0: it began where there is none */
        uint64_t began;  /* by the own clock */
        uint32_t round;  /* in which it tells others next */
        uint64_t due;
} Rumour;

typedef struct Gossip {
        uint8_t magic[4];
        uint8_t rumour;
        uint8_t unused[3];
        uint8_t round[4];
        uint8_t unused_too[4];
        uint8_t age[8];
        uint8_t origin[8];
} Gossip;

static const uint8_t magic[4] = {'G', 'S', 'P', '1'};
static AddressRange *ranges;
static AddressList peers;
static const char *seed = "1";
static const char *rumour_arguments[RUMOURS_MAX];
static Rumour rumours[RUMOURS_MAX];
static unsigned n_rumours;
static uint32_t fanout = 1, rounds = 64, own_index = UINT32_MAX;
static uint64_t round_ns = NS_PER_S, chance;

bool gossip_obey(const char *argument)
{
        const char *value;

        if ((value = startswith(argument, "--gossip="))) {
                if (!ranges)
                        peers.ranges = ranges = memory_take(ADDRESS_RANGES_MAX * sizeof(*ranges), 8);
                if (!address_list_add(&peers, value))
                        PANIC("--gossip needs addresses");
        } else if ((value = startswith(argument, "--gossip-fanout=")))
                fanout = argument_number(value, 1, FANOUT_MAX);
        else if ((value = startswith(argument, "--gossip-round=")))
                round_ns = (uint64_t) argument_number(value, 1, 3600000) * NS_PER_MS;
        else if ((value = startswith(argument, "--gossip-rounds=")))
                rounds = argument_number(value, 1, 1000000);
        else if ((value = startswith(argument, "--gossip-index=")))
                own_index = argument_number(value, 0, 1000000);
        else if ((value = startswith(argument, "--gossip-seed=")))
                seed = value;
        else if ((value = startswith(argument, "--rumour="))) {
                if (n_rumours >= RUMOURS_MAX)
                        PANIC("too many rumours");
                rumour_arguments[n_rumours++] = value;
        } else
                return false;
        return true;
}

/* SECONDS, or N:SECONDS. */
static void rumour_parse(Rumour *rumour, const char *s)
{
        const char *end;
        long number = number_parse(s, &end);

        rumour->is_mine = *end != ':' || number == (long) own_index;
        if (*end == ':')
                s = end + 1;
        rumour->begins = (uint64_t) argument_number(s, 0, 1000000) * NS_PER_S;
}

static void rumour_print(unsigned i, uint32_t round, int64_t ns)
{
        static char heard[] = "heard:0", told[] = "round:0";

        heard[6] = told[6] = (char) ('0' + i);
        metric_seconds(i == 0 ? "heard" : heard, NULL, ns);
        metric_number(i == 0 ? "round" : told, NULL, round);
}

/* When to tell others in the round that is next. */
static void rumour_plan(Rumour *rumour)
{
        rumour->due = rumour->began + (rumour->round - 1) * round_ns +
                      chance_below(&chance, 1000) * (round_ns / 2000);
}

static void rumour_begin(unsigned i, uint64_t now)
{
        Rumour *rumour = &rumours[i];

        rumour->is_heard = true;
        rumour->began = now;
        rumour->origin = clock_is_common ? now : 0;
        rumour->round = 1;
        rumour_plan(rumour);
        rumour_print(i, 0, 0);
}

static void gossip_receive(unsigned port, const Endpoint *from, const uint8_t *data, size_t size)
{
        const Gossip *gossip = (const Gossip *) data;
        const uint64_t now = clock_now_ns();
        Rumour *rumour;
        uint64_t began;

        (void) port;
        (void) from;
        if (size < sizeof(*gossip) || memcmp(gossip->magic, magic, sizeof(magic)) != 0 ||
                        gossip->rumour >= RUMOURS_MAX)
                return;

        rumour = &rumours[gossip->rumour];
        began = now - read64(gossip->age);
        if (clock_is_common && read64(gossip->origin) > 0)
                began = read64(gossip->origin);
        if (!rumour->is_heard) {
                rumour->is_heard = true;
                rumour->origin = read64(gossip->origin);
                rumour->began = began;
                rumour->round = read32(gossip->round) + 1;
                rumour_plan(rumour);
                rumour_print(gossip->rumour, read32(gossip->round), (int64_t) (now - began));
        } else if ((int64_t) (began - rumour->began) < 0) {
                rumour->due -= rumour->began - began;
                rumour->began = began;
        }
}

/* Others than itself, none of them twice. */
static void rumour_tell(unsigned i, uint64_t now)
{
        Rumour *rumour = &rumours[i];
        uint32_t told[FANOUT_MAX], n = 0;
        Gossip gossip = {.rumour = (uint8_t) i};

        memcpy(gossip.magic, magic, sizeof(magic));
        write32(gossip.round, rumour->round);
        write64(gossip.age, now - rumour->began);
        write64(gossip.origin, rumour->origin);
        for (unsigned tries = 0; n < fanout && n < peers.n && tries < 100; tries++) {
                uint32_t k = chance_below(&chance, peers.n);
                Endpoint to = {.port = PORT_GOSSIP}, own;
                bool is_again = false;

                for (uint32_t j = 0; j < n; j++)
                        is_again |= told[j] == k;
                address_list_get(&peers, k, &to);
                if (is_again || (udp_own_address(to.is_ipv6, &own) && endpoint_same_address(&own, &to)))
                        continue;
                told[n++] = k;
                udp_send(PORT_GOSSIP, &to, &gossip, sizeof(gossip));
        }
}

bool gossip_begin(void)
{
        Endpoint own = {};

        if (!ranges)
                return false;
        if (!udp_own_address(peers.ranges[0].first.is_ipv6, &own))
                PANIC("--gossip needs an own address of that kind");
        chance = chance_seed(seed, &own);
        for (unsigned i = 0; i < n_rumours; i++) {
                rumour_parse(&rumours[i], rumour_arguments[i]);
                rumours[i].begins += clock_now_ns();
        }
        udp_open(PORT_GOSSIP, gossip_receive);
        return true;
}

void gossip_continue(uint64_t now)
{
        for (unsigned i = 0; i < RUMOURS_MAX; i++) {
                Rumour *rumour = &rumours[i];

                if (!rumour->is_heard && rumour->is_mine) {
                        if (now >= rumour->begins)
                                rumour_begin(i, now);
                        else
                                links_wake_at(rumour->begins);
                }
                if (!rumour->is_heard || rumour->round > rounds)
                        continue;
                if (now >= rumour->due) {
                        rumour_tell(i, now);
                        /* Rounds that a pause has taken are gone. */
                        if (now - rumour->began >= rumour->round * round_ns)
                                rumour->round = (uint32_t) ((now - rumour->began) / round_ns) + 1;
                        else
                                rumour->round++;
                        rumour_plan(rumour);
                }
                if (rumour->round <= rounds)
                        links_wake_at(rumour->due);
        }
}
