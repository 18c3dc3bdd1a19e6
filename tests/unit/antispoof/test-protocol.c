/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one side writes the other reads, and nothing else is taken for a request or an answer; and an
 * interface's name stands for one thing only. */

#include <string.h>

#include "antispoof/protocol.h"

static const char *const requests[] = {
                "check",
                "filter web 02:00:00:00:00:01 10.0.0.2 fd00::2 service",
                "filter web 02:00:00:00:00:01 any any service",
                "filter web 02:00:00:00:00:01 none none service",
                "filter web 02:00:00:00:00:01 10.0.0.2 none service",
                "filter web 02:00:00:00:00:01 none fd00::2 a device",
                "publish shruaaaaaaaaaaa virbr0 10.0.0.2/24 none web 8080:80 53:53/udp",
                "publish shruaaaaaaaaaaa br-0.1 none fd00::2/64 web [::1]:1-2:3-4",
                "withdraw shruaaaaaaaaaaa",
                "only web",
                "only web shruaaaaaaaaaaa shrubbbbbbbbbbb",
                "lead web",
                "lead web_next",
                "connections web",
                "connections web_next",
                "lost",
                "watch",
                "port vnet0 br7",
                "port shruaaaaaaaaaaa virbr-0.1_a isolated",
                "links virbr0",
                "links br-0.1_a",
                "tap shruaaaaaaaaaaa virbr0",
                "tap shruaaaaaaaaaaa br-0.1 isolated",
                "tap shruaaaaaaaaaaa virbr0 in:1000",
                "tap shruaaaaaaaaaaa virbr0 out:1000000000000",
                "tap shruaaaaaaaaaaa virbr0 isolated in:2000000 out:12345",
                "filter 0-a fe:ff:ff:ff:ff:ff 255.1.1.1 any \" ; } { drop",
};

static int parse(const char *text, AntispoofRequest *ret_request, Error *error)
{
        return antispoof_request_parse(text, strlen(text), ret_request, error);
}

static void test_there_and_back(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(requests) - 1; i++) {
                g_autofree char *again = NULL;
                _cleanup_antispoof_request_ AntispoofRequest request = {};

                g_test_message("%s", requests[i]);
                g_assert_cmpint(parse(requests[i], &request, NULL), ==, 0);
                again = antispoof_request_format(&request);
                g_assert_cmpstr(again, ==, requests[i]);
        }
}

static void test_meaning(void)
{
        _cleanup_antispoof_request_ AntispoofRequest request = {};
        char ip[ADDRESS_TEXT_MAX];
        const AntispoofFilter *filter;

        g_assert_cmpint(parse("filter web 02:00:00:00:00:01 10.0.0.2 any the device", &request, NULL), ==,
                        0);
        filter = request.filter;
        g_assert_cmpstr(filter->unikernel, ==, "web");
        g_assert_cmpstr(filter->device, ==, "the device");
        g_assert_cmpstr(filter->mac, ==, "02:00:00:00:00:01");
        g_assert_false(filter->ipv4.any);
        address_format_ip(&filter->ipv4.address, ip);
        g_assert_cmpstr(ip, ==, "10.0.0.2");
        g_assert_true(filter->ipv6.any);
        g_assert_false(address_is_set(&filter->ipv6.address));
}

/* The longest that all parts can be fit a request. */
static void test_longest(void)
{
        g_autofree char *name = g_strnfill(63, 'a'), *device = g_strnfill(ANTISPOOF_DEVICE_MAX, 'd');
        g_autofree char *text = g_strconcat("filter ", name,
                        " 02:00:00:00:00:01 223.255.255.254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffe ",
                        device, NULL);
        _cleanup_antispoof_request_ AntispoofRequest request = {};

        g_assert_cmpint(parse(text, &request, NULL), ==, 0);
        g_assert_cmpuint(strlen(text), <, ANTISPOOF_REQUEST_MAX / 2);
}

static void test_refused(void)
{
        static const char *const cases[] = {
                        "",
                        "filter",
                        "filter ",
                        "checks",
                        "publish",
                        "publish ",
                        "publish shrua virbr0 10.0.0.2/24 none web",
                        "withdraw",
                        "withdraw vnet0",
                        "withdraw shrua shrub",
                        "only",
                        "only ",
                        "only ../x",
                        "only web ",
                        "only web vnet0",
                        "only web shruaaaaaaaaaaa  shrubbbbbbbbbbb",
                        "lead",
                        "lead ",
                        "lead Web",
                        "lead web web_next",
                        "connections",
                        "connections ../x",
                        "check ",
                        "CHECK",
                        "release web",
                        "flush ruleset",
                        "lost ",
                        "watch x",
                        "links",
                        "links ",
                        "links br/7",
                        "links virbr0 virbr1",
                        "links sixteen-letters-",
                        "port",
                        "port ",
                        "port vnet0",
                        "port vnet0 ",
                        "port vnet0 br/7",
                        "port vnet0 br7 ",
                        "port vnet0 br7 isolate",
                        "port vnet0 br7 isolated ",
                        "port ../x br7",
                        "port abcdefghijklmnop br7",
                        "port tap0 br7",
                        "port vne0 br7",
                        "port eth0 br7",
                        "tap",
                        "tap ",
                        "tap shruaaaaaaaaaaa",
                        "tap shruaaaaaaaaaaa ",
                        "tap shruaaaaaaaaaaa br/7",
                        "tap shruaaaaaaaaaaa br7 ",
                        "tap shruaaaaaaaaaaa br7 isolate",
                        "tap shruaaaaaaaaaaa br7 isolated ",
                        "tap shruaaaaaaaaaaaa br7",
                        "tap shruaaaaaaaaaaa in:1000",
                        "tap shruaaaaaaaaaaa br7 in:999",
                        "tap shruaaaaaaaaaaa br7 in:0",
                        "tap shruaaaaaaaaaaa br7 in:",
                        "tap shruaaaaaaaaaaa br7 in:01000",
                        "tap shruaaaaaaaaaaa br7 in:+1000",
                        "tap shruaaaaaaaaaaa br7 in:1000000000001",
                        "tap shruaaaaaaaaaaa br7 in:1000,5",
                        "tap shruaaaaaaaaaaa br7 in:1000 ",
                        "tap shruaaaaaaaaaaa br7 in:1000 in:1000",
                        "tap shruaaaaaaaaaaa br7 out:1000 out:1000",
                        "tap shruaaaaaaaaaaa br7 out:1000 in:1000",
                        "tap shruaaaaaaaaaaa br7 in:1000 isolated",
                        "tap shruaaaaaaaaaaa br7 up:1000",
                        "port shruaaaaaaaaaaa br7 in:1000",
                        "tap shru/aaaaaaaaaa br7",
                        "tap vnet0 br7",
                        "tap eth0 br7",
                        "filter web 02:00:00:00:00:01 any any",
                        "filter web 02:00:00:00:00:01 any any ",
                        "filter  02:00:00:00:00:01 any any service",
                        "filter ../x 02:00:00:00:00:01 any any service",
                        "filter Web 02:00:00:00:00:01 any any service",
                        "filter web 02:00:00:00:00:0 any any service",
                        "filter web 02:00:00:00:00:011 any any service",
                        "filter web 02-00-00-00-00-01 any any service",
                        "filter web 02:00:00:00:00:0G any any service",
                        "filter web 02:00:00:00:00:AA any any service",
                        "filter web 01:00:00:00:00:01 any any service",
                        "filter web ff:ff:ff:ff:ff:ff any any service",
                        "filter web 00:00:00:00:00:00 any any service",
                        "filter web * any any service",
                        "filter web 02:00:00:00:00:01 * any service",
                        "filter web 02:00:00:00:00:01 10.0.0.0/8 any service",
                        "filter web 02:00:00:00:00:01 10.0.0.1-10.0.0.9 any service",
                        "filter web 02:00:00:00:00:01 10.0.0 any service",
                        "filter web 02:00:00:00:00:01 010.0.0.1 any service",
                        "filter web 02:00:00:00:00:01 0.0.0.0 any service",
                        "filter web 02:00:00:00:00:01 127.0.0.1 any service",
                        "filter web 02:00:00:00:00:01 224.0.0.1 any service",
                        "filter web 02:00:00:00:00:01 255.255.255.255 any service",
                        "filter web 02:00:00:00:00:01 fd00::2 any service",
                        "filter web 02:00:00:00:00:01 any 10.0.0.2 service",
                        "filter web 02:00:00:00:00:01 any :: service",
                        "filter web 02:00:00:00:00:01 any ::1 service",
                        "filter web 02:00:00:00:00:01 any ff02::1 service",
                        "filter web 02:00:00:00:00:01 any FD00::2 service",
                        "filter web 02:00:00:00:00:01 any fd00:0::2 service",
                        "filter web 02:00:00:00:00:01 any fd00::2%lo service",
                        "filter web 02:00:00:00:00:01 any any a\nb",
                        "filter web 02:00:00:00:00:01 any any \x7f",
                        "filter web 02:00:00:00:00:01 any any \xc3\xa4",
        };
        g_autofree char *device = g_strnfill(ANTISPOOF_DEVICE_MAX + 1, 'd'), *huge = g_strnfill(4096, 'x');
        g_autofree char *long_device = g_strconcat("filter web 02:00:00:00:00:01 any any ", device, NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        AntispoofRequest request = {};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("%s", cases[i]);
                error_clear(&error);
                g_assert_cmpint(parse(cases[i], &request, &error), <, 0);
                g_assert_nonnull(error.message);
                g_assert_null(request.filter);
        }
        g_assert_cmpint(parse(long_device, &request, NULL), <, 0);
        g_assert_cmpint(parse(huge, &request, NULL), <, 0);
        g_assert_cmpint(antispoof_request_parse("check\0", 6, &request, NULL), <, 0);
}

static void test_ports(void)
{
        static const char *const news[] = {
                        "port shruaaaaaaaaaaa web 02:00:00:00:00:01 10.0.0.2 none service",
                        "port shruaaaaaaaaaaa web 02:00:00:00:00:01 any fd00::2 a device",
                        "gone shruaaaaaaaaaaa",
        };
        static const char *const none[] = {
                        "",
                        "port",
                        "port ",
                        "port shruaaaaaaaaaaa",
                        "port shruaaaaaaaaaaa ",
                        "port shruaaaaaaaaaaa web 02:00:00:00:00:01 any any",
                        "port vnet0 web 02:00:00:00:00:01 any any service",
                        "port ../x web 02:00:00:00:00:01 any any service",
                        "port shruaaaaaaaaaaa ../x 02:00:00:00:00:01 any any service",
                        "gone",
                        "gone ",
                        "gone vnet0",
                        "gone shruaaaaaaaaaaa ",
                        "gone shruaaaaaaaaaaa web 02:00:00:00:00:01 any any service",
                        "ok watching",
        };
        static const char sentence[] = "error User shruthi-switch may ask for links, and for nothing else";
        _cleanup_error_ Error error = ERROR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(news); i++) {
                _cleanup_antispoof_port_news_ AntispoofPortNews one = {};
                g_autofree char *again = NULL;

                g_assert_cmpint(antispoof_port_news_parse(news[i], strlen(news[i]), &one, NULL), ==, 0);
                g_assert_cmpstr(one.interface, ==, "shruaaaaaaaaaaa");
                again = antispoof_port_news_format(one.interface, one.filter);
                g_assert_cmpstr(again, ==, news[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
                AntispoofPortNews one = {};

                g_test_message("%s", none[i]);
                g_assert_cmpint(antispoof_port_news_parse(none[i], strlen(none[i]), &one, NULL), ==,
                                -EBADMSG);
                g_assert_null(one.filter);
        }
        g_assert_cmpint(antispoof_port_news_parse("gone shrua\0a", 12, &(AntispoofPortNews){}, NULL), <, 0);
        g_assert_cmpint(antispoof_port_news_parse(
                                        sentence, strlen(sentence), &(AntispoofPortNews){}, &error),
                        <, 0);
        g_assert_cmpstr(error.message, ==, sentence + strlen("error "));
}

/* Another filter makes another name, which the kernel takes, and which begins as those do that are cut off
 * when they have no filter. */
static void test_interface_name(void)
{
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        static const char *const filters[] = {
                        "web 02:00:00:00:00:01 10.0.0.2 fd00::2 service",
                        "wec 02:00:00:00:00:01 10.0.0.2 fd00::2 service",
                        "web 02:00:00:00:00:02 10.0.0.2 fd00::2 service",
                        "web 02:00:00:00:00:01 10.0.0.3 fd00::2 service",
                        "web 02:00:00:00:00:01 any fd00::2 service",
                        "web 02:00:00:00:00:01 none fd00::2 service",
                        "web 02:00:00:00:00:01 10.0.0.2 any service",
                        "web 02:00:00:00:00:01 10.0.0.2 fd00::2 servicf",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
                g_autoptr(AntispoofFilter) filter = NULL;
                char name[IF_NAMESIZE], again[IF_NAMESIZE];

                g_assert_cmpint(antispoof_filter_parse(filters[i], &filter, NULL), ==, 0);
                antispoof_interface_name(filter, name);
                antispoof_interface_name(filter, again);
                g_assert_cmpstr(name, ==, again);
                g_assert_cmpuint(strlen(name), ==, IF_NAMESIZE - 1);
                g_assert_true(g_str_has_prefix(name, ANTISPOOF_INTERFACE_PREFIX));
                g_assert_cmpuint(strspn(name, "abcdefghijklmnopqrstuvwxyz234567"), ==, strlen(name));
                g_assert_true(g_hash_table_add(names, g_strdup(name)));
        }
}

/* It is written down while guests run: the next version must give the same one. */
static void test_interface_name_stays(void)
{
        g_autoptr(AntispoofFilter) filter = NULL;
        char name[IF_NAMESIZE];

        g_assert_cmpint(antispoof_filter_parse(
                                        "web 02:00:00:00:00:01 10.0.0.2 fd00::2 service", &filter, NULL),
                        ==, 0);
        antispoof_interface_name(filter, name);
        g_assert_cmpstr(name, ==, "shruuut7yobztgj");
}

static void test_answers(void)
{
        static const char *const bad[] = {"", "ok", "ok ", "ok\nshru", "ok a b", "ok ../x",
                        "ok toolonginterface", "OK shru", "error"};
        _cleanup_error_ Error refused = ERROR_INIT;
        g_autofree char *ok = antispoof_answer_format(0, NULL, ANTISPOOF_RESTORED), *word = NULL,
                        *sentence = NULL;

        g_assert_cmpint(antispoof_answer_parse(ok, strlen(ok), &word, NULL), ==, 0);
        g_assert_cmpstr(word, ==, ANTISPOOF_RESTORED);

        (void) error_set(&refused, ERROR_LIMIT_EXCEEDED, "no\nmore \x1b[2J");
        sentence = antispoof_answer_format(-EINVAL, &refused, NULL);
        g_assert_null(strpbrk(sentence, "\n\x1b"));
        g_assert_cmpint(antispoof_answer_parse(sentence, strlen(sentence), &word, &refused), <, 0);
        g_assert_true(g_str_has_prefix(refused.message, "no"));

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *none = NULL;

                g_test_message("%s", bad[i]);
                g_assert_cmpint(antispoof_answer_parse(bad[i], strlen(bad[i]), &none, &error), ==, -EBADMSG);
                g_assert_nonnull(error.message);
        }
}

/* What is to be put on a bridge, and how. */
static void test_port(void)
{
        _cleanup_antispoof_request_ AntispoofRequest request = {};

        g_assert_cmpint(parse("port vnet0 br7 isolated", &request, NULL), ==, 0);
        g_assert_cmpint(request.verb, ==, ANTISPOOF_PORT);
        g_assert_cmpstr(request.port.interface, ==, "vnet0");
        g_assert_cmpstr(request.port.bridge, ==, "br7");
        g_assert_true(request.port.isolated);
}

/* No tap is made but of an interface that can have a filter. */
static void test_tap(void)
{
        _cleanup_antispoof_request_ AntispoofRequest request = {};

        g_assert_cmpint(parse("tap shruaaaaaaaaaaa br7 isolated in:2000 out:3000", &request, NULL), ==, 0);
        g_assert_cmpint(request.verb, ==, ANTISPOOF_TAP);
        g_assert_cmpstr(request.tap.port.interface, ==, "shruaaaaaaaaaaa");
        g_assert_cmpstr(request.tap.port.bridge, ==, "br7");
        g_assert_true(request.tap.port.isolated);
        g_assert_cmpuint(request.tap.rate_in, ==, 2000);
        g_assert_cmpuint(request.tap.rate_out, ==, 3000);
}

static void test_lost(void)
{
        static const char *const lists[] = {"", "vnet0", "vnet0 shruaaaaaaaaaaa vnet.7"};
        static const char *const bad[] = {"", "o", "okay", "OK", "ok ", "ok  a", "ok ../x", "ok a b/c",
                        "ok vnet0 tap0", "vnet0"};
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) none = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_auto(GStrv) names = g_strsplit(lists[i], " ", -1), again = NULL;
                g_autofree char *text = antispoof_lost_format(lists[i][0] ? names : &(char *){NULL});
                g_autofree char *joined = NULL;

                g_assert_cmpint(antispoof_lost_parse(text, strlen(text), &again, NULL), ==, 0);
                joined = g_strjoinv(" ", again);
                g_assert_cmpstr(joined, ==, lists[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_test_message("%s", bad[i]);
                g_assert_cmpint(antispoof_lost_parse(bad[i], strlen(bad[i]), &none, NULL), ==, -EBADMSG);
        }
        g_assert_cmpint(antispoof_lost_parse("error no", 8, &none, &error), <, 0);
        g_assert_cmpstr(error.message, ==, "no");
}

/* More than fits an answer: what is left out is whole names. */
static void test_lost_many(void)
{
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_auto(GStrv) names = NULL, again = NULL;
        g_autofree char *text = NULL;

        for (unsigned i = 0; i < 10000; i++) {
                g_autofree char *name = g_strdup_printf("shruaaaaaa%05u", i);

                g_strv_builder_add(builder, name);
        }
        names = g_strv_builder_end(builder);
        text = antispoof_lost_format(names);
        g_assert_cmpuint(strlen(text), <=, ANTISPOOF_LOST_MAX);
        g_assert_cmpint(antispoof_lost_parse(text, strlen(text), &again, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(again), >, 4000);
}

static void test_link_local(void)
{
        Address address = address_link_local("52:54:00:0b:ad:06");
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(&address, ip);
        g_assert_cmpstr(ip, ==, "fe80::5054:ff:fe0b:ad06");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/antispoof/protocol/ports", test_ports);
        g_test_add_func("/antispoof/protocol/requests-there-and-back", test_there_and_back);
        g_test_add_func("/antispoof/protocol/says-what-is-filtered", test_meaning);
        g_test_add_func("/antispoof/protocol/longest-request", test_longest);
        g_test_add_func("/antispoof/protocol/refuses-what-is-no-request", test_refused);
        g_test_add_func("/antispoof/protocol/tap", test_tap);
        g_test_add_func("/antispoof/protocol/one-name-for-one-filter", test_interface_name);
        g_test_add_func("/antispoof/protocol/names-stay", test_interface_name_stays);
        g_test_add_func("/antispoof/protocol/answers-there-and-back", test_answers);
        g_test_add_func("/antispoof/protocol/port", test_port);
        g_test_add_func("/antispoof/protocol/lost-there-and-back", test_lost);
        g_test_add_func("/antispoof/protocol/lost-more-than-fit", test_lost_many);
        g_test_add_func("/antispoof/protocol/link-local-of-a-mac-address", test_link_local);
        return g_test_run();
}
