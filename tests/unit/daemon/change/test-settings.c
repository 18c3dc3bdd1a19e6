/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings: what a definition cannot hold is refused at the door, each with a sentence; what it can hold
 * comes out as it went in. */

#include <fcntl.h>
#include <string.h>

#include "../bus-message.h"
#include "common/io.h"
#include "daemon/change/settings.h"

#define DIGEST "sha256:9117489e7dd6f9969f13d18f230d0b5a4633899c7e940c98f0636d670ed6e94a"

static Settings *read_ok(sd_bus_message *m, SettingsUse use)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Settings *settings = NULL;

        if (settings_read(message_sealed(m), use, &settings, &error) < 0)
                g_error("refused: %s", error.message);
        sd_bus_message_unref(m);
        return settings;
}

static void refused(sd_bus_message *m, SettingsUse use, const char *word)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Settings *settings = NULL;

        g_assert_cmpint(settings_read(message_sealed(m), use, &settings, &error), <, 0);
        g_assert_null(settings);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
        if (!strstr(error.message, word))
                g_error("'%s' does not say '%s'", error.message, word);
        sd_bus_message_unref(m);
}

static void test_text(void)
{
        static const char *const bad[] = {"a\nOwner=0", "a\\", " a", "a ", "\t", "a\rb", "a\001"};

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                sd_bus_message *m = message_new();

                g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Arguments", "s", bad[i]), >=, 0);
                refused(m, SETTINGS_CREATE, "Arguments");
                m = message_new();
                g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Group", "s", bad[i]), >=, 0);
                refused(m, SETTINGS_CREATE, "Group");
        }
}

static void test_refusals(void)
{
        static const struct {
                const char *key, *type, *value, *word;
        } cases[] = {
                        {"Foo", "s", "x", "ArgumentList"},
                        {"Memory", "s", "32M", "'t'"},
                        {"Autostart", "s", "yes", "'b'"},
                        {"Restart", "s", "sometimes", "on-failure"},
                        {"Ready", "s", "started", "'as'"},
                        {"Architecture", "s", "sparc", "'x86_64' or 'aarch64'"},
                        {"InitrdDigest", "s", "sha256:12", "64"},
                        {"Digest", "s", "", "64"},
                        {"Owner", "s", "", "must be the name or number of a user"},
                        {"ImageDigest", "s", DIGEST, "Unknown key"},
                        {"Networks", "s", "x", "a(sa{sv})"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                sd_bus_message *m = message_new();

                g_assert_cmpint(sd_bus_message_append(
                                                m, "a{sv}", 1, cases[i].key, cases[i].type, cases[i].value),
                                >=, 0);
                refused(m, SETTINGS_CREATE, cases[i].word);
        }
}

/* What a volume takes, and nothing of a unikernel's. */
static void test_volumes(void)
{
        g_autoptr(Settings) settings = NULL;
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(
                                        m, "a{sv}", 2, "Group", "s", "staff", "Size", "t", UINT64_C(1024)),
                        >=, 0);
        settings = read_ok(m, SETTINGS_VOLUME_IMPORT);
        g_assert_cmpstr(settings->values[SETTING_GROUP], ==, "staff");
        g_assert_cmpuint(*settings->size, ==, 1024);

        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Size", "t", UINT64_C(1024)), >=, 0);
        refused(m, SETTINGS_VOLUME, "known: Owner, Group");
        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Memory", "t", UINT64_C(1024)), >=, 0);
        refused(m, SETTINGS_VOLUME_IMPORT, "known: Owner, Group, Size");
        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Size", "s", "64M"), >=, 0);
        refused(m, SETTINGS_VOLUME_IMPORT, "'t'");
}

static void test_twice(void)
{
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 2, "CPUs", "u", 1, "CPUs", "u", 2), >=, 0);
        refused(m, SETTINGS_CREATE, "twice");

        m = message_new();
        g_assert_cmpint(sd_bus_message_append(
                                        m, "a{sv}", 2, "Arguments", "s", "a", "ArgumentList", "as", 1, "b"),
                        >=, 0);
        refused(m, SETTINGS_CREATE, "cannot be combined");
}

static void test_devices(void)
{
        static const struct {
                const char *name, *key, *value, *word;
        } cases[] = {
                        {"a]\n[Volume x", "Bridge", "br0", "not a valid device name"},
                        {"", "Bridge", "br0", "not a valid device name"},
                        {"service", "Bridge", "br0\nNetwork=x", "control character"},
                        {"service", "Path", "/dev/sda", "known: Bridge"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                sd_bus_message *m = message_new();

                g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Networks", "a(sa{sv})", 1,
                                                cases[i].name, 1, cases[i].key, "s", cases[i].value),
                                >=, 0);
                refused(m, SETTINGS_CREATE, cases[i].word);
        }
}

/* More than the guest's bus has slots for is refused while it is read, not when it is all in memory. */
static void test_too_many_devices(void)
{
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "Networks"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', "a(sa{sv})"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "(sa{sv})"), >=, 0);
        for (unsigned i = 0; i <= DEFINITION_DEVICES_MAX; i++) {
                g_autofree char *name = g_strdup_printf("n%u", i);

                g_assert_cmpint(sd_bus_message_append(m, "(sa{sv})", name, 0), >=, 0);
        }
        for (unsigned i = 0; i < 4; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        refused(m, SETTINGS_CREATE, "29");
}

static void test_all_keys(void)
{
        sd_bus_message *m = message_new();
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        g_autoptr(Settings) settings = NULL;
        const DefinitionDevice *device;

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 11, "Ready", "as", 2, "started", "console:a",
                                        "ArgumentList", "as", 2, "--a=b c", "d", "Memory", "t",
                                        UINT64_C(67108864), "CPUs", "u", 2, "Architecture", "s", "x86-64",
                                        "Group", "s", "wheel", "Autostart", "b", 1, "Restart", "s", "always",
                                        "Initrd", "h", fd, "Digest", "s", DIGEST, "Networks", "a(sa{sv})", 2,
                                        "service", 1, "Bridge", "s", "br0", "lan", 0),
                        >=, 0);
        settings = read_ok(m, SETTINGS_CREATE);
        close_safe(fd);

        g_assert_cmpstr(settings->values[SETTING_ARGUMENTS], ==, "--a=b\\ c d");
        g_assert_cmpstr(settings->values[SETTING_MEMORY], ==, "64M");
        g_assert_cmpstr(settings->values[SETTING_CPUS], ==, "2");
        g_assert_cmpstr(settings->values[SETTING_AUTOSTART], ==, "yes");
        g_assert_cmpstr(settings->values[SETTING_READY], ==, "started\nconsole:a");
        g_assert_cmpstr(settings->values[SETTING_ARCHITECTURE], ==, "x86_64");
        /* Its own, so that the message can go. */
        g_assert_cmpint(settings->initrd_fd, >=, 0);
        g_assert_cmpint(settings->initrd_fd, !=, fd);
        g_assert_cmpuint(settings->networks->len, ==, 2);
        device = settings->networks->pdata[0];
        g_assert_cmpstr(device->bridge, ==, "br0");
        g_assert_null(settings->volumes);
}

/* All lines of a list take the place of all that are there, and a value that would be another line is
 * refused. */
static void test_lists(void)
{
        static const char old[] = "[Unikernel]\nImage=" DIGEST
                                  "\n# a\nReady=started\n# b\nMemory=32M\nReady=console:x\n"
                                  "Restart=no\n";
        sd_bus_message *m = message_new(), *none = message_new(), *bad = message_new();
        g_autoptr(Settings) settings = NULL, no_settings = NULL;
        g_autofree char *text = NULL, *no_text = NULL;

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Ready", "as", 2, "console:a", "console:b"), >=,
                        0);
        settings = read_ok(m, SETTINGS_UPDATE);
        text = settings_apply(settings, old, NULL, NULL, NULL);
        g_assert_cmpstr(text, ==,
                        "[Unikernel]\nImage=" DIGEST "\n# a\nReady=console:a\nReady=console:b\n# b\n"
                        "Memory=32M\nRestart=no\n");

        g_assert_cmpint(sd_bus_message_append(none, "a{sv}", 1, "Ready", "as", 0), >=, 0);
        no_settings = read_ok(none, SETTINGS_UPDATE);
        no_text = settings_apply(no_settings, old, NULL, NULL, NULL);
        g_assert_cmpstr(no_text, ==, "[Unikernel]\nImage=" DIGEST "\n# a\n# b\nMemory=32M\nRestart=no\n");

        g_assert_cmpint(sd_bus_message_append(bad, "a{sv}", 1, "Ready", "as", 1, "started\nOwner=0"), >=, 0);
        refused(bad, SETTINGS_UPDATE, "control character");
}

/* The same in a device's dictionary. */
static void test_device_lists(void)
{
        sd_bus_message *m = message_new(), *bad = message_new();
        g_autoptr(Settings) settings = NULL;
        g_autofree char *text = NULL;

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Networks", "a(sa{sv})", 2, "a", 1, "Publish", "as",
                                        2, "80:80", "53:53/udp", "b", 1, "Publish", "as", 0),
                        >=, 0);
        settings = read_ok(m, SETTINGS_CREATE);
        text = settings_apply(settings, "[Unikernel]\n", NULL, NULL, NULL);
        g_assert_cmpstr(text, ==,
                        "[Unikernel]\n\n[Network a]\nPublish=80:80\nPublish=53:53/udp\n\n[Network b]\n");

        g_assert_cmpint(sd_bus_message_append(bad, "a{sv}", 1, "Networks", "a(sa{sv})", 1, "a", 1, "Publish", "as",
                                        1, "80:80\nIsolation=no"),
                        >=, 0);
        refused(bad, SETTINGS_CREATE, "control character");
}

static Definition *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        if (definition_parse("x", "x.unikernel", text, strlen(text), &definition, &error) < 0)
                g_error("%s", error.message);
        return definition;
}

/* What is not named stays as it was written, comments too. */
static void test_apply_keeps(void)
{
        static const char old[] =
                        "# mine\n[Unikernel]\nImage=" DIGEST "\n# why\nMemory=32M\nArguments=a {{b\n\n"
                        "# the net\n[Network service]\n# this one\nBridge=br0\n";
        g_autoptr(Definition) before = parse(old), after = NULL;
        g_autoptr(Settings) settings = settings_new();
        g_autofree char *text = NULL;
        uint64_t memory = 64 << 20;

        settings_put_bytes(settings, SETTING_MEMORY, memory);
        text = settings_apply(settings, old, before, NULL, NULL);
        after = parse(text);
        g_assert_cmpuint(after->memory, ==, memory);
        g_assert_cmpstr(after->arguments, ==, "a {{b");
        g_assert_nonnull(strstr(text, "# mine\n"));
        g_assert_nonnull(strstr(text, "# why\n"));
        g_assert_nonnull(strstr(text, "# this one\n"));
}

/* An empty array removes all; another order is the order that the definition has then. */
static void test_apply_devices(void)
{
        static const char old[] =
                        "[Unikernel]\nImage=" DIGEST "\n\n[Network a]\nBridge=br0\n\n[Network b]\n\n"
                        "[Volume v]\nPath=/v\n";
        g_autoptr(Definition) before = parse(old), none = NULL, turned = NULL;
        g_autofree char *no_text = NULL, *turned_text = NULL;
        g_autoptr(Settings) empty = settings_new(), settings = NULL;
        sd_bus_message *m = message_new();

        empty->networks = g_ptr_array_new();
        no_text = settings_apply(empty, old, before, NULL, NULL);
        none = parse(no_text);
        g_assert_cmpuint(none->devices->len, ==, 1);

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Networks", "a(sa{sv})", 2, "b", 1, "Bridge",
                                        "s", "br1", "a", 0),
                        >=, 0);
        settings = read_ok(m, SETTINGS_UPDATE);
        turned_text = settings_apply(settings, old, before, NULL, NULL);
        turned = parse(turned_text);
        g_assert_cmpuint(turned->devices->len, ==, 3);
        g_assert_cmpstr(((DefinitionDevice *) turned->devices->pdata[1])->name, ==, "b");
        g_assert_cmpstr(((DefinitionDevice *) turned->devices->pdata[1])->bridge, ==, "br1");
        g_assert_cmpstr(((DefinitionDevice *) turned->devices->pdata[2])->name, ==, "a");
        g_assert_null(((DefinitionDevice *) turned->devices->pdata[2])->bridge);
}

static Definition *apply_credentials(const char *old, const char *device)
{
        g_autoptr(Definition) before = parse(old);
        g_autoptr(Settings) settings = NULL;
        g_autofree char *text = NULL;
        sd_bus_message *m = message_new();

        if (device)
                g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Credentials", "as", 1, device), >=, 0);
        else
                g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Credentials", "as", 0), >=, 0);
        settings = read_ok(m, SETTINGS_UPDATE);
        text = settings_apply(settings, old, before, NULL, NULL);
        if (device)
                g_assert_nonnull(strstr(text, "# mine\n"));
        return parse(text);
}

/* Where the contents come from stays, as long as the device does. Volumes are another matter. */
static void test_apply_credentials(void)
{
        static const char none[] = "# mine\n[Unikernel]\nImage=" DIGEST "\n[Volume v]\nPath=/v\n";
        static const char old[] = "[Unikernel]\nImage=" DIGEST
                                  "\n[Volume v]\nPath=/v\n[Credentials keys]\n# mine\nLoadCredential=a:/a\n"
                                  "LoadCredential=b:/b\n";
        g_autoptr(Definition) made = apply_credentials(none, "keys"), same = apply_credentials(old, "keys");
        g_autoptr(Definition) removed = apply_credentials(old, NULL), before = parse(old);
        g_autoptr(Settings) no_volumes = settings_new();
        g_autofree char *text = NULL;
        g_autoptr(Definition) kept = NULL;

        g_assert_cmpstr(definition_credentials(made)->name, ==, "keys");
        g_assert_cmpuint(made->devices->len, ==, 2);
        g_assert_cmpuint(definition_credentials(same)->sources->len, ==, 2);
        g_assert_null(definition_credentials(removed));
        g_assert_cmpuint(removed->devices->len, ==, 1);

        no_volumes->volumes = g_ptr_array_new();
        text = settings_apply(no_volumes, old, before, NULL, NULL);
        kept = parse(text);
        g_assert_cmpuint(kept->devices->len, ==, 1);
        g_assert_nonnull(definition_credentials(kept));
}

static void test_credentials_refusals(void)
{
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Credentials", "as", 2, "a", "b"), >=, 0);
        refused(m, SETTINGS_CREATE, "name one");
        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Credentials", "as", 1, "a]\n[Volume b"), >=,
                        0);
        refused(m, SETTINGS_CREATE, "not a valid device name");
        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Credentials", "s", "a"), >=, 0);
        refused(m, SETTINGS_CREATE, "'as'");
}

/* A volume of the store's takes the place of a path, and the other way round; comments stay. */
static void test_apply_volumes(void)
{
        static const char old[] = "[Unikernel]\nImage=" DIGEST "\n\n# mine\n[Volume v]\nPath=/v\n";
        g_autoptr(Definition) before = parse(old), stored = NULL, named = NULL;
        g_autofree char *stored_text = NULL, *named_text = NULL;
        g_autoptr(Settings) settings = NULL, other = NULL;
        sd_bus_message *m = message_new();
        const DefinitionDevice *device;

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Volumes", "a(sa{sv})", 1, "v", 1, "Size", "t",
                                        UINT64_C(65536)),
                        >=, 0);
        settings = read_ok(m, SETTINGS_UPDATE);
        stored_text = settings_apply(settings, old, before, NULL, NULL);
        stored = parse(stored_text);
        device = stored->devices->pdata[0];
        g_assert_cmpuint(device->size, ==, 65536);
        g_assert_nonnull(strstr(stored_text, "# mine\n[Volume v]\n"));
        g_assert_null(strstr(stored_text, "Path="));

        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Volumes", "a(sa{sv})", 1, "v", 2, "Volume",
                                        "s", "other", "ReadOnly", "b", 1),
                        >=, 0);
        other = read_ok(m, SETTINGS_UPDATE);
        named_text = settings_apply(other, stored_text, stored, NULL, NULL);
        named = parse(named_text);
        device = named->devices->pdata[0];
        g_assert_cmpstr(device->stored, ==, "other");
        g_assert_cmpuint(device->size, ==, 0);
        g_assert_true(device->read_only);

        m = message_new();
        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "Volumes", "a(sa{sv})", 1, "v", 1, "Size", "t",
                                        UINT64_C(1000)),
                        >=, 0);
        refused(m, SETTINGS_UPDATE, "multiple of 512");
}

/* Placeholders, braces, quotes and backslashes pass unchanged. */
static void test_apply_arguments(void)
{
        static const char *const values[] = {
                        "", "{name}", "{{}}", "--a=\"b c\" \\x d\\\\e", "#a", ";b", "[c]", "=d", "ä"};
        static const char old[] = "[Unikernel]\nImage=" DIGEST "\nArguments=old\n";

        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                g_autoptr(Settings) settings = settings_new();
                g_autoptr(Definition) after = NULL;
                g_autofree char *text = NULL;

                settings_put(settings, SETTING_ARGUMENTS, values[i]);
                text = settings_apply(settings, old, NULL, NULL, NULL);
                after = parse(text);
                g_assert_cmpstr(after->arguments, ==, values[i]);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/settings/refuses-what-no-definition-can-hold", test_text);
        g_test_add_func("/daemon/settings/says-what-is-wrong", test_refusals);
        g_test_add_func("/daemon/settings/refuses-a-key-twice", test_twice);
        g_test_add_func("/daemon/settings/volumes", test_volumes);
        g_test_add_func("/daemon/settings/refuses-bad-devices", test_devices);
        g_test_add_func("/daemon/settings/refuses-30-devices", test_too_many_devices);
        g_test_add_func("/daemon/settings/reads-all-keys", test_all_keys);
        g_test_add_func("/daemon/settings/a-list-is-all-of-its-lines", test_lists);
        g_test_add_func("/daemon/settings/lists-of-devices", test_device_lists);
        g_test_add_func("/daemon/settings/keeps-what-is-not-named", test_apply_keeps);
        g_test_add_func("/daemon/settings/replaces-devices-in-order", test_apply_devices);
        g_test_add_func("/daemon/settings/credentials-keep-their-sources", test_apply_credentials);
        g_test_add_func("/daemon/settings/refuses-bad-credentials", test_credentials_refusals);
        g_test_add_func("/daemon/settings/volumes-and-paths-exclude-each-other", test_apply_volumes);
        g_test_add_func("/daemon/settings/arguments-pass-unchanged", test_apply_arguments);
        return g_test_run();
}
