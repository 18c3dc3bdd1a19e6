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

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                                 \
        g_test_add("/daemon/change/publish/" path, ChangeFixture, NULL, change_set_up, function,            \
                        change_tear_down)
        ADD("users-have-their-ports", test_rights);
        ADD("nobody-has-anothers", test_taken);
        ADD("not-on-a-plain-bridge", test_bridge);
        return g_test_run();
}
