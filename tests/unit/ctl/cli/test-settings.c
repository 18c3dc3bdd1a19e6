/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings go over the bus with the types that org.dream.Shruthi.Manager gives them, and only those that
 * were named. */

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/bus/settings-append.h"
#include "ctl/output/value.h"

typedef struct Fixture {
        sd_bus *bus;
        int far;
        CommandSettings settings;
        Error error;
} Fixture;

/* A message needs a bus, which need not be anybody's. */
static void set_up(Fixture *f, const void *data)
{
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        f->far = fds[1];
        g_assert_cmpint(sd_bus_new(&f->bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(f->bus, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_start(f->bus), >=, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        command_settings_clear(&f->settings);
        error_clear(&f->error);
        sd_bus_close_unref(f->bus);
        close(f->far);
}

static void set(Fixture *f, const char *key, const char *value)
{
        g_assert_cmpint(command_settings_set(&f->settings, key, key, value, &f->error), ==, 0);
}

/* What shruthid would read, as JSON. */
static char *sent(Fixture *f, const char *digest)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        g_autoptr(JsonNode) value = NULL;

        g_assert_cmpint(sd_bus_message_new_method_call(f->bus, &message, "a.b", "/", "a.b", "c"), >=, 0);
        g_assert_cmpint(settings_append(message, &f->settings, digest, &f->error), ==, 0);
        g_assert_cmpint(sd_bus_message_seal(message, 1, 0), >=, 0);
        g_assert_cmpint(sd_bus_message_rewind(message, true), >=, 0);
        g_assert_cmpint(value_read(message, &value), ==, 0);
        return json_to_string(value, FALSE);
}

static void test_nothing_is_nothing(Fixture *f, const void *data)
{
        g_autofree char *text = sent(f, NULL);

        g_assert_cmpstr(text, ==, "{}");
        g_assert_false(command_settings_any(&f->settings));
}

static void test_each_key(Fixture *f, const void *data)
{
        g_autofree char *text = NULL;

        set(f, "memory", "64M");
        set(f, "CPUs", "2");
        set(f, "Autostart", "no");
        set(f, "Architecture", "arm64");
        set(f, "Arguments", "--a=\"b c\" ");
        set(f, "Restart", "on-failure");
        set(f, "Ready", "gone");
        set(f, "Ready", "");
        set(f, "Ready", "started");
        set(f, "ready", "console:^a, b$");
        set(f, "ReadyTimeoutSec", "2min");
        set(f, "Group", "");
        set(f, "Owner", "alice");
        set(f, "Initrd", "");
        g_assert_true(command_settings_any(&f->settings));
        text = sent(f, "sha256:x");
        g_assert_cmpstr(text, ==,
                        "{\"Arguments\":\"--a=\\\"b c\\\" \",\"Memory\":67108864,\"CPUs\":2,"
                        "\"Architecture\":\"arm64\",\"Owner\":\"alice\",\"Group\":\"\",\"Autostart\":false,"
                        "\"Restart\":\"on-failure\",\"Ready\":[\"started\",\"console:^a, b$\"],"
                        "\"ReadyTimeoutSec\":\"2min\",\"ImageDigest\":"
                        "\"sha256:x\","
                        "\"InitrdDigest\":\"\"}");
}

static void test_devices_keep_their_order(Fixture *f, const void *data)
{
        g_autofree char *text = NULL;

        set(f, "Network", "service:virbr0");
        set(f, "Network", "back:network=default,mac=02:00:00:00:00:01");
        set(f, "Network", "third:network=n,publish=8080:80,publish=53:53/udp");
        set(f, "Network", "fourth:bridge=network");
        set(f, "Volume", "data:/dev/vg/a:b:ro");
        set(f, "Volume", "more:/srv/more:rw");
        set(f, "Volume", "own:size=64M");
        set(f, "Volume", "theirs:ro,volume=b-own");
        text = sent(f, NULL);
        g_assert_cmpstr(text, ==,
                        "{\"Networks\":[[\"service\",{\"Bridge\":\"virbr0\"}],"
                        "[\"back\",{\"Network\":\"default\",\"MACAddress\":\"02:00:00:00:00:01\"}],"
                        "[\"third\",{\"Network\":\"n\",\"Publish\":[\"8080:80\",\"53:53/udp\"]}],"
                        "[\"fourth\",{\"Bridge\":\"network\"}]],"
                        "\"Volumes\":[[\"data\",{\"Path\":\"/dev/vg/a:b\",\"ReadOnly\":true}],"
                        "[\"more\",{\"Path\":\"/srv/more\",\"ReadOnly\":false}],"
                        "[\"own\",{\"Size\":67108864,\"ReadOnly\":false}],"
                        "[\"theirs\",{\"Volume\":\"b-own\",\"ReadOnly\":true}]]}");
}

/* Names a device and nothing else: no path of a key, no content. */
static void test_credentials(Fixture *f, const void *data)
{
        g_autofree char *text = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        set(f, "Credentials", "keys");
        g_assert_true(command_settings_any(&f->settings));
        g_assert_cmpint(command_settings_set(&f->settings, "Credentials", "Credentials", "keys:/etc/tls.key",
                                        &error),
                        <, 0);
        g_assert_nonnull(strstr(error.message, "credential set"));
        text = sent(f, NULL);
        g_assert_cmpstr(text, ==, "{\"Credentials\":[\"keys\"]}");
}

/* Images are foreign: a device's name in one connects it to nothing by itself. */
static void test_names_of_images_are_not_taken_apart(Fixture *f, const void *data)
{
        g_autofree char *text = NULL;

        command_settings_add_network(&f->settings, "a:network=b,mac=c");
        text = sent(f, NULL);
        g_assert_cmpstr(text, ==, "{\"Networks\":[[\"a:network=b,mac=c\",{}]]}");
}

static void test_empty_devices_say_none(Fixture *f, const void *data)
{
        g_autofree char *text = NULL;

        set(f, "Network", "service");
        set(f, "Network", "");
        set(f, "Volume", "");
        set(f, "Credentials", "");
        g_assert_true(command_settings_any(&f->settings));
        text = sent(f, NULL);
        g_assert_cmpstr(text, ==, "{\"Networks\":[],\"Volumes\":[],\"Credentials\":[]}");
}

static void test_list_of_arguments(Fixture *f, const void *data)
{
        const char *const list[] = {"--a=b c", "d\\", NULL};
        g_autofree char *text = NULL;

        f->settings.argument_list = g_strdupv((char **) list);
        text = sent(f, NULL);
        g_assert_cmpstr(text, ==, "{\"ArgumentList\":[\"--a=b c\",\"d\\\\\"]}");
}

static void test_unknown_keys_are_refused(Fixture *f, const void *data)
{
        g_assert_cmpint(command_settings_set(&f->settings, "Memroy", "Memroy", "64M", &f->error), ==,
                        -EINVAL);
        g_assert_nonnull(strstr(f->error.message, "Memroy"));
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL)
                        g_assert_nonnull(strstr(f->error.message, setting_table[id].key));
        g_assert_nonnull(strstr(f->error.message, "Network, Volume, Credentials, Digest"));
        g_assert_cmpint(command_settings_set(&f->settings, "Arguments", "Arguments", "\xff", &f->error), ==,
                        -EINVAL);
        g_assert_nonnull(strstr(f->error.message, "\\xff"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/ctl/settings/nothing-is-nothing", Fixture, NULL, set_up, test_nothing_is_nothing,
                        tear_down);
        g_test_add("/ctl/settings/each-key", Fixture, NULL, set_up, test_each_key, tear_down);
        g_test_add("/ctl/settings/devices-keep-their-order", Fixture, NULL, set_up,
                        test_devices_keep_their_order, tear_down);
        g_test_add("/ctl/settings/names-of-images-are-not-taken-apart", Fixture, NULL, set_up,
                        test_names_of_images_are_not_taken_apart, tear_down);
        g_test_add("/ctl/settings/empty-devices-say-none", Fixture, NULL, set_up,
                        test_empty_devices_say_none, tear_down);
        g_test_add("/ctl/settings/credentials-name-a-device", Fixture, NULL, set_up, test_credentials,
                        tear_down);
        g_test_add("/ctl/settings/list-of-arguments", Fixture, NULL, set_up, test_list_of_arguments,
                        tear_down);
        g_test_add("/ctl/settings/unknown-keys-are-refused", Fixture, NULL, set_up,
                        test_unknown_keys_are_refused, tear_down);
        return g_test_run();
}
