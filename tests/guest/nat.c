/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What NAT is on the way, in the words of RFC 4787, asked of two responders as RFC 5780 does it of a server
 * with two addresses. For arguments see links.c. Each question is asked from a port of its own, several
 * times, until it is answered; those of which no answer is one are asked for a second. It prints
 *
 *     nat: mapping=… filtering=… ports=preserve|change hairpinning=yes|no kind=…
 *
 * and nat-mapping and nat-filtering (0 none, 1 endpoint-independent, 2 address-dependent, 3
 * address-and-port-dependent), nat-preserves and nat-hairpinning (0 or 1).
 */

#include "links.h"
#include "measure.h"

typedef enum Question {
        ASK_MAPPING,            /* what am I to the first one? From the port of the next two, too */
        ASK_MAPPING_OTHER_PORT, /* … to its other port? */
        ASK_MAPPING_OTHER_HOST, /* … to the second one? */
        ASK_FILTERING_PORT,     /* does its other port reach me? */
        ASK_FILTERING_HOST,     /* does the second one? */
        ASK_HAIRPIN,            /* what is another port of mine to the first one? */
        ASK_HAIRPINNING,        /* do the two reach each other by what they are outside? */
        _QUESTION_MAX,
        ASK_NOT_YET,
} Question;

enum {
        ASK_AGAIN_NS = 200 * NS_PER_MS,
        ASK_TIMES = 6,
};

static AddressRange *ranges;
static AddressList servers;
static uint32_t after_s;
static Question question = ASK_NOT_YET;
static unsigned n_asked;
static uint64_t due;
static bool is_answered[_QUESTION_MAX];
static Endpoint seen[_QUESTION_MAX];

bool nat_obey(const char *argument)
{
        const char *value;

        if ((value = startswith(argument, "--nat-after=")))
                after_s = argument_number(value, 0, 1000000);
        else if ((value = startswith(argument, "--nat="))) {
                if (!ranges)
                        servers.ranges = ranges = memory_take(ADDRESS_RANGES_MAX * sizeof(*ranges), 8);
                if (!address_list_add(&servers, value) || servers.n != 2)
                        PANIC("--nat needs the addresses of two responders");
        } else
                return false;
        return true;
}

/* Those that are asked from there, the last of them. */
static unsigned question_port(Question q)
{
        return q <= ASK_MAPPING_OTHER_HOST ? PORT_NAT : PORT_NAT + (unsigned) q;
}

static void question_ask(Question q)
{
        Endpoint to = {.port = q == ASK_MAPPING_OTHER_PORT ? PORT_RESPOND_OTHER : PORT_RESPOND}, other = {};
        Message message;

        address_list_get(&servers, q == ASK_MAPPING_OTHER_HOST, &to);
        message_init(&message, MESSAGE_BIND);
        write32(message.number, q);
        message.from = q == ASK_FILTERING_PORT   ? FROM_OTHER_PORT
                       : q == ASK_FILTERING_HOST ? FROM_OTHER_HOST
                                                 : FROM_ASKED;
        address_list_get(&servers, 1, &other);
        message_set_endpoint(&message, &other);
        if (q == ASK_HAIRPINNING) {
                /* Either may be filtered unless the other has sent before. */
                message.type = MESSAGE_PUNCH;
                message_send(question_port(ASK_MAPPING), &seen[ASK_HAIRPIN], &message);
                message_send(question_port(ASK_HAIRPIN), &seen[ASK_MAPPING], &message);
                return;
        }
        message_send(question_port(q), &to, &message);
}

static void nat_receive(unsigned port, const Endpoint *from, const uint8_t *data, size_t size)
{
        Message message;
        uint32_t q;

        (void) from;
        if (!message_read(&message, data, size))
                return;
        q = read32(message.number);
        if (message.type == MESSAGE_PUNCH && question == ASK_HAIRPINNING)
                is_answered[ASK_HAIRPINNING] = true;
        if (message.type != MESSAGE_BIND_ANSWER || q >= ASK_HAIRPINNING ||
                        port != question_port((Question) q))
                return;
        is_answered[q] = true;
        message_get_endpoint(&message, &seen[q]);
        if (q == question)
                due = 0;
}

static bool same_seen(Question a, Question b)
{
        return is_answered[a] && is_answered[b] && seen[a].port == seen[b].port &&
               endpoint_same_address(&seen[a], &seen[b]);
}

static void nat_print(void)
{
        NatFinding mapping = nat_mapping(same_seen(ASK_MAPPING, ASK_MAPPING_OTHER_PORT),
                        same_seen(ASK_MAPPING, ASK_MAPPING_OTHER_HOST));
        NatFinding filtering =
                        nat_filtering(is_answered[ASK_FILTERING_PORT], is_answered[ASK_FILTERING_HOST]);
        const bool preserves = seen[ASK_MAPPING].port == question_port(ASK_MAPPING);
        Endpoint own = {};

        if (!is_answered[ASK_MAPPING] || !is_answered[ASK_MAPPING_OTHER_PORT] ||
                        !is_answered[ASK_MAPPING_OTHER_HOST]) {
                console_printf("nat: no answer\n");
                return;
        }
        udp_own_address(seen[ASK_MAPPING].is_ipv6, &own);
        if (preserves && endpoint_same_address(&own, &seen[ASK_MAPPING])) {
                mapping = NAT_FOUND_NONE;
                if (filtering == NAT_FOUND_ENDPOINT_INDEPENDENT)
                        filtering = NAT_FOUND_NONE;
        }
        console_printf("nat: outside ");
        endpoint_print(&seen[ASK_MAPPING], true);
        console_printf("\nnat: mapping=%s filtering=%s ports=%s hairpinning=%s kind=%s\n",
                        nat_finding_to_string(mapping), nat_finding_to_string(filtering),
                        preserves ? "preserve" : "change", is_answered[ASK_HAIRPINNING] ? "yes" : "no",
                        nat_kind(mapping, filtering));
        metric_number("nat-mapping", NULL, mapping);
        metric_number("nat-filtering", NULL, filtering);
        metric_number("nat-preserves", NULL, preserves);
        metric_number("nat-hairpinning", NULL, is_answered[ASK_HAIRPINNING]);
}

bool nat_begin(void)
{
        if (!ranges)
                return false;
        for (Question q = ASK_MAPPING_OTHER_HOST; q <= ASK_HAIRPIN; q++)
                udp_open(question_port(q), nat_receive);
        due = clock_now_ns() + (uint64_t) after_s * NS_PER_S;
        return true;
}

void nat_continue(uint64_t now)
{
        if (question == _QUESTION_MAX)
                return;
        while (now >= due) {
                if (question == ASK_NOT_YET)
                        question = ASK_MAPPING;
                else if (is_answered[question] || n_asked >= ASK_TIMES ||
                                (question == ASK_HAIRPINNING && !is_answered[ASK_HAIRPIN])) {
                        n_asked = 0;
                        if (++question == _QUESTION_MAX) {
                                nat_print();
                                return;
                        }
                }
                question_ask(question);
                n_asked++;
                due = now + ASK_AGAIN_NS;
        }
        links_wake_at(due);
}
