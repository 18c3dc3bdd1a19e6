/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends trains of packets to responders, see links.c for its arguments, and tells what became of them:
 *
 *     sent, answered, lost, loss (as a share), duplicates (answers beyond one for a packet), reordered and
 *     corrupt (as the responder has counted), bits (a second, of whole frames, as they arrived there)
 *     round-trip-least, -median, -mean, -p95, -p99, -most, in seconds
 *     forward-least and so on: from here to there
 *
 * A time is taken by the guest itself, when it gives a packet to its device and when it has taken one from
 * it: it has in it how long the receiver took to wake up, and how long the frames before it took. Round
 * trips are by one clock. A forward time is that of two: if both are the host's (clock_is_common), it is
 * what the way took; if not, the least one of the train is set to nothing, and what is printed is how much
 * longer each took ("forward-least" is 0).
 */

#include "links.h"
#include "measure.h"

enum {
        ROW = 64,
        AT_ONCE_MAX = 32, /* before it looks for answers again */
        HELLO_AGAIN_NS = NS_PER_S, /* longer than any way and back: how many are sent is the same each time */
        HELLO_TIMES = 20,
};

typedef enum ProbeState {
        PROBE_WAITING,
        PROBE_HELLO, /* asks whether somebody is there; finds all hardware addresses */
        PROBE_SENDING,
        PROBE_LISTENING, /* all are sent */
        PROBE_DONE,
} ProbeState;

static AddressRange *ranges;
static AddressList targets;
static uint32_t count = 1000, rate = 1000, size = MESSAGE_SHORT, after_s, wait_s = 3, repeat_s;
static bool prints;

static ProbeState state;
static Endpoint target;
static uint32_t n_target, n_train, n_sent, n_hellos;
static uint64_t due, began;
static bool is_common;
static Train train;

bool probe_obey(const char *argument)
{
        const char *value;

        if ((value = startswith(argument, "--probe="))) {
                if (!ranges)
                        targets.ranges = ranges = memory_take(ADDRESS_RANGES_MAX * sizeof(*ranges), 8);
                if (!address_list_add(&targets, value))
                        PANIC("--probe needs addresses");
        } else if ((value = startswith(argument, "--probe-count=")))
                count = argument_number(value, 1, 1000000);
        else if ((value = startswith(argument, "--probe-rate=")))
                rate = argument_number(value, 1, 1000000);
        else if ((value = startswith(argument, "--probe-size=")))
                size = argument_number(value, MESSAGE_SHORT, UDP_MAX);
        else if ((value = startswith(argument, "--probe-after=")))
                after_s = argument_number(value, 0, 1000000);
        else if ((value = startswith(argument, "--probe-wait=")))
                wait_s = argument_number(value, 1, 1000);
        else if ((value = startswith(argument, "--probe-repeat=")))
                repeat_s = argument_number(value, 1, 1000000);
        else if (streq(argument, "--probe-print"))
                prints = true;
        else
                return false;
        return true;
}

static void packet_send(MessageType type, uint32_t number)
{
        static uint8_t packet[UDP_MAX];
        Message *message = (Message *) packet;

        message_init(message, type);
        write32(message->train, n_train);
        write32(message->number, number);
        write64(message->sent, clock_now_ns());
        udp_send(PORT_PROBE, &target, packet, type == MESSAGE_TRAIN ? size : MESSAGE_SHORT);
}

static void probe_receive(unsigned port, const Endpoint *from, const uint8_t *data, size_t n)
{
        const uint64_t now = clock_now_ns();
        Message message;

        (void) port;
        if (!message_read(&message, data, n) || read32(message.train) != n_train ||
                        !endpoint_same_address(from, &target))
                return;
        if (message.type == MESSAGE_HELLO_ANSWER && state == PROBE_HELLO) {
                is_common = clock_is_common && message.is_common;
                train_begin(&train, count, train.round_trips, train.forward);
                state = PROBE_SENDING;
                n_sent = 0;
                began = now;
        } else if (message.type == MESSAGE_TRAIN_ANSWER && state >= PROBE_SENDING)
                train_add(&train, &(TrainAnswer){
                                                  .number = read32(message.number),
                                                  .sent = read64(message.sent),
                                                  .arrived = read64(message.arrived),
                                                  .now = now,
                                                  .reordered = read32(message.reordered),
                                                  .corrupt = read32(message.corrupt),
                                  });
}

static void values_print(const char *what, const int64_t *values)
{
        for (uint32_t i = 0; i < count; i++) {
                if (i % ROW == 0)
                        console_printf("%s%s %u:", i > 0 ? "\n" : "", what, i);
                if (values[i] == TRAIN_LOST)
                        console_printf(" -");
                else
                        console_printf(" %ld", values[i] / 1000);
        }
        console_printf("\n");
}

static void spread_print(const char *what, const Endpoint *about, int64_t *values)
{
        Spread spread;
        const struct {
                const char *name;
                const int64_t *value;
        } rows[] = {
                        {"-least", &spread.least},
                        {"-median", &spread.median},
                        {"-mean", &spread.mean},
                        {"-p95", &spread.p95},
                        {"-p99", &spread.p99},
                        {"-most", &spread.most},
        };

        if (!spread_of(values, count, &spread))
                return;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char name[32] = {};

                memcpy(name, what, strlen(what));
                memcpy(name + strlen(what), rows[i].name, strlen(rows[i].name));
                metric_seconds(name, about, *rows[i].value);
        }
}

/* So that the least is nothing. */
static void values_shift(int64_t *values)
{
        int64_t least = TRAIN_LOST;

        for (uint32_t i = 0; i < count; i++)
                if (values[i] < least)
                        least = values[i];
        for (uint32_t i = 0; i < count; i++)
                if (values[i] != TRAIN_LOST)
                        values[i] -= least;
}

static void train_print(void)
{
        const Endpoint *about = targets.n > 1 ? &target : NULL;
        uint64_t frame = size + UDP_HEADERS + (target.is_ipv6 ? 20 : 0);

        if (!is_common)
                values_shift(train.forward);
        if (prints) {
                values_print("forward", train.forward);
                values_print("round-trip", train.round_trips);
        }
        metric_number("sent", about, count);
        metric_number("answered", about, train.n_answered);
        metric_number("lost", about, count - train.n_answered);
        metric_share("loss", about, count - train.n_answered, count);
        metric_number("duplicates", about, train.n_answers - train.n_answered);
        metric_number("reordered", about, train.reordered);
        metric_number("corrupt", about, train.corrupt);
        metric_number("bits", about, train_bits_per_second(&train, frame * 8));
        spread_print("round-trip", about, train.round_trips);
        spread_print("forward", about, train.forward);
}

/* The next one of the list, or the first again. */
static void target_next(uint64_t now)
{
        if (n_target >= targets.n) {
                console_printf("probed\n");
                n_target = 0;
                if (repeat_s == 0) {
                        state = PROBE_DONE;
                        return;
                }
                state = PROBE_WAITING;
                due = now + (uint64_t) repeat_s * NS_PER_S;
                return;
        }
        target = (Endpoint){.port = PORT_RESPOND};
        address_list_get(&targets, n_target++, &target);
        n_train++;
        n_hellos = 0;
        state = PROBE_HELLO;
        due = now;
}

static void hello_send(uint64_t now)
{
        if (n_hellos++ < HELLO_TIMES) {
                packet_send(MESSAGE_HELLO, 0);
                due = now + HELLO_AGAIN_NS;
                return;
        }
        console_printf("no answer from ");
        endpoint_print(&target, false);
        console_printf("\n");
        target_next(now);
}

/* Those that are due, at their times: what was late does not make the train slower. */
static void train_send(uint64_t now)
{
        for (unsigned i = 0; i < AT_ONCE_MAX && n_sent < count; i++) {
                due = began + (uint64_t) n_sent * NS_PER_S / rate;
                if (due > now)
                        return;
                packet_send(MESSAGE_TRAIN, n_sent++);
        }
        if (n_sent < count)
                return;
        state = PROBE_LISTENING;
        due = now + (uint64_t) wait_s * NS_PER_S;
}

bool probe_begin(void)
{
        if (!ranges)
                return false;
        train.round_trips = memory_take(count * sizeof(*train.round_trips), 8);
        train.forward = memory_take(count * sizeof(*train.forward), 8);
        n_train = (uint32_t)
                        clock_now_ns(); /* so that a responder does not take it for one before a restart */
        udp_open(PORT_PROBE, probe_receive);
        due = clock_now_ns() + (uint64_t) after_s * NS_PER_S;
        return true;
}

void probe_continue(uint64_t now)
{
        if (state == PROBE_SENDING)
                train_send(now);
        else if (state != PROBE_DONE && now >= due) {
                if (state == PROBE_LISTENING)
                        train_print();
                if (state == PROBE_HELLO)
                        hello_send(now);
                else
                        target_next(now);
        }
        if (state != PROBE_DONE)
                links_wake_at(due);
}
