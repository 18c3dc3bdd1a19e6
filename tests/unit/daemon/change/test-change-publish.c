/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users publish what shruthi.conf allows, and nobody what somebody else has. */

#include <string.h>
#include <unistd.h>

#include "change-fixture.h"

static void begin(ChangeFixture *f, uid_t uid, const char *network, const char *bridge, const char *ports)
{
        DefinitionDevice device = network_device(bridge, network);

        change_reset(f, CHANGE_CREATE, uid);
        f->request.image_fd = dup(f->image_fd);
        f->request.have_networks = true;
        f->request.bridges = f->bridges;
        f->request.networks = f->networks;
        device.address = (char *) "auto";
        device.publish = (char *) ports;
        change_add_device(&f->request.settings->networks, &device);
}

static void expect_administrator(ChangeFixture *f, const char *words)
{
        change_work(&f->request, &f->result);
        g_assert_cmpint(f->result.r, <, 0);
        g_assert_true(f->result.needs_administer);
        g_assert_nonnull(strstr(f->result.error.message, words));
}

static void expect_taken(ChangeFixture *f, const char *words)
{
        change_work(&f->request, &f->result);
        g_assert_cmpint(f->result.r, <, 0);
        g_assert_cmpint(f->result.error.code, ==, ERROR_ADDRESS_IN_USE);
        g_assert_nonnull(strstr(f->result.error.message, words));
}

static void test_rights(ChangeFixture *f, gconstpointer data)
{
        f->ports[0] = (char *) "1024-65535";
        f->ports[1] = (char *) "80";
        begin(f, ALICE, "net-users", NULL, "443:443");
        f->request.administer = false;
        expect_administrator(f,
                        "only an administrator may set Publish=443:443; users may publish the ports of "
                        "PublishPorts= of shruthi.conf (1024-65535 80)");
        f->ports[0] = NULL;
        begin(f, ALICE, "net-users", NULL, "8080:80");
        expect_administrator(f, "(none)");
}

static void test_taken(ChangeFixture *f, gconstpointer data)
{
        const Listener listener = {.port = 8443, .uid = 0};
        Publisher *other = g_new(Publisher, 1);

        *other = (Publisher){.name = g_strdup("web"), .ports = published_ports_split("8000-8010:80-90")};
        f->ports[0] = (char *) "1-65535";
        begin(f, ALICE, "net-users", NULL, "8005:80");
        g_ptr_array_add(f->request.publishers, other);
        expect_taken(f, "Publish=8005:80: this port of the host is published by unikernel 'web'");
        begin(f, 0, "net-users", NULL, "8443:80");
        g_array_append_val(f->request.listeners, listener);
        expect_taken(f, "Publish=8443:80: a program of user root listens on port 8443/tcp");
}

static void test_bridge(ChangeFixture *f, gconstpointer data)
{
        f->ports[0] = (char *) "1-65535";
        begin(f, ALICE, NULL, "br-users", "8080:80");
        change_work(&f->request, &f->result);
        g_assert_cmpint(f->result.error.code, ==, ERROR_NO_SUCH_NETWORK);
        g_assert_nonnull(strstr(f->result.error.message, "'br-users' is a bridge without a network"));
}

static void begin_rolling(ChangeFixture *f)
{
        static const ChangeUpdate rolling = {.rolling = true};

        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, 64 * MIB);
        f->request.update = &rolling;
}

/* Two run at once, for which their owner must have the right, and which a port must lead to. */
static void test_rolling(ChangeFixture *f, gconstpointer data)
{
        g_autoptr(Definition) definition = NULL;

        f->ports[0] = (char *) "1-65535";
        f->conf.keep_generations = 10;
        begin(f, ALICE, "net-users", NULL, "8080:80");
        expect_change(f);

        f->conf.memory_max_user = 127 * MIB;
        begin_rolling(f);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
        g_assert_true(g_str_has_prefix(f->result.error.message,
                        "A rolling update runs 'hello' twice for a while: 64M of memory"));
        f->conf.memory_max_user = 128 * MIB;
        f->conf.addresses_max_user = 1;
        begin_rolling(f);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
        f->conf.addresses_max_user = 2;
        f->conf.cpus_max_user = 1;
        begin_rolling(f);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
        definition = load_definition("hello");
        g_assert_cmpuint(definition->memory, !=, 64 * MIB);
        f->conf.cpus_max_user = 2;
        begin_rolling(f);
        expect_change(f);

        begin_rolling(f);
        change_with_network(f, NULL, NULL);
        expect_refusal(f, ERROR_NOT_SUPPORTED, false);
        g_assert_nonnull(strstr(f->result.error.message, "publishes no port"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                                 \
        g_test_add("/daemon/change/publish/" path, ChangeFixture, NULL, change_set_up, function,            \
                        change_tear_down)
        ADD("users-have-their-ports", test_rights);
        ADD("nobody-has-anothers", test_taken);
        ADD("not-on-a-plain-bridge", test_bridge);
        ADD("a-rolling-update-counts-twice", test_rolling);
        return g_test_run();
}
