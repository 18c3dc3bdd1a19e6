/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What programs of SHRUTHI say to each other, as version 1 says it. At an upgrade with running unikernels
 * the runners stay what they are and talk to the new shruthi-domain.service, and the services are replaced
 * one after the other: each side must understand what the version before says. So what is written here
 * stays. Whoever changes what is said adds its form here, beside these. */

#include <glib.h>
#include <string.h>

#include "antispoof/protocol.h"
#include "domain/host/neighbours-client.h"
#include "helper/request.h"
#include "run/runner-private.h"
#include "seal/protocol.h"
#include "unikernel/host-network.h"
#include "unikernel/liveness.h"
#include "unikernel/timestamps.h"

/* The runner and shruthid to shruthi-domain.service. */
static void test_domain_words(void)
{
        static const char *const requests[][DOMAIN_WORDS_MAX + 1] = {
                        {"start", "hello"},
                        {"prepare", "hello"},
                        {"watch", "hello"},
                        {"stop", "hello"},
                        {"sweep", "hello"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
                size_t size = strlen(requests[i][0]) + 1 + strlen(requests[i][1]) + 1;
                char text[DOMAIN_REQUEST_MAX] = {}, written[DOMAIN_REQUEST_MAX] = {},
                     *words[DOMAIN_WORDS_MAX + 1];
                unsigned n;

                memcpy(text, requests[i][0], strlen(requests[i][0]));
                memcpy(text + strlen(requests[i][0]) + 1, requests[i][1], strlen(requests[i][1]));
                g_assert_cmpint(domain_words_format(requests[i], written), ==, (gssize) size);
                g_assert_cmpmem(written, size, text, size);
                g_assert_cmpint(domain_words_parse(text, size, words, &n), ==, 0);
                g_assert_cmpuint(n, ==, 2);
                g_assert_cmpstr(words[0], ==, requests[i][0]);
                g_assert_cmpstr(words[1], ==, requests[i][1]);
        }
}

static void test_domain_answers(void)
{
        g_assert_cmpstr(DOMAIN_SOCKET, ==, "domain");
        g_assert_cmpint(DOMAIN_BEGUN, ==, -1);
        g_assert_cmpint(DOMAIN_ELSEWHERE, ==, -2);
        g_assert_cmpint(RUNNER_EXIT_DEFINITION, ==, 60);
        g_assert_cmpint(RUNNER_EXIT_IMAGE, ==, 61);
        g_assert_cmpint(RUNNER_EXIT_HOST, ==, 62);
        g_assert_cmpint(RUNNER_EXIT_LIBVIRT, ==, 75);
        g_assert_cmpint(RUNNER_EXIT_RUNNER, ==, 70);
}

/* systemd keeps them under these names while a runner restarts, whichever version it comes back as. */
static void test_descriptor_store(void)
{
        g_assert_cmpstr(RUNNER_STORED_CONSOLE, ==, "console");
        g_assert_cmpstr(RUNNER_STORED_LIVENESS, ==, "life");
}

/* In the FIFO of unikernel/liveness.h, where they wait for the runner. */
static void test_life_words(void)
{
        static const struct {
                const char *text;
                DomainEvent word;
                const char *detail;
        } cases[] = {
                        {"running 4711", DOMAIN_EVENT_RUNNING, ""},
                        {"paused user 4711", DOMAIN_EVENT_PAUSED, "user"},
                        {"paused io-error 4711", DOMAIN_EVENT_PAUSED, "io-error"},
                        {"ended powered-off 4711", DOMAIN_EVENT_ENDED, DOMAIN_END_POWERED_OFF},
                        {"ended reset 4711", DOMAIN_EVENT_ENDED, DOMAIN_END_RESET},
                        {"ended destroyed 4711", DOMAIN_EVENT_ENDED, DOMAIN_END_DESTROYED},
                        {"ended unknown 4711", DOMAIN_EVENT_ENDED, DOMAIN_END_UNKNOWN},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup(cases[i].text);
                char written[DOMAIN_EVENT_LINE_MAX];
                const char *detail;
                uint64_t usec;

                g_assert_cmpint(domain_event_parse(text, &detail, &usec), ==, cases[i].word);
                g_assert_cmpstr(detail, ==, cases[i].detail);
                g_assert_cmpuint(usec, ==, 4711);
                domain_event_format(cases[i].word, *detail ? detail : NULL, usec, written);
                g_assert_cmpstr(written, ==, cases[i].text);
        }
}

/* Lines "moment=…" of shruthi-domain's. */
static void test_timestamps(void)
{
        static const char *const names[] = {
                        "Called",
                        "Authorized",
                        "Requested",
                        "JobMade",
                        "RunnerForked",
                        "RunnerBegan",
                        "HelperAsked",
                        "HelperBegan",
                        "Planned",
                        "Connected",
                        "Addressed",
                        "Prepared",
                        "Created",
                        "FirstByte",
                        "Ready",
                        "UnitActive",
                        "Answered",
        };
        Timestamps timestamps = {};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *value = g_strdup_printf("%s %zu", names[i], i + 1);

                g_assert_cmpint(timestamps_parse(&timestamps, value), ==, 0);
                g_assert_cmpuint(timestamps.at[timestamp_from_string(names[i])], ==, i + 1);
        }
        g_assert_cmpint(timestamps_parse(&timestamps, "OfALaterVersion 1"), ==, 0);
}

/* shruthi-domain to shruthi-antispoof. */
static void test_antispoof(void)
{
        static const struct {
                const char *text;
                AntispoofVerb verb;
        } cases[] = {
                        {"filter hello 72:00:00:00:00:01 10.128.0.2 none service", ANTISPOOF_FILTER},
                        {"filter hello 72:00:00:00:00:01 any fd00::2 service", ANTISPOOF_FILTER},
                        {"check", ANTISPOOF_CHECK},
                        {"publish shru0123456789a virbr0 10.0.0.2/24 fd00::2/64 hello 8080:80 53:53/udp",
                                        ANTISPOOF_PUBLISH},
                        {"publish shru0123456789a virbr0 10.0.0.2/24 none hello demand:600 8080:80",
                                        ANTISPOOF_PUBLISH},
                        {"withdraw shru0123456789a", ANTISPOOF_WITHDRAW},
                        {"only hello shru0123456789a", ANTISPOOF_ONLY},
                        {"lost", ANTISPOOF_LOST},
                        {"port vnet0 virbr0", ANTISPOOF_PORT},
                        {"port shru0123456789a virbr0 isolated", ANTISPOOF_PORT},
                        {"tap shru0123456789a virbr0", ANTISPOOF_TAP},
                        {"tap shru0123456789a virbr0 isolated", ANTISPOOF_TAP},
                        {"tap shru0123456789a virbr0 in:1000 out:2000000", ANTISPOOF_TAP},
                        {"links virbr0", ANTISPOOF_LINKS},
                        {"watch", ANTISPOOF_WATCH},
                        {"demand", ANTISPOOF_DEMAND},
        };
        static const char *const words[] = {
                        "whole", "restored", "done", "put", "there", "watching", "shru0123456789a", "1500"};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_antispoof_request_ AntispoofRequest request = {};
                g_autofree char *written = NULL;

                g_assert_cmpint(antispoof_request_parse(
                                                cases[i].text, strlen(cases[i].text), &request, NULL),
                                ==, 0);
                g_assert_cmpint(request.verb, ==, cases[i].verb);
                written = antispoof_request_format(&request);
                g_assert_cmpstr(written, ==, cases[i].text);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
                g_autofree char *text = g_strdup_printf("ok %s", words[i]), *word = NULL;

                g_assert_cmpint(antispoof_answer_parse(text, strlen(text), &word, NULL), ==, 0);
                g_assert_cmpstr(word, ==, words[i]);
        }
}

/* shruthi-antispoof to shruthi-switch. */
static void test_antispoof_ports(void)
{
        static const char *const texts[] = {
                        "port shru0123456789a hello 72:00:00:00:00:01 10.128.0.2 none service",
                        "port shru0123456789a hello 72:00:00:00:00:01 any fd00::2 a device",
                        "gone shru0123456789a"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_antispoof_port_news_ AntispoofPortNews news = {};
                g_autofree char *again = NULL;

                g_assert_cmpint(antispoof_port_news_parse(texts[i], strlen(texts[i]), &news, NULL), ==, 0);
                g_assert_cmpstr(news.interface, ==, "shru0123456789a");
                again = antispoof_port_news_format(news.interface, news.filter);
                g_assert_cmpstr(again, ==, texts[i]);
        }
}

/* An interface that is held keeps its name: else a guest that runs would be cut off when the new version
 * makes its tables. */
static void test_antispoof_interface(void)
{
        g_autoptr(AntispoofFilter) hold = NULL;
        char interface[IF_NAMESIZE];

        g_assert_cmpint(antispoof_filter_parse(
                                        "hello f2:b2:90:c0:a1:37 10.128.0.139 none service", &hold, NULL),
                        ==, 0);
        antispoof_interface_name(hold, interface);
        g_assert_cmpstr(interface, ==, "shruufpn3mjpagj");
}

/* shruthid to shruthi-seal. */
static void test_seal(void)
{
        static const struct {
                const char *text;
                SealVerb verb;
                const char *key;
                uint64_t room;
        } cases[] = {
                        {"set hello server.key 1048064", SEAL_SET, "server.key", 1048064},
                        {"set hello server.key", SEAL_SET, "server.key", UINT64_MAX},
                        {"rotate hello server.key", SEAL_ROTATE, "server.key", UINT64_MAX},
                        {"remove hello server.key", SEAL_REMOVE, "server.key", UINT64_MAX},
                        {"forget hello", SEAL_FORGET, NULL, UINT64_MAX},
                        {"list hello", SEAL_LIST, NULL, UINT64_MAX},
        };
        static const char answer[] = "ok\na.key\nb.key";
        g_auto(GStrv) keys = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_seal_request_ SealRequest request = {};
                g_autofree char *written = NULL;

                g_assert_cmpint(seal_request_parse(cases[i].text, strlen(cases[i].text), &request, NULL), ==,
                                0);
                g_assert_cmpint(request.verb, ==, cases[i].verb);
                g_assert_cmpstr(request.name, ==, "hello");
                g_assert_cmpstr(request.key, ==, cases[i].key);
                g_assert_cmpuint(request.size_max, ==, cases[i].room);
                written = seal_request_format(request.verb, request.name, request.key, request.size_max);
                g_assert_cmpstr(written, ==, cases[i].text);
        }
        g_assert_cmpint(seal_answer_parse(answer, strlen(answer), &keys, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(keys), ==, 2);
        g_assert_cmpstr(keys[1], ==, "b.key");
}

/* shruthi-neighbours to shruthi-domain. */
static void test_neighbours(void)
{
        g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(SeenAddress)),
                          routes = g_array_new(FALSE, FALSE, sizeof(Address)),
                          counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));
        g_autoptr(HostNetwork) network = NULL;

        g_assert_cmpint(neighbours_parse_answer("10.0.0.1 - host\n10.0.0.7 52:54:00:00:00:07 neighbour\n"
                                                "10.0.0.254 - route\nend\n",
                                        seen, NULL),
                        ==, 0);
        g_assert_cmpuint(seen->len, ==, 3);
        g_assert_cmpint(neighbours_parse_routes("10.0.0.0/24\nfd00::/64\nend\n", routes, NULL), ==, 0);
        g_assert_cmpuint(routes->len, ==, 2);
        g_assert_cmpint(neighbours_parse_counters("shruufpn3mjpagj 7 1 0 5 2 3\nend\n", counters, NULL), ==,
                        0);
        g_assert_cmpuint(counters->len, ==, 1);
        g_assert_cmpint(host_network_parse("ipv4 3 1024\nipv6 0 1024\nbridge 2 virbr0\nend\n", &network), ==,
                        0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/formats/1/what-is-asked-of-shruthi-domain", test_domain_words);
        g_test_add_func("/formats/1/how-it-answers", test_domain_answers);
        g_test_add_func("/formats/1/what-systemd-keeps", test_descriptor_store);
        g_test_add_func("/formats/1/what-becomes-of-a-domain", test_life_words);
        g_test_add_func("/formats/1/when-what-was", test_timestamps);
        g_test_add_func("/formats/1/shruthi-antispoof", test_antispoof);
        g_test_add_func("/formats/1/shruthi-antispoof/ports", test_antispoof_ports);
        g_test_add_func("/formats/1/names-of-interfaces", test_antispoof_interface);
        g_test_add_func("/formats/1/shruthi-seal", test_seal);
        g_test_add_func("/formats/1/shruthi-neighbours", test_neighbours);

        return g_test_run();
}
