/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A Demand is a unikernel whose ports stay published while it is stopped. It is in one of three states:
 *
 *     held     what comes is held: it is stopped, starts, stops, or nobody has said yet that it is ready
 *     open     it is ready: the kernel hands over nothing
 *     refused  its starts have failed: the kernel answers that nobody is there, and hands over nothing
 *
 *     held, refused ── shruthi-demand: open ──────────────────────────► open
 *     open, refused ── shruthi-demand: hold; its interface went ──────► held
 *     open          ── it is idle ────────────────────────────────────► held
 *     held, open    ── shruthi-demand: refuse ────────────────────────► refused
 *
 * An idle one is held first, and looked at once more before shruthi-demand is told: so no connection is
 * begun that would be cut off by the stop. */

#include "antispoof/demand.h"

#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antispoof/conntrack.h"
#include "antispoof/demand-protocol.h"
#include "antispoof/demand-ruleset.h"
#include "antispoof/demand-target.h"
#include "antispoof/held-packets.h"
#include "antispoof/nft.h"
#include "antispoof/packet-source.h"
#include "antispoof/publish.h"
#include "common/io.h"
#include "common/log.h"

/* Connections of one unikernel that are remembered to notice new ones. With more it is not idle. */
#define SEEN_MAX 4096

#define LOOK_MIN_USEC (G_USEC_PER_SEC / 4)
#define LOOK_MAX_USEC (10 * G_USEC_PER_SEC)
#define LOOK_SHARE    20 /* a look is followed by a pause so many times as long */
#define RETRY_USEC    G_USEC_PER_SEC
#define CLIENT_BUFFER (8 * 1024 * 1024) /* all that there is is told at once, in some KiB each */

typedef enum DemandState {
        DEMAND_STATE_HELD,
        DEMAND_STATE_OPEN,
        DEMAND_STATE_REFUSED,
} DemandState;

typedef struct Demand {
        char *name;
        DemandState state;
        bool present; /* its interfaces are there */
        bool told;    /* that it is wanted */
        bool gone;    /* they have just gone */
        bool ending;  /* held because it is idle, and looked at once more */
        bool busy;    /* what a look has found: a connection that is open, or a new one */
        unsigned idle_sec;
        int64_t active;   /* when it was not idle last */
        HeldPackets *packets;
        GHashTable *seen; /* numbers of the connections that the last look has found */
        GHashTable *found;
} Demand;

static GHashTable *demands; /* name → Demand */
static int client = -EBADF;
static PacketSource source = PACKET_SOURCE_INIT;
static DemandMeans means = _DEMAND_MEANS_MAX; /* not known yet */
static int64_t next_look = INT64_MAX;
static int64_t rested;                  /* no look before */
static int64_t next_apply = INT64_MAX;  /* the kernel did not follow */
static int64_t next_expiry = INT64_MAX; /* not later than when the oldest packet is dropped */

static void demand_free(gpointer data)
{
        Demand *demand = data;

        g_free(demand->name);
        held_packets_free(demand->packets);
        g_hash_table_unref(demand->seen);
        g_clear_pointer(&demand->found, g_hash_table_unref);
        g_free(demand);
}

static Demand *demand_find(const char *name)
{
        return demands ? g_hash_table_lookup(demands, name) : NULL;
}

static Demand *demand_of_address(const Address *address)
{
        const GPtrArray *publications = publish_list();

        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];

                if (publication->demand && (address_equal(&publication->address4, address) ||
                                                           address_equal(&publication->address6, address)))
                        return demand_find(publication->unikernel);
        }
        return NULL;
}

typedef bool (*DemandIs)(const Demand *demand);

static bool demand_is_held(const Demand *demand)
{
        return demand->state == DEMAND_STATE_HELD;
}

static bool demand_is_open(const Demand *demand)
{
        return demand->state == DEMAND_STATE_OPEN;
}

static bool demand_is_refused(const Demand *demand)
{
        return demand->state == DEMAND_STATE_REFUSED;
}

static bool demand_is_gone(const Demand *demand)
{
        return demand->gone;
}

static bool demand_is_ending(const Demand *demand)
{
        return demand->ending;
}

/* The addresses of those of which it is true. */
static GArray *demand_guests(DemandIs is)
{
        const GPtrArray *publications = publish_list();
        GArray *guests = g_array_new(FALSE, FALSE, sizeof(Address));

        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];
                const Demand *demand = publication->demand ? demand_find(publication->unikernel) : NULL;

                if (!demand || !is(demand))
                        continue;
                if (address_is_set(&publication->address4))
                        g_array_append_val(guests, publication->address4);
                if (address_is_set(&publication->address6))
                        g_array_append_val(guests, publication->address6);
        }
        return guests;
}

static void demand_tell(DemandWord word, const char *name)
{
        g_autofree char *message = demand_message_format(word, name);

        /* One that does not read connects again, and is told of all that there is. */
        if (client >= 0 && send(client, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                client = close_safe(client);
}

static void demand_tell_wanted(Demand *demand)
{
        if (!demand->told)
                demand_tell(DEMAND_WANTED, demand->name);
        demand->told = true;
}

static void demand_release(Demand *demand, PacketVerdict verdict)
{
        uint32_t id;

        while (held_packets_take(demand->packets, INT64_MAX, &id))
                packet_source_release(&source, id, verdict);
        demand->told = false;
}

/* Their senders have tried again since, or given up. */
static void demand_drop_old(Demand *demand, int64_t now)
{
        bool any = false;
        uint32_t id;

        while (held_packets_take(demand->packets, now - HELD_PACKETS_USEC, &id)) {
                packet_source_release(&source, id, PACKET_DROP);
                any = true;
        }
        if (any && held_packets_count(demand->packets) == 0)
                demand->told = false;
}

static void demand_drop_all_old(int64_t now)
{
        GHashTableIter iter;
        gpointer value;

        next_expiry = INT64_MAX;
        if (!demands)
                return;
        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Demand *demand = value;

                demand_drop_old(demand, now);
                next_expiry = MIN(next_expiry, held_packets_next(demand->packets));
        }
}

static int demand_make_table_by(DemandMeans by, const GArray *held, const GArray *refused, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);
        int r;

        demand_ruleset_append_table(commands, by, held, refused);
        r = nft_run_retrying(commands->str, ret_error);
        if (r < 0)
                return r;
        r = by == DEMAND_TARGET ? demand_target_add() : 0;
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot have packets queued");
        r = source.fd < 0 ? packet_source_open(&source, by != DEMAND_LOG) : 0;
        if (r < 0)
                return error_set_errno(
                                ret_error, r, "Cannot listen to queue or group %d", PACKET_SOURCE_NUMBER);
        return 0;
}

/* Which of the means this kernel has is found out once. */
static int demand_make_table(const GArray *held, const GArray *refused, Error *ret_error)
{
        int r;

        if (means != _DEMAND_MEANS_MAX)
                return demand_make_table_by(means, held, refused, ret_error);

        for (DemandMeans by = 0; by < _DEMAND_MEANS_MAX; by++) {
                _cleanup_error_ Error error = ERROR_INIT;

                r = demand_make_table_by(by, held, refused, &error);
                if (r < 0) {
                        error_clear(ret_error);
                        error_move(ret_error, &error);
                        continue;
                }
                means = by;
                if (by == DEMAND_LOG)
                        log_warning("Packets cannot be held: the first ones to a unikernel that is stopped "
                                    "start it, and are dropped: %s",
                                        error_message(ret_error, 0));
                error_clear(ret_error);
                return 0;
        }
        return r;
}

static int demand_apply(void)
{
        g_autoptr(GArray) held = demand_guests(demand_is_held), refused = demand_guests(demand_is_refused);
        g_autoptr(GString) commands = g_string_new(NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        int r = -ENOENT;

        demand_ruleset_append_guests(commands, held, refused);
        if (means != _DEMAND_MEANS_MAX)
                r = nft_run_retrying(commands->str, &error);
        if (r < 0)
                error_clear(&error);
        if (r < 0)
                r = demand_make_table(held, refused, &error);
        next_apply = r < 0 ? g_get_monotonic_time() + RETRY_USEC : INT64_MAX;
        if (r < 0)
                log_warning("Cannot hold packets for unikernels that are stopped, trying again: %s",
                                error_message(&error, r));
        return r;
}

static void demand_hold(Demand *demand)
{
        demand->state = DEMAND_STATE_HELD;
        demand->told = held_packets_count(demand->packets) > 0;
}

/* Connections to a run that has ended would otherwise go on to the next. What comes is held before, so that
 * none begins that leads to nobody. */
static void demand_forget_gone(void)
{
        g_autoptr(GArray) guests = demand_guests(demand_is_gone);
        GHashTableIter iter;
        gpointer value;
        int r;

        r = guests->len > 0 ? conntrack_forget(guests) : 0;
        if (r < 0)
                log_warning("Cannot end the connections to unikernels that have ended: %s", g_strerror(-r));
        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Demand *demand = value;

                if (demand->gone)
                        g_hash_table_remove_all(demand->seen);
                demand->gone = false;
        }
}

static Demand *demand_new(const char *name)
{
        Demand *demand = g_new(Demand, 1);

        *demand = (Demand){
                        .name = g_strdup(name),
                        .state = DEMAND_STATE_HELD,
                        /* As it may have been when the last process of ours was killed. */
                        .present = true,
                        .packets = held_packets_new(),
                        .seen = g_hash_table_new(NULL, NULL),
        };
        if (!demands)
                demands = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, demand_free);
        g_hash_table_insert(demands, demand->name, demand);
        demand_tell(DEMAND_WAITS, name);
        return demand;
}

/* Those that no publication has any more. */
static void demand_forget_others(GHashTable *present)
{
        GHashTableIter iter;
        gpointer name, value;

        if (!demands)
                return;
        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, &name, &value))
                if (!g_hash_table_contains(present, name)) {
                        demand_release(value, PACKET_DROP);
                        g_hash_table_iter_remove(&iter);
                }
}

static void demand_remove_table(void)
{
        g_autoptr(GString) commands = g_string_new(NULL);
        _cleanup_error_ Error ignored = ERROR_INIT;

        demand_ruleset_append_removal(commands);
        (void) nft_run_retrying(commands->str, &ignored);
        packet_source_close(&source);
        means = _DEMAND_MEANS_MAX;
        next_look = next_apply = INT64_MAX;
}

int demand_follow(void)
{
        g_autoptr(GHashTable) present = g_hash_table_new(g_str_hash, g_str_equal);
        const GPtrArray *publications = publish_list();
        bool had = demands && g_hash_table_size(demands) > 0;
        GHashTableIter iter;
        gpointer name, there;
        int r;

        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];
                bool up = if_nametoindex(publication->interface) != 0;
                Demand *demand;

                if (!publication->demand)
                        continue;
                demand = demand_find(publication->unikernel) ?: demand_new(publication->unikernel);
                demand->idle_sec = publication->idle_sec;
                there = g_hash_table_lookup(present, publication->unikernel);
                g_hash_table_insert(present, publication->unikernel,
                                GINT_TO_POINTER(up && GPOINTER_TO_INT(there) != 1 ? 2 : 1));
        }
        demand_forget_others(present);

        g_hash_table_iter_init(&iter, present);
        while (g_hash_table_iter_next(&iter, &name, &there)) {
                Demand *demand = demand_find(name);
                bool up = GPOINTER_TO_INT(there) == 2;

                demand->gone = demand->present && !up;
                if (demand->gone)
                        demand_hold(demand);
                demand->present = up;
        }

        if (g_hash_table_size(present) > 0) {
                r = demand_apply();
                demand_forget_gone();
                return r;
        }
        if (had)
                demand_remove_table();
        return 0;
}

int demand_packet_fd(void)
{
        return source.fd;
}

int demand_client_fd(void)
{
        return client;
}

void demand_set_client(int taken_client)
{
        const int size = CLIENT_BUFFER;
        GHashTableIter iter;
        gpointer value;

        (void) close_safe(client);
        client = taken_client;
        (void) setsockopt(client, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
        if (!demands)
                return;
        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Demand *demand = value;

                demand_tell(DEMAND_WAITS, demand->name);
                demand->told = false;
                if (held_packets_count(demand->packets) > 0)
                        demand_tell_wanted(demand);
        }
}

/* One that is refused goes through the rules again, which say so to its client; if they are not there yet,
 * they would hold it again. */
static PacketVerdict demand_verdict(const Demand *demand)
{
        if (demand_is_open(demand))
                return PACKET_PASS;
        return demand_is_refused(demand) && next_apply == INT64_MAX ? PACKET_REPEAT : PACKET_DROP;
}

static void on_packet(uint32_t id, const Address *to, void *userdata)
{
        Demand *demand = address_is_set(to) ? demand_of_address(to) : NULL;
        bool held = demand && demand_is_held(demand);

        if (held && source.held) {
                held = held_packets_add(demand->packets, id, g_get_monotonic_time());
                next_expiry = MIN(next_expiry, held_packets_next(demand->packets));
        }
        if (held)
                demand_tell_wanted(demand);
        else if (source.held)
                /* One for a guest that has just become ready, or is just refused. */
                packet_source_release(&source, id, demand ? demand_verdict(demand) : PACKET_DROP);
}

void demand_hear_packets(void)
{
        packet_source_hear(&source, on_packet, NULL);
}

static bool demand_has_interfaces(const Demand *demand)
{
        const GPtrArray *publications = publish_list();

        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];

                if (publication->demand && g_str_equal(publication->unikernel, demand->name) &&
                                if_nametoindex(publication->interface) == 0)
                        return false;
        }
        return true;
}

/* It may be said of a guest that has just ended, before shruthi-demand has heard of that. Then it says
 * "hold" soon, and is told again what is wanted. A packet that went on would find nobody, and its client
 * would be told so. */
static bool demand_set_open(Demand *demand)
{
        int64_t now = g_get_monotonic_time();

        if (!demand_has_interfaces(demand)) {
                demand->told = false;
                return false;
        }
        if (!demand_is_open(demand))
                demand->active = now;
        demand->state = DEMAND_STATE_OPEN;
        if (demand->idle_sec > 0)
                next_look = MIN(next_look, now + LOOK_MIN_USEC);
        return true;
}

static void demand_open(Demand *demand)
{
        bool open = demand_is_open(demand);

        if (!demand_set_open(demand))
                return;
        if (!open)
                (void) demand_apply();
        demand_release(demand, PACKET_PASS);
}

static void demand_refuse(Demand *demand)
{
        if (!demand_is_refused(demand)) {
                demand->state = DEMAND_STATE_REFUSED;
                (void) demand_apply();
        }
        demand_release(demand, demand_verdict(demand));
}

static void demand_obey(DemandWord word, const char *name)
{
        Demand *demand = demand_find(name);

        if (!demand)
                return;
        switch (word) {
        case DEMAND_OPEN:
                demand_open(demand);
                break;
        case DEMAND_HOLD:
                if (!demand_is_held(demand)) {
                        demand_hold(demand);
                        (void) demand_apply();
                }
                if (held_packets_count(demand->packets) > 0)
                        demand_tell_wanted(demand);
                break;
        case DEMAND_DROP:
                demand_release(demand, PACKET_DROP);
                break;
        case DEMAND_REFUSE:
                demand_refuse(demand);
                break;
        case DEMAND_END:
                (void) publish_end_demand(name, NULL);
                (void) demand_follow();
                break;
        default:
                break;
        }
}

void demand_hear_client(void)
{
        char data[DEMAND_MESSAGE_MAX + 1];
        g_autofree char *name = NULL;
        DemandWord word;
        ssize_t n = recv(client, data, sizeof data, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0 || demand_message_parse(data, (size_t) n, &word, &name) < 0) {
                client = close_safe(client);
                return;
        }
        demand_obey(word, name);
}

static void on_connection_seen(const Address *guest, uint32_t id, ConntrackState state, void *userdata)
{
        Demand *demand = demand_of_address(guest);

        if (!demand || !demand->found)
                return;
        if (state != CONNTRACK_CLOSED || !g_hash_table_contains(demand->seen, GUINT_TO_POINTER(id)) ||
                        g_hash_table_size(demand->found) >= SEEN_MAX)
                demand->busy = true;
        if (g_hash_table_size(demand->found) < SEEN_MAX)
                g_hash_table_add(demand->found, GUINT_TO_POINTER(id));
}

/* Notes of each of those of which it is true whether it is busy. */
static int demand_look(DemandIs is)
{
        g_autoptr(GArray) guests = demand_guests(is);
        GHashTableIter iter;
        gpointer value;
        int r;

        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Demand *demand = value;

                demand->busy = false;
                if (is(demand))
                        demand->found = g_hash_table_new(NULL, NULL);
        }
        r = conntrack_list(guests, on_connection_seen, NULL);
        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Demand *demand = value;

                if (demand->found) {
                        g_hash_table_unref(demand->seen);
                        demand->seen = g_steal_pointer(&demand->found);
                }
        }
        return r;
}

/* To none of them anything has come for its time. What comes from now on is held, and was there before, or
 * not. */
static void demand_end_idle(const GPtrArray *idle)
{
        bool opened = false;
        int r;

        for (guint i = 0; i < idle->len; i++) {
                Demand *demand = idle->pdata[i];

                demand->ending = true;
                demand_hold(demand);
        }
        r = demand_apply();
        if (r >= 0)
                r = demand_look(demand_is_ending);
        for (guint i = 0; i < idle->len; i++) {
                Demand *demand = idle->pdata[i];

                demand->ending = false;
                if (r < 0 || demand->busy)
                        opened = demand_set_open(demand) || opened;
                else
                        demand_tell(DEMAND_IDLE, demand->name);
        }
        if (!opened)
                return;
        (void) demand_apply();
        for (guint i = 0; i < idle->len; i++) {
                Demand *demand = idle->pdata[i];

                if (demand_is_open(demand))
                        demand_release(demand, PACKET_PASS);
        }
}

static void demand_look_for_idle(int64_t now)
{
        g_autoptr(GPtrArray) idle = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;
        int r;

        r = demand_look(demand_is_open);
        if (r < 0)
                log_warning("Cannot list connections, so no unikernel is found idle: %s", g_strerror(-r));
        g_hash_table_iter_init(&iter, demands);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Demand *demand = value;
                int64_t after = (int64_t) demand->idle_sec * G_USEC_PER_SEC;

                if (!demand_is_open(demand) || demand->idle_sec == 0)
                        continue;
                if (r < 0 || demand->busy)
                        demand->active = now;
                if (now - demand->active >= after && client >= 0)
                        g_ptr_array_add(idle, demand);
                else
                        next_look = MIN(next_look, now + CLAMP(after / 4, LOOK_MIN_USEC, LOOK_MAX_USEC));
        }
        if (idle->len > 0)
                demand_end_idle(idle);
}

void demand_act(int64_t now)
{
        int64_t begin, end;

        if (next_expiry <= now)
                demand_drop_all_old(now);
        if (next_apply <= now)
                (void) demand_apply();
        if (MAX(next_look, rested) > now)
                return;
        next_look = INT64_MAX;
        if (!demands)
                return;
        begin = g_get_monotonic_time();
        demand_look_for_idle(begin);
        end = g_get_monotonic_time();
        rested = end + LOOK_SHARE * (end - begin);
}

int64_t demand_next(void)
{
        return MIN(MIN(MAX(next_look, rested), next_apply), next_expiry);
}
