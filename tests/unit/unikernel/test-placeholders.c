/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every field is filled in, a brace can be written, and what cannot be filled in is refused with the way
 * out. */

#include <glib.h>
#include <string.h>

#include "unikernel/placeholders.h"

static Address address(const char *text)
{
        Address result;

        g_assert_cmpint(address_parse(text, &result, NULL), ==, 0);
        return result;
}

typedef struct Fixture {
        PlaceholderDevice devices[2];
        PlaceholderFacts facts;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->devices[0] = (PlaceholderDevice){
                        .name = "service",
                        .mac = "52:54:00:00:00:01",
                        .address4 = address("10.0.0.2/24"),
                        .gateway4 = address("10.0.0.1/24"),
                        .dns4 = address("10.0.0.53/24"),
                        .address6 = address("fd00::2/64"),
                        .gateway6 = address("fd00::1/64"),
                        .dns6 = address("fd00::53/64"),
        };
        f->devices[1] = (PlaceholderDevice){.name = "up.link"};
        f->facts = (PlaceholderFacts){.name = "msgrouter",
                        .uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                        .owner = "1000",
                        .devices = f->devices,
                        .n_devices = 2};
}

static void tear_down(Fixture *f, const void *data)
{
}

static void test_fills_in(Fixture *f, const void *data)
{
        static const struct {
                const char *text, *expected;
        } cases[] = {
                        {"", ""},
                        {"--hello=world", "--hello=world"},
                        {"--ipv4={service.address} --ipv4-gateway={service.gateway}",
                                        "--ipv4=10.0.0.2/24 --ipv4-gateway=10.0.0.1"},
                        {"{service.ip}", "10.0.0.2"},
                        {"{service.prefix}", "24"},
                        {"{service.dns}", "10.0.0.53"},
                        {"{service.mac}", "52:54:00:00:00:01"},
                        {"{service.address6} {service.ip6} {service.prefix6}", "fd00::2/64 fd00::2 64"},
                        {"{service.gateway6} {service.dns6}", "fd00::1 fd00::53"},
                        {"{name}/{uuid}/{owner}", "msgrouter/3f2504e0-4f89-41d3-9a0c-0305e82c3301/1000"},
                        {"{{name}}", "{name}"},
                        {"{{{name}}}", "{msgrouter}"},
                        {"{{}}", "{}"},
                        {"}}{{", "}{"},
                        {"{name}{name}", "msgroutermsgrouter"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *found = NULL;

                g_assert_cmpint(placeholders_expand(cases[i].text, &f->facts, &found, NULL), ==, 0);
                g_assert_cmpstr(found, ==, cases[i].expected);
                g_assert_cmpint(placeholders_check(cases[i].text, &f->facts, NULL), ==, 0);
        }
}

static void test_refuses(Fixture *f, const void *data)
{
        static const char *const texts[] = {"{", "}", "a{b", "a}b", "{name", "name}", "{}", "{ name}",
                        "{NAME}", "{{name}", "{name}}", "{na{me}", "{other.ip}", "{service}", "{service.}",
                        "{.ip}", "{service.ipv4}", "{service.mac6}", "{link.ip}", "{servic.ip}",
                        "{services.ip}", "{\x1b[2J}"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autofree char *found = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s", texts[i]);
                g_assert_cmpint(placeholders_expand(texts[i], &f->facts, &found, &error), ==, -EINVAL);
                g_assert_null(found);
                g_assert_null(strchr(error.message, '\x1b'));
                g_assert_cmpint(placeholders_check(texts[i], &f->facts, NULL), ==, -EINVAL);
        }
}

static void test_lists_what_there_is(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;

        f->facts.n_devices = 1;
        g_assert_cmpint(placeholders_check("--ip={eth0.ip}", &f->facts, &error), <, 0);
        g_assert_cmpstr(error.message, ==,
                        "there is no field {eth0.ip}; known: {name}, {uuid}, {owner}, {service.address}, "
                        "{service.ip}, {service.prefix}, {service.gateway}, {service.dns}, {service.mac}, "
                        "{service.address6}, {service.ip6}, {service.prefix6}, {service.gateway6}, "
                        "{service.dns6} (write {{ and }} for braces)");
        g_assert_cmpint(placeholders_check("ab{c", &f->facts, &error), <, 0);
        g_assert_cmpstr(error.message, ==, "a single '{' at byte 3: write '{{' for a brace");
}

/* A field that there is, but that nothing was given for: known before the start, refused at it. */
static void test_without_value(Fixture *f, const void *data)
{
        static const struct {
                const char *text, *hint;
        } cases[] = {
                        {"{up.link.address}", "Address=auto"},
                        {"{up.link.ip6}", "fd00::2/64"},
                        {"{up.link.gateway}", "shruthi.conf"},
                        {"{up.link.dns6}", "shruthi.conf"},
                        {"{up.link.prefix}", "Address=auto"},
                        {"{up.link.mac}", "not known"},
        };
        g_autofree char *found = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(placeholders_check(cases[i].text, &f->facts, NULL), ==, 0);
                g_assert_cmpint(placeholders_expand(cases[i].text, &f->facts, &found, &error), ==, -EINVAL);
                g_assert_nonnull(strstr(error.message, cases[i].hint));
        }

        f->facts.uuid = NULL;
        g_assert_cmpint(placeholders_check("{uuid}", &f->facts, NULL), ==, 0);
        g_assert_cmpint(placeholders_expand("{uuid}", &f->facts, &found, NULL), ==, -EINVAL);
}

static void test_needs(Fixture *f, const void *data)
{
        g_assert_true(placeholders_need_address("--ip={service.ip}", "service", AF_INET));
        g_assert_true(placeholders_need_address("{service.address}", "service", AF_INET));
        g_assert_true(placeholders_need_address("{up.link.prefix6}", "up.link", AF_INET6));
        g_assert_false(placeholders_need_address("{service.address}", "service", AF_INET6));
        g_assert_false(placeholders_need_address("{service.address6}", "service", AF_INET));
        g_assert_false(placeholders_need_address("{service.gateway}", "service", AF_INET));
        g_assert_false(placeholders_need_address("{service.ip}", "other", AF_INET));
        g_assert_false(placeholders_need_address("{{service.ip}}", "service", AF_INET));
        g_assert_false(placeholders_need_address("{service.ip", "service", AF_INET));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                                 \
        g_test_add("/unikernel/placeholders/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("fills-in", test_fills_in);
        ADD("refuses", test_refuses);
        ADD("lists-what-there-is", test_lists_what_there_is);
        ADD("without-value", test_without_value);
        ADD("needs-address", test_needs);
        return g_test_run();
}
