/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Answers the packets of probe.c, tells nat.c where its packets come from, as STUN's servers do (RFC 8489,
 * 5780), and brings together those of punch.c. An answer to a packet of a train is short, whatever its size:
 * the way back is not to be the bottleneck.
 */

#include "links.h"
#include "measure.h"

enum {
        TRAINS_MAX = 64,
        NAMES_MAX = 256,
};

typedef struct Sender {
        Endpoint endpoint;
        uint32_t train;
        uint32_t corrupt_before;
        Arrivals arrivals;
} Sender;

typedef struct Member {
        char name[MESSAGE_NAME_MAX + 1];
        Endpoint endpoint;
} Member;

static bool is_asked;
static Sender *senders;
static unsigned next_sender;
static Member *members;
static unsigned n_members;

bool respond_obey(const char *argument)
{
        if (!streq(argument, "--respond"))
                return false;
        return is_asked = true;
}

/* One that is new takes the place of the one that has been there longest. */
static Sender *sender_find(const Endpoint *endpoint, uint32_t train)
{
        Sender *sender;

        for (unsigned i = 0; i < TRAINS_MAX; i++)
                if (senders[i].train == train && senders[i].endpoint.port == endpoint->port &&
                                endpoint_same_address(&senders[i].endpoint, endpoint))
                        return &senders[i];
        sender = &senders[next_sender++ % TRAINS_MAX];
        *sender = (Sender){.endpoint = *endpoint, .train = train, .corrupt_before = udp_corrupt_count()};
        return sender;
}

static void train_answer(unsigned port, const Endpoint *from, Message *message)
{
        Sender *sender = sender_find(from, read32(message->train));

        if (message->type == MESSAGE_TRAIN) {
                arrivals_add(&sender->arrivals, read32(message->number));
                message->type = MESSAGE_TRAIN_ANSWER;
        } else
                message->type = MESSAGE_HELLO_ANSWER;
        message->is_common = clock_is_common;
        write32(message->reordered, sender->arrivals.n_reordered);
        write32(message->corrupt, udp_corrupt_count() - sender->corrupt_before);
        message->name[0] = '\0';
        message_send(port, from, message);
}

/* What is asked to answer from elsewhere does not say so itself. */
static void bind_answer(unsigned port, const Endpoint *from, Message *message)
{
        Endpoint other;

        message_get_endpoint(message, &other);
        message_set_endpoint(message, from);
        if (message->from == FROM_OTHER_HOST) {
                message->type = MESSAGE_RELAY;
                other.port = PORT_RESPOND;
                message_send(PORT_RESPOND, &other, message);
                return;
        }
        message->type = MESSAGE_BIND_ANSWER;
        if (message->from == FROM_OTHER_PORT)
                port = port == PORT_RESPOND ? PORT_RESPOND_OTHER : PORT_RESPOND;
        message_send(port, from, message);
}

static void relay_answer(Message *message)
{
        Endpoint to;

        message_get_endpoint(message, &to);
        message->type = MESSAGE_BIND_ANSWER;
        message_send(PORT_RESPOND, &to, message);
}

static Member *member_find(const char *name)
{
        for (unsigned i = 0; i < n_members; i++)
                if (streq(members[i].name, name))
                        return &members[i];
        return NULL;
}

static void peer_tell(const Member *to, const Member *about)
{
        Message message;

        message_init(&message, MESSAGE_PEER);
        memcpy(message.name, about->name, sizeof(message.name));
        message_set_endpoint(&message, &about->endpoint);
        message_send(PORT_RESPOND, &to->endpoint, &message);
}

/* Both are told when the second one is there, and again whenever one still asks. */
static void member_register(const Endpoint *from, const Message *message)
{
        Member *member = member_find(message->name), *other = member_find(message->other);

        if (!member) {
                if (n_members >= NAMES_MAX || message->name[0] == '\0')
                        return;
                member = &members[n_members++];
                memcpy(member->name, message->name, sizeof(member->name));
        }
        member->endpoint = *from;
        if (!other)
                return;
        peer_tell(member, other);
        peer_tell(other, member);
}

static void respond_receive(unsigned port, const Endpoint *from, const uint8_t *data, size_t size)
{
        const uint64_t now = clock_now_ns();
        Message message;

        if (!message_read(&message, data, size))
                return;
        write64(message.arrived, now);
        switch (message.type) {
        case MESSAGE_HELLO:
        case MESSAGE_TRAIN:
                train_answer(port, from, &message);
                break;
        case MESSAGE_BIND:
                bind_answer(port, from, &message);
                break;
        case MESSAGE_RELAY:
                relay_answer(&message);
                break;
        case MESSAGE_REGISTER:
                member_register(from, &message);
                break;
        }
}

bool respond_begin(void)
{
        if (!is_asked)
                return false;
        senders = memory_take(TRAINS_MAX * sizeof(*senders), 8);
        members = memory_take(NAMES_MAX * sizeof(*members), 8);
        udp_open(PORT_RESPOND, respond_receive);
        udp_open(PORT_RESPOND_OTHER, respond_receive);
        console_printf("responding\n");
        return true;
}
