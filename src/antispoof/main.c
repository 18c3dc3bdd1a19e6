/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-antispoof: filters what guests send, so that it comes from their own addresses only, publishes
 * ports of guests, makes taps for those that are processes, and attaches interfaces to a bridge again that
 * have lost theirs. These need a capability
 * that the other services do not have. Started by shruthi-antispoof.socket, for shruthi-domain, which starts
 * guests. One request and one answer for each connection (see protocol.h), one after the other: each takes
 * about a millisecond. A client that watches stays connected. As long as there is one, or an interface is
 * filtered, the service listens to the kernel for changes of the tables and the bridges, and sleeps; then it
 * ends. So does one that emulates the links of a network, which is given packet sockets of taps.
 *
 * table.c (filters) and publish.c (ports) keep the records and the kernel's tables in step, demand.c holds
 * what comes for guests that are stopped, tap.c makes taps, port-sockets.c opens
 * packet sockets of them, ruleset.c, publication-ruleset.c and
 * demand-ruleset.c write the rules, nft.c runs them, ruleset-watch.c and links.c listen to the kernel. */

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "antispoof/demand.h"
#include "antispoof/links.h"
#include "antispoof/port-sockets.h"
#include "antispoof/publish.h"
#include "antispoof/record.h"
#include "antispoof/ruleset-watch.h"
#include "antispoof/table.h"
#include "antispoof/tap.h"
#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/socket.h"

#define LISTEN_FD  3 /* sd_listen_fds(3) */
#define IDLE_USEC  (30 * G_USEC_PER_SEC)
#define RETRY_USEC (1 * G_USEC_PER_SEC)
#define SETTLE_USEC (100 * 1000) /* who changes libvirt's tables does so in several steps */
#define TIDY_USEC  ((TABLE_START_SEC + 1) * G_USEC_PER_SEC)
#define ASK_SEC    5  /* a client that connects and sends nothing keeps others waiting */
#define WORK_SEC   30 /* a kernel that does not answer: SIGALRM ends this process */

#define UID_NONE ((uid_t) -1) /* no process has it */

#define FIRST_WATCHER 6  /* of what is polled */
#define WATCHERS_MAX 16 /* there is one, and at an upgrade another */

typedef struct AntispoofServer {
        uid_t user;
        uid_t switch_user; /* which may ask for links only; or UID_NONE */
        Links *links;      /* NULL: the kernel cannot be listened to */
        RulesetWatch rules;
        int watchers[WATCHERS_MAX]; /* negative: none */
        unsigned n_filtered;
        int64_t idle;    /* when memory is freed, INT64_MAX: it is; and when this process may end */
        int64_t settled; /* when watchers are told of a tap that lost its bridge */
        int64_t restore; /* when the tables are made anew */
        int64_t publish; /* when that of published ports is */
        int64_t tidy;    /* when filters of interfaces that are gone are removed */
        int64_t ports;   /* when clients of links are told once more */
} AntispoofServer;

static bool client_may_ask(const AntispoofServer *server, int client, bool *ret_links_only)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        *ret_links_only = peer.uid == server->switch_user;
        if (peer.uid == 0 || peer.uid == server->user || *ret_links_only)
                return true;

        log_warning("Rejected a request from UID %u, PID %d", (unsigned) peer.uid, (int) peer.pid);
        return false;
}

static int antispoof_server_filter(
                AntispoofServer *server, const AntispoofFilter *filter, char **ret_word, Error *ret_error)
{
        char interface[IF_NAMESIZE];
        int r;

        r = table_add_filter(filter, ret_error);
        if (r < 0)
                return r;

        server->n_filtered++; /* or it was already: counted anew at the next table_tidy() */
        server->tidy = MIN(server->tidy, g_get_monotonic_time() + TIDY_USEC);
        antispoof_interface_name(filter, interface);
        *ret_word = g_strdup(interface);
        return 0;
}

static void antispoof_server_follow(AntispoofServer *server)
{
        if (demand_follow() < 0)
                server->publish = MIN(server->publish, g_get_monotonic_time() + RETRY_USEC);
}

static int antispoof_server_keep_only(
                AntispoofServer *server, const AntispoofRequest *request, Error *ret_error)
{
        int r = publish_end_demand(request->unikernel, (const char *const *) request->interfaces);

        antispoof_server_follow(server);
        if (r >= 0)
                return 0;
        server->publish = MIN(server->publish, g_get_monotonic_time() + RETRY_USEC);
        return error_set(ret_error, ERROR_FAILED, "Some ports could not be withdrawn yet");
}

static int antispoof_server_make_tap(AntispoofServer *server, const AntispoofTap *tap, char **ret_word,
                int *ret_fd, Error *ret_error)
{
        unsigned mtu;
        int r;

        r = tap_make(server->links, tap, ret_fd, &mtu, ret_error);
        if (r >= 0)
                *ret_word = g_strdup_printf("%u", mtu);
        return r;
}

static int antispoof_server_refuse_blind(Error *ret_error)
{
        return error_set(ret_error, ERROR_NOT_SUPPORTED, "Cannot list the interfaces of this host");
}

/* *ret_answer: to be freed with g_free(). *ret_fd: what goes with it. */
static int antispoof_server_do(AntispoofServer *server, const AntispoofRequest *request, char **ret_answer,
                int *ret_fd, Error *ret_error)
{
        g_autofree char *word = NULL;
        g_auto(GStrv) lost = NULL;
        unsigned count = 0;
        bool done = false;
        int r = 0;

        if (request->verb >= ANTISPOOF_LOST && request->verb != ANTISPOOF_DEMAND && !server->links)
                return antispoof_server_refuse_blind(ret_error);

        switch (request->verb) {
        case ANTISPOOF_FILTER:
                r = antispoof_server_filter(server, request->filter, &word, ret_error);
                break;
        case ANTISPOOF_CHECK:
                r = table_check(&done, ret_error);
                word = g_strdup(done ? ANTISPOOF_RESTORED : ANTISPOOF_WHOLE);
                break;
        case ANTISPOOF_PUBLISH:
                r = publish_add(request->publication, ret_error);
                antispoof_server_follow(server);
                server->tidy = MIN(server->tidy, g_get_monotonic_time() + TIDY_USEC);
                word = g_strdup(ANTISPOOF_DONE);
                break;
        case ANTISPOOF_WITHDRAW:
                r = publish_withdraw(request->port.interface);
                if (r < 0)
                        r = error_set(ret_error, ERROR_FAILED, "The ports could not be withdrawn yet");
                word = g_strdup(ANTISPOOF_DONE);
                break;
        case ANTISPOOF_ONLY:
                r = antispoof_server_keep_only(server, request, ret_error);
                word = g_strdup(ANTISPOOF_DONE);
                break;
        case ANTISPOOF_LEAD:
                r = publish_lead(request->unikernel, ret_error);
                word = g_strdup(ANTISPOOF_DONE);
                break;
        case ANTISPOOF_CONNECTIONS:
                r = publish_count_connections(request->unikernel, &count, ret_error);
                word = g_strdup_printf("%u", count);
                break;
        case ANTISPOOF_PORT:
                r = links_attach(server->links, &request->port, &done, ret_error);
                word = g_strdup(done ? ANTISPOOF_ATTACHED : ANTISPOOF_THERE);
                break;
        case ANTISPOOF_TAP:
                r = antispoof_server_make_tap(server, &request->tap, &word, ret_fd, ret_error);
                break;
        case ANTISPOOF_LOST:
                links_hear(server->links, g_get_monotonic_time());
                lost = links_lost(server->links);
                *ret_answer = antispoof_lost_format(lost);
                return 0;
        case ANTISPOOF_LINKS:
                /* As of now: a port that has just ceased to be isolated is none. The loop tells of it. */
                links_hear(server->links, g_get_monotonic_time());
                return 0;
        default:
                word = g_strdup(ANTISPOOF_WATCHING);
        }
        if (r >= 0)
                *ret_answer = antispoof_answer_format(0, NULL, word);
        return r;
}

static void watcher_tell(int *watcher)
{
        if (*watcher >= 0 &&
                        send(*watcher, ANTISPOOF_CHANGED, strlen(ANTISPOOF_CHANGED),
                                        MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
                        errno != EAGAIN) /* enough is in the socket to be read */
                *watcher = close_safe(*watcher);
}

/* It is also told of what was lost before. */
static void antispoof_server_add_watcher(AntispoofServer *server, int client)
{
        g_auto(GStrv) lost = links_lost(server->links);

        for (unsigned i = 0; i < WATCHERS_MAX; i++) {
                if (server->watchers[i] >= 0)
                        continue;
                server->watchers[i] = client;
                if (lost[0])
                        watcher_tell(&server->watchers[i]);
                return;
        }
        (void) close(client);
}

/* *ret_verb: what was done, as *ret_request says, or _ANTISPOOF_VERB_INVALID. */
static void antispoof_server_serve(
                AntispoofServer *server, int client, AntispoofRequest *ret_request, AntispoofVerb *ret_verb)
{
        const struct timeval timeout = {.tv_sec = ASK_SEC};
        _cleanup_antispoof_request_ AntispoofRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        g_autofree char *answer = NULL;
        char data[ANTISPOOF_REQUEST_MAX + 1];
        bool links_only;
        ssize_t n;
        int r;

        *ret_verb = _ANTISPOOF_VERB_INVALID;
        if (!client_may_ask(server, client, &links_only) ||
                        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
                return;
        /* Descriptors that come with it are closed by the kernel: none is taken. */
        n = TEMP_FAILURE_RETRY(recv(client, data, sizeof data, 0));
        if (n <= 0)
                return;

        (void) alarm(WORK_SEC);
        r = antispoof_request_parse(data, (size_t) n, &request, &error);
        if (r >= 0 && links_only && request.verb != ANTISPOOF_LINKS)
                r = error_set(&error, ERROR_ACCESS_DENIED,
                                "User " SHRUTHI_SWITCH_USER " may ask for links, and for nothing else");
        if (r >= 0)
                r = antispoof_server_do(server, &request, &answer, &fd, &error);
        (void) alarm(0);

        if (r < 0)
                answer = antispoof_answer_format(r, &error, NULL);
        /* A client that has left is sent nothing. A tap that it does not take goes as we close it. */
        if (answer)
                (void) socket_send_with_fd(client, answer, fd, MSG_DONTWAIT);
        if (r < 0)
                return;

        *ret_verb = request.verb;
        *ret_request = request;
        request = (AntispoofRequest){};
}

static void antispoof_server_accept(AntispoofServer *server)
{
        int client = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
        _cleanup_antispoof_request_ AntispoofRequest request = {};
        AntispoofVerb verb;

        if (client < 0)
                return;
        server->idle = g_get_monotonic_time() + IDLE_USEC;
        antispoof_server_serve(server, client, &request, &verb);
        switch (verb) {
        case ANTISPOOF_WATCH:
                antispoof_server_add_watcher(server, client);
                break;
        case ANTISPOOF_DEMAND:
                demand_set_client(client);
                break;
        case ANTISPOOF_LINKS:
                port_sockets_add_client(request.port.bridge, client);
                server->ports = g_get_monotonic_time();
                break;
        default:
                (void) close(client);
        }
}

static void antispoof_server_restore(AntispoofServer *server, int64_t now)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        (void) alarm(WORK_SEC);
        r = server->n_filtered > 0 ? table_restore(&error) : 0;
        (void) alarm(0);
        server->restore = r < 0 ? now + RETRY_USEC : INT64_MAX;
        server->idle = now + IDLE_USEC;
        if (r < 0)
                log_warning("Cannot filter the interfaces of guests, trying again: %s",
                                error_message(&error, r));
}

static void antispoof_server_publish(AntispoofServer *server, int64_t now)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        (void) alarm(WORK_SEC);
        r = publish_look();
        if (r == 0) {
                r = publish_restore(&error);
                if (r < 0)
                        log_warning("Cannot publish the ports of guests, trying again: %s",
                                        error_message(&error, r));
        }
        if (demand_follow() < 0)
                r = -EAGAIN;
        (void) alarm(0);
        server->publish = r < 0 ? now + RETRY_USEC : INT64_MAX;
}

static void antispoof_server_look_at_links(AntispoofServer *server, const LinksNews *news, int64_t now)
{
        (void) alarm(WORK_SEC);
        if ((news->gone || news->came) && publish_look() < 0)
                server->publish = MIN(server->publish, now + RETRY_USEC);
        if (news->came)
                publish_reach_loopback();
        if (news->gone || news->came)
                antispoof_server_follow(server);
        (void) alarm(0);
}

static void antispoof_server_tidy(AntispoofServer *server, int64_t now)
{
        (void) alarm(WORK_SEC);
        if (publish_look() < 0)
                server->publish = MIN(server->publish, now + RETRY_USEC);
        antispoof_server_follow(server);
        server->n_filtered = table_tidy();
        (void) alarm(0);
        /* A port may have been published later than its interface was filtered. */
        server->tidy = publish_is_waiting() ? now + TIDY_USEC : INT64_MAX;
}

static void antispoof_server_tell_ports(AntispoofServer *server, int64_t now)
{
        (void) alarm(WORK_SEC);
        server->ports = server->links ? port_sockets_follow(server->links, now) : INT64_MAX;
        (void) alarm(0);
}

/* What follows from the kernel's messages. */
static void antispoof_server_act(AntispoofServer *server, int64_t now)
{
        LinksNews news = {};

        if (server->links)
                news = links_fetch_news(server->links, now, &server->settled);
        for (unsigned i = 0; news.changed && i < WATCHERS_MAX; i++)
                watcher_tell(&server->watchers[i]);
        antispoof_server_look_at_links(server, &news, now);
        if (news.gone)
                server->tidy = MIN(server->tidy, now + TIDY_USEC);
        if (news.ports || server->ports <= now)
                antispoof_server_tell_ports(server, now);
        if (server->restore <= now)
                antispoof_server_restore(server, now);
        if (server->publish <= now)
                antispoof_server_publish(server, now);
        if (server->tidy <= now)
                antispoof_server_tidy(server, now);
        (void) alarm(WORK_SEC);
        demand_act(now);
        (void) alarm(0);
}

static bool antispoof_server_is_needed(const AntispoofServer *server)
{
        for (unsigned i = 0; i < WATCHERS_MAX; i++)
                if (server->watchers[i] >= 0)
                        return true;
        return server->n_filtered > 0 || publish_count() > 0 || port_sockets_count() > 0;
}

static int antispoof_server_timeout(const AntispoofServer *server, int64_t now)
{
        int64_t next = MIN(MIN(server->idle, server->settled), MIN(server->restore, server->tidy));

        next = MIN(MIN(next, server->publish), MIN(server->ports, demand_next()));

        return next == INT64_MAX ? -1 : (int) (MAX(next - now, 0) / 1000 + 1);
}

static void antispoof_server_wait(AntispoofServer *server)
{
        struct pollfd polls[FIRST_WATCHER + WATCHERS_MAX] = {
                        {.fd = LISTEN_FD, .events = POLLIN},
                        {.fd = server->links ? links_fd(server->links) : -1, .events = POLLIN},
                        {.fd = server->rules.fd, .events = POLLIN},
                        {.fd = demand_packet_fd(), .events = POLLIN},
                        {.fd = demand_client_fd(), .events = POLLIN},
                        {.fd = port_sockets_fd(), .events = POLLIN},
        };
        int64_t now = g_get_monotonic_time();
        unsigned changed;

        /* A client that watches sends nothing more. */
        for (unsigned i = 0; i < WATCHERS_MAX; i++)
                polls[FIRST_WATCHER + i] = (struct pollfd){.fd = server->watchers[i], .events = POLLIN};
        if (poll(polls, G_N_ELEMENTS(polls), antispoof_server_timeout(server, now)) < 0)
                return;

        now = g_get_monotonic_time();
        if (polls[1].revents)
                links_hear(server->links, now);
        changed = polls[2].revents ? ruleset_watch_hear(&server->rules) : 0;
        if (changed & RULESET_FILTERS)
                server->restore = now;
        if ((changed & RULESET_PUBLISHED) && publish_count() > 0)
                server->publish = MIN(server->publish, now + SETTLE_USEC);
        for (unsigned i = 0; i < WATCHERS_MAX; i++)
                if (polls[FIRST_WATCHER + i].revents)
                        server->watchers[i] = close_safe(server->watchers[i]);
        (void) alarm(WORK_SEC);
        if (polls[3].revents)
                demand_hear_packets();
        if (polls[4].revents)
                demand_hear_client();
        (void) alarm(0);
        if (polls[5].revents) {
                port_sockets_hear();
                server->ports = now;
        }
        if (polls[0].revents)
                antispoof_server_accept(server);
        antispoof_server_act(server, now);
}

/* Until no request has come for a while and no interface is filtered; a request at that moment starts the
 * service again. */
static void antispoof_server_run(AntispoofServer *server)
{
        for (;;) {
                antispoof_server_wait(server);
                if (server->idle <= g_get_monotonic_time()) {
                        server->idle = INT64_MAX;
                        server->n_filtered = table_tidy();
                        table_free_memory();
                }
                if (server->idle == INT64_MAX && !antispoof_server_is_needed(server))
                        return;
        }
}

/* What was changed while no service ran is found at once. */
static void antispoof_server_begin(AntispoofServer *server, uid_t user, uid_t switch_user)
{
        int r;

        *server = (AntispoofServer){
                        .user = user,
                        .switch_user = switch_user,
                        .rules = RULESET_WATCH_INIT,
                        .idle = g_get_monotonic_time() + IDLE_USEC,
                        .settled = INT64_MAX,
                        .restore = INT64_MAX,
                        .publish = INT64_MAX,
                        .tidy = INT64_MAX,
                        .ports = INT64_MAX,
        };
        for (unsigned i = 0; i < WATCHERS_MAX; i++)
                server->watchers[i] = -EBADF;

        r = ruleset_watch_open(&server->rules);
        if (r < 0)
                log_warning("Cannot watch the packet filter, so a flush is not noticed: %s", g_strerror(-r));
        r = links_open(&server->links);
        if (r < 0)
                log_warning("Cannot watch the host's bridges: %s", g_strerror(-r));

        if (publish_count() > 0)
                server->publish = g_get_monotonic_time(); /* now that changes are heard of */
        server->n_filtered = table_tidy();
        if (server->n_filtered > 0) {
                _cleanup_error_ Error error = ERROR_INIT;
                bool restored;

                server->tidy = g_get_monotonic_time() + TIDY_USEC;
                r = table_check(&restored, &error);
                if (r < 0)
                        server->restore = g_get_monotonic_time() + RETRY_USEC;
        }
}

static uid_t user_find_or_none(const char *name)
{
        const struct passwd *user = getpwnam(name);

        return user ? user->pw_uid : UID_NONE;
}

int main(void)
{
        uid_t user = user_find_or_none(SHRUTHI_USER), switch_user = user_find_or_none(SHRUTHI_SWITCH_USER);
        const char *directory = g_getenv("RUNTIME_DIRECTORY");
        _cleanup_error_ Error error = ERROR_INIT;
        AntispoofServer server;
        int r;

        log_open("shruthi-antispoof");
        (void) signal(SIGPIPE, SIG_IGN);
        if (user == UID_NONE || !directory) {
                log_error("shruthi-antispoof must be started by shruthi-antispoof.socket, and needs the "
                          "user " SHRUTHI_USER);
                return EXIT_FAILURE;
        }
        r = record_open(directory, &error);
        if (r >= 0)
                r = publish_open(directory, &error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return EXIT_FAILURE;
        }

        antispoof_server_begin(&server, user, switch_user);
        antispoof_server_run(&server);
        links_free(server.links);
        return EXIT_SUCCESS;
}
