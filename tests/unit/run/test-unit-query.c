/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A runner that asks systemd gets the answer, or an error in time: a bus that is away, silent or wrong never
 * holds it up. */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "run/unit-query.h"

#define SOON (300 * 1000)
#define LATE (60 * G_USEC_PER_SEC)

typedef struct Fixture {
        char *dir, *socket;
        int listening;
        GThread *thread;
        const char *signature; /* of the answer: "u", another type, or NULL for an error */
        uint32_t restarts;
        const char *state; /* of the host */
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_autofree char *variable = NULL;

        f->dir = g_dir_make_tmp("shruthi-question-XXXXXX", NULL);
        f->socket = g_build_filename(f->dir, "bus", NULL);
        strcpy(address.sun_path, f->socket);
        f->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(bind(f->listening, (struct sockaddr *) &address, sizeof address), ==, 0);
        g_assert_cmpint(listen(f->listening, 1), ==, 0);
        variable = g_strconcat("unix:path=", f->socket, NULL);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", variable, true);
}

static void tear_down(Fixture *f, const void *data)
{
        if (f->thread)
                g_thread_join(f->thread);
        (void) close_safe(f->listening);
        g_assert_cmpint(g_unlink(f->socket), ==, 0);
        g_assert_cmpint(g_rmdir(f->dir), ==, 0);
        g_free(f->dir);
        g_free(f->socket);
}

static void bus_answer(sd_bus_message *call, const Fixture *f)
{
        const char *interface = NULL, *property = NULL;

        if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", "Hello")) {
                g_assert_cmpint(sd_bus_reply_method_return(call, "s", ":1.1"), >=, 0);
                return;
        }

        g_assert_cmpstr(sd_bus_message_get_destination(call), ==, SYSTEMD_NAME);
        g_assert_true(sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Get") > 0);
        g_assert_cmpint(sd_bus_message_read(call, "ss", &interface, &property), >, 0);
        if (f->state && g_str_equal(property, "SystemState")) {
                g_assert_cmpstr(sd_bus_message_get_path(call), ==, SYSTEMD_PATH);
                g_assert_cmpstr(interface, ==, SYSTEMD_NAME ".Manager");
                g_assert_cmpint(sd_bus_reply_method_return(call, "v", "s", f->state), >=, 0);
                return;
        }
        g_assert_cmpstr(sd_bus_message_get_path(call), ==,
                        SYSTEMD_PATH "/unit/unikernel_40web_2d1_2eservice");
        g_assert_cmpstr(interface, ==, SYSTEMD_NAME ".Service");
        g_assert_cmpstr(property, ==, "NRestarts");
        if (!f->signature)
                g_assert_cmpint(sd_bus_reply_method_errorf(
                                                call, SD_BUS_ERROR_UNKNOWN_OBJECT, "No such unit"),
                                >=, 0);
        else if (g_str_equal(f->signature, "u"))
                g_assert_cmpint(sd_bus_reply_method_return(call, "v", "u", f->restarts), >=, 0);
        else
                g_assert_cmpint(sd_bus_reply_method_return(call, "v", f->signature, "many"), >=, 0);
}

/* The bus, for one client, until that goes. */
static void *bus_serve(void *userdata)
{
        const Fixture *f = userdata;
        sd_bus *bus = NULL;
        sd_id128_t id = {};
        int fd, r;

        fd = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, fd, fd), >=, 0);
        g_assert_cmpint(sd_bus_set_server(bus, true, id), >=, 0);
        g_assert_cmpint(sd_bus_set_trusted(bus, true), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        do {
                sd_bus_message *call = NULL;

                r = sd_bus_process(bus, &call);
                if (call && sd_bus_message_is_method_call(call, NULL, NULL) > 0)
                        bus_answer(call, f);
                sd_bus_message_unref(call);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        } while (r >= 0);
        sd_bus_close_unref(bus);
        return NULL;
}

static int query(Fixture *f, uint64_t timeout, uint32_t *ret_restarts)
{
        return unit_query_restarts("unikernel@web-1.service", timeout, ret_restarts);
}

static void test_count(Fixture *f, const void *data)
{
        uint32_t restarts = 17;

        f->signature = "u";
        f->restarts = GPOINTER_TO_UINT(data);
        f->thread = g_thread_new("bus", bus_serve, f);
        g_assert_cmpint(query(f, LATE, &restarts), ==, 0);
        g_assert_cmpuint(restarts, ==, f->restarts);
}

typedef struct Unbidden {
        uint32_t restarts;
        const char *state;
        bool unbidden;
} Unbidden;

/* What nobody waits for may wait itself. */
static void test_unbidden(Fixture *f, const void *data)
{
        const Unbidden *expected = data;
        bool unbidden = !expected->unbidden;

        f->signature = "u";
        f->restarts = expected->restarts;
        f->state = expected->state;
        f->thread = g_thread_new("bus", bus_serve, f);
        g_assert_cmpint(unit_query_unbidden("unikernel@web-1.service", LATE, &unbidden), ==, 0);
        g_assert_cmpint(unbidden, ==, expected->unbidden);
}

static void test_error(Fixture *f, const void *data)
{
        uint32_t restarts = 17;

        f->signature = data;
        f->thread = g_thread_new("bus", bus_serve, f);
        g_assert_cmpint(query(f, LATE, &restarts), <, 0);
        g_assert_cmpuint(restarts, ==, 17);
}

static void test_silent(Fixture *f, const void *data)
{
        uint32_t restarts = 17;

        g_assert_cmpint(query(f, SOON, &restarts), ==, -ETIMEDOUT);
        g_assert_cmpuint(restarts, ==, 17);
}

static void test_away(Fixture *f, const void *data)
{
        uint32_t restarts = 17;

        f->listening = close_safe(f->listening);
        g_assert_cmpint(query(f, LATE, &restarts), <, 0);
        g_assert_cmpuint(restarts, ==, 17);
}

static void *bus_hang_up(void *userdata)
{
        const Fixture *f = userdata;
        int fd = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC);

        (void) close_safe(fd);
        return NULL;
}

static void test_hangs_up(Fixture *f, const void *data)
{
        uint32_t restarts = 17;

        f->thread = g_thread_new("bus", bus_hang_up, f);
        g_assert_cmpint(query(f, LATE, &restarts), <, 0);
        g_assert_cmpuint(restarts, ==, 17);
}

static const Unbidden by_hand = {0, "running", false}, by_hand_degraded = {0, "degraded", false},
                      at_boot = {0, "starting", true}, early = {0, "initializing", true},
                      restarted = {2, "running", true};

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add("/unit-query/none", Fixture, GUINT_TO_POINTER(0), set_up, test_count, tear_down);
        g_test_add("/unit-query/some", Fixture, GUINT_TO_POINTER(3), set_up, test_count, tear_down);
        g_test_add("/unit-query/by-hand", Fixture, &by_hand, set_up, test_unbidden, tear_down);
        g_test_add("/unit-query/by-hand-degraded", Fixture, &by_hand_degraded, set_up, test_unbidden,
                        tear_down);
        g_test_add("/unit-query/at-boot", Fixture, &at_boot, set_up, test_unbidden, tear_down);
        g_test_add("/unit-query/early-at-boot", Fixture, &early, set_up, test_unbidden, tear_down);
        g_test_add("/unit-query/restarted", Fixture, &restarted, set_up, test_unbidden, tear_down);
        g_test_add("/unit-query/no-such-unit-is-an-error", Fixture, NULL, set_up, test_error, tear_down);
        g_test_add("/unit-query/another-type-is-an-error", Fixture, "s", set_up, test_error, tear_down);
        g_test_add("/unit-query/silent-bus-is-not-waited-for", Fixture, NULL, set_up, test_silent,
                        tear_down);
        g_test_add("/unit-query/bus-that-is-away-is-an-error", Fixture, NULL, set_up, test_away, tear_down);
        g_test_add("/unit-query/bus-that-hangs-up-is-an-error", Fixture, NULL, set_up, test_hangs_up,
                        tear_down);

        return g_test_run();
}
