/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes a hole in the NATs between two members (RFC 5128, 3.3): both say where they are to a responder,
 * which tells each what the other is outside; then both send there at once, and to wherever something comes
 * from. It prints "punched" (1 if an answer has come through, 0 if none has in five seconds) and
 * "punched-after", in seconds.
 */

#include "links.h"

typedef enum PunchState {
        PUNCH_REGISTERING,
        PUNCH_PUNCHING,
        PUNCH_DONE, /* answers the other still */
} PunchState;

enum {
        REGISTER_AGAIN_NS = 250 * NS_PER_MS,
        PUNCH_AGAIN_NS = 100 * NS_PER_MS,
};

#define PUNCH_NS (5UL * NS_PER_S)

static bool is_asked;
static Endpoint server, peer;
static char name[MESSAGE_NAME_MAX + 1], other[MESSAGE_NAME_MAX + 1];
static PunchState state;
static uint64_t due, began;

static const char *name_parse(const char *s, char ret[MESSAGE_NAME_MAX + 1])
{
        size_t n = 0;

        if (*s != ',')
                PANIC("--punch needs an address and two names");
        for (s++; *s != '\0' && *s != ','; s++) {
                if (n >= MESSAGE_NAME_MAX)
                        PANIC("a name of --punch is too long");
                ret[n++] = *s;
        }
        if (n == 0)
                PANIC("--punch needs an address and two names");
        return s;
}

bool punch_obey(const char *argument)
{
        const char *value = startswith(argument, "--punch=");

        if (!value)
                return false;
        if (!address_parse(value, &server, &value))
                PANIC("--punch needs an address");
        server.port = PORT_RESPOND;
        value = name_parse(name_parse(value, name), other);
        if (*value != '\0')
                PANIC("--punch takes two names");
        return is_asked = true;
}

static void punch_send(MessageType type, const Endpoint *to)
{
        Message message;

        message_init(&message, type);
        memcpy(message.name, name, sizeof(name));
        memcpy(message.other, other, sizeof(other));
        message_send(PORT_PUNCH, to, &message);
}

static void punch_end(bool is_through, uint64_t now)
{
        state = PUNCH_DONE;
        metric_number("punched", NULL, is_through);
        if (is_through)
                metric_seconds("punched-after", NULL, (int64_t) (now - began));
}

static void punch_receive(unsigned port, const Endpoint *from, const uint8_t *data, size_t size)
{
        const uint64_t now = clock_now_ns();
        Message message;

        (void) port;
        if (!message_read(&message, data, size) || !streq(message.name, other))
                return;
        switch (message.type) {
        case MESSAGE_PEER:
                if (!endpoint_same_address(from, &server) || state != PUNCH_REGISTERING)
                        return;
                message_get_endpoint(&message, &peer);
                state = PUNCH_PUNCHING;
                began = due = now;
                break;
        case MESSAGE_PUNCH:
                punch_send(MESSAGE_PUNCHED, from);
                /* Behind a symmetric NAT the other is not what the responder saw. */
                peer = *from;
                if (state == PUNCH_REGISTERING) {
                        state = PUNCH_PUNCHING;
                        began = due = now;
                }
                break;
        case MESSAGE_PUNCHED:
                if (state == PUNCH_PUNCHING)
                        punch_end(true, now);
                break;
        }
}

bool punch_begin(void)
{
        if (!is_asked)
                return false;
        udp_open(PORT_PUNCH, punch_receive);
        return true;
}

void punch_continue(uint64_t now)
{
        if (state == PUNCH_DONE)
                return;
        if (state == PUNCH_PUNCHING && now - began >= PUNCH_NS)
                punch_end(false, now);
        else if (now >= due) {
                if (state == PUNCH_REGISTERING)
                        punch_send(MESSAGE_REGISTER, &server);
                else
                        punch_send(MESSAGE_PUNCH, &peer);
                due = now + (state == PUNCH_REGISTERING ? REGISTER_AGAIN_NS : PUNCH_AGAIN_NS);
        }
        if (state != PUNCH_DONE)
                links_wake_at(due);
}
