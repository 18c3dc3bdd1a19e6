/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What gossip.c, probe.c, respond.c and nat.c share: see links.c. */

#include "udp.h"

enum {
        PORT_GOSSIP = 7001,
        PORT_RESPOND = 7002,
        PORT_RESPOND_OTHER = 7003, /* of the same responder */
        PORT_PROBE = 7004,
        PORT_PUNCH = 7005,
        PORT_NAT = 7010, /* and those that follow, one for each thing that is asked */

        MESSAGE_NAME_MAX = 15,
        NS_PER_MS = 1000000,
        NS_PER_S = 1000000000,
};

typedef enum MessageType {
        MESSAGE_HELLO = 1,    /* is somebody there? With the number of a train that is to come. */
        MESSAGE_HELLO_ANSWER, /* yes */
        MESSAGE_TRAIN,        /* a packet of a train */
        MESSAGE_TRAIN_ANSWER, /* it has come */
        MESSAGE_BIND,         /* from what address and port does this come? */
        MESSAGE_BIND_ANSWER,  /* from this one */
        MESSAGE_RELAY,        /* by a responder to the other: send an answer there */
        MESSAGE_REGISTER,     /* here am I, name, and look for other */
        MESSAGE_PEER,         /* other is there */
        MESSAGE_PUNCH,        /* by one that looks to the other */
        MESSAGE_PUNCHED,      /* it has come through */
} MessageType;

/* Whose answer is wanted, in MESSAGE_BIND. */
typedef enum MessageFrom {
        FROM_ASKED,
        FROM_OTHER_PORT,
        FROM_OTHER_HOST, /* the one in endpoint */
} MessageFrom;

/* What goes to a responder and comes from it. All numbers are big endian; trains have anything behind. */
typedef struct Message {
        uint8_t magic[4];
        uint8_t type;
        uint8_t from;
        uint8_t is_common; /* the clock that arrived is of: clock_is_common */
        uint8_t is_ipv6;   /* the address */
        uint8_t train[4];
        uint8_t number[4];
        uint8_t sent[8];
        uint8_t arrived[8];
        uint8_t reordered[4];
        uint8_t corrupt[4];
        uint8_t port[2];
        uint8_t unused[6];
        uint8_t address[16];
        char name[MESSAGE_NAME_MAX + 1]; /* ends with NUL; not in trains */
        char other[MESSAGE_NAME_MAX + 1];
} Message;

enum {
        MESSAGE_SHORT = offsetof(Message, name), /* of a packet of a train, at least, and of an answer */
};

void write64(uint8_t *p, uint64_t value);
uint64_t read64(const uint8_t *p);

void message_init(Message *message, MessageType type);
/* False: that is no message. What is missing of it is zero. */
bool message_read(Message *message, const uint8_t *data, size_t size);
void message_set_endpoint(Message *message, const Endpoint *endpoint);
void message_get_endpoint(const Message *message, Endpoint *ret);
void message_send(unsigned port, const Endpoint *to, const Message *message);

/* When links_continue() is wanted again, if nothing wants it earlier. */
void links_wake_at(uint64_t ns);
/* The value of an argument: a number of that range, and nothing behind. */
uint32_t argument_number(const char *s, uint32_t least, uint32_t most);

/* Lines "METRIC NAME VALUE", as shruthi.fleet(5) has it; about: behind the name, or NULL. */
void metric_number(const char *name, const Endpoint *about, uint64_t value);
void metric_seconds(const char *name, const Endpoint *about, int64_t ns);
void metric_share(const char *name, const Endpoint *about, uint64_t part, uint64_t whole);
void endpoint_print(const Endpoint *endpoint, bool with_port);

/* Each takes its arguments, begins, and does what is due at the time; see links.c. */
bool gossip_obey(const char *argument);
bool gossip_begin(void);
void gossip_continue(uint64_t now);
bool probe_obey(const char *argument);
bool probe_begin(void);
void probe_continue(uint64_t now);
bool respond_obey(const char *argument);
bool respond_begin(void);
bool nat_obey(const char *argument);
bool nat_begin(void);
void nat_continue(uint64_t now);
bool punch_obey(const char *argument);
bool punch_begin(void);
void punch_continue(uint64_t now);
