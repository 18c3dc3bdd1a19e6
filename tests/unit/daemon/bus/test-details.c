/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GetDetails() and the properties tell each setting that there is, as the type that it is set with. */

#include <string.h>

#include "../bus-message.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/bus/unikernel-details.h"

#define LINE(key, digit)                                                                                    \
        key "=sha256:" digit "00000000000000000000000000000000000000000000000000000000000000" digit "\n"

static const char before[] = "[Unikernel]\n" LINE("Image", "1") "[Network a]\n[Volume b]\nSize=64M\n"
                                                                "[Credentials c]\n";
/* Differs from that in each setting of [Unikernel]. */
static const char after[] = "[Unikernel]\n" LINE("Image", "2") LINE(
                "Initrd", "3") "Arguments=x\nMemory=64M\nCPUs=2\nArchitecture=aarch64\n"
                               "Owner=1001\nGroup=1002\nAutostart=yes\nRestart=always\n"
                               "Ready=console:x\nReadyTimeoutSec=1s\nHealthy=ping:a\nHealthyIntervalSec=1s\n"
                               "HealthyRetries=2\nWatchdog=console\n"
                               "Activation=traffic\nStopWhenIdleSec=1min\n"
                               "UpdateFrom=/a\nUpdateVerify=openpgp:/b\nFleet=f\n"
                               "RestartSec=1s\nRestartSteps=2\nRestartMaxDelaySec=1min\n"
                               "StartLimitIntervalSec=1h\nStartLimitBurst=3\nRequires=b\nWants=c\n"
                               "BindsTo=d\nAfter=e\nBefore=f\nConflicts=g\nPartOf=h\nUpholds=i\n"
                               "OnFailure=j\nCPUWeight=5\nCPUQuota=5%\nAllowedCPUs=0\nIOWeight=5\n"
                               "IOReadBandwidthMax=1M\nIOWriteBandwidthMax=1M\nIOReadIOPSMax=5\n"
                               "IOWriteIOPSMax=5\nMemoryHigh=100M\nMemoryMax=128M\n"
                               "[Network a]\nAddress=auto\nIsolation=no\n"
                               "[Network d]\nAddress=auto\nPublish=8080:80\n";

static Definition *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        (void) definition_parse("hello", "/srv/hello.unikernel", text, strlen(text), &definition, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return definition;
}

/* The types of the values of a dictionary that comes next, by their keys: also "NextStart.Image" and
 * "Devices.0.Bridge" of nested ones. */
static void read_types(sd_bus_message *m, const char *prefix, GHashTable *types)
{
        const char *key, *type;

        g_assert_cmpint(sd_bus_message_enter_container(m, 'a', "{sv}"), >, 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                g_assert_cmpint(sd_bus_message_read(m, "s", &key), >, 0);
                g_assert_cmpint(sd_bus_message_peek_type(m, NULL, &type), >, 0);
                g_hash_table_insert(types, g_strconcat(prefix, key, NULL), g_strdup(type));
                if (g_str_equal(type, "a{sv}")) {
                        g_autofree char *nested = g_strconcat(prefix, key, ".", NULL);

                        g_assert_cmpint(sd_bus_message_enter_container(m, 'v', type), >, 0);
                        read_types(m, nested, types);
                        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
                } else if (g_str_equal(type, "aa{sv}")) {
                        g_assert_cmpint(sd_bus_message_enter_container(m, 'v', type), >, 0);
                        g_assert_cmpint(sd_bus_message_enter_container(m, 'a', "a{sv}"), >, 0);
                        for (unsigned i = 0; !sd_bus_message_at_end(m, 0); i++) {
                                g_autofree char *nested = g_strdup_printf("%s%s.%u.", prefix, key, i);

                                read_types(m, nested, types);
                        }
                        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
                        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
                } else
                        g_assert_cmpint(sd_bus_message_skip(m, "v"), >=, 0);
                g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
        }
        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
}

static GHashTable *details_types(const Unikernel *unikernel)
{
        GHashTable *types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        Details *details = details_new(unikernel);
        g_autoptr(sd_bus_message) m = message_new();

        g_assert_cmpint(details_append(m, unikernel, details), >=, 0);
        read_types(message_sealed(m), "", types);
        details_free(details);
        return types;
}

static bool is_property(const char *name)
{
        for (const sd_bus_vtable *row = unikernel_vtable; row->type != _SD_BUS_VTABLE_END; row++)
                if (row->type == _SD_BUS_VTABLE_PROPERTY && g_str_equal(row->x.property.member, name))
                        return true;

        return false;
}

typedef struct Fixture {
        Conf conf;
        SharedConf shared;
        Manager manager;
        Unikernel unikernel;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
        f->conf = (Conf){.memory_default = 32 * 1024 * 1024};
        f->shared = (SharedConf){.references = 1, .conf = &f->conf};
        f->manager = (Manager){.conf = &f->shared};
        f->unikernel = (Unikernel){
                        .manager = &f->manager,
                        .name = (char *) "hello",
                        .loaded.definition = parse(after),
                        .running = parse(before),
                        .properties.needs_restart = true,
                        .compared = true,
        };
}

static void tear_down(Fixture *f, gconstpointer data)
{
        definition_free(f->unikernel.loaded.definition);
        definition_free(f->unikernel.running);
}

static void assert_type(GHashTable *types, const char *key, const Setting *setting)
{
        /* A file is told by its digest. */
        char letter[] = {setting->type == SETTING_TYPE_FILE ? 's' : (char) setting->type, 0};
        const char *type = setting->type == SETTING_TYPE_LIST ? "as" : letter;

        g_test_message("%s", key);
        g_assert_cmpstr(g_hash_table_lookup(types, key), ==, type);
}

static void test_unikernel(Fixture *f, gconstpointer data)
{
        g_autoptr(GHashTable) types = details_types(&f->unikernel);

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL && !is_property(setting_table[id].key))
                        assert_type(types, setting_table[id].key, &setting_table[id]);
}

/* Written or not. */
static void test_devices(Fixture *f, gconstpointer data)
{
        static const char *const prefixes[_SECTION_MAX] = {
                        [SECTION_NETWORK] = "Devices.0.", [SECTION_VOLUME] = "Devices.1."};
        g_autoptr(GHashTable) types = details_types(&f->unikernel);

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const char *prefix = prefixes[setting_table[id].section];
                g_autofree char *key = g_strconcat(prefix ?: "", setting_table[id].key, NULL);

                if (prefix)
                        assert_type(types, key, &setting_table[id]);
        }
        g_assert_cmpstr(g_hash_table_lookup(types, "Devices.2.Credentials"), ==, "as");
}

/* All that a running guest does not have before it is started again. */
static void test_next_start(Fixture *f, gconstpointer data)
{
        g_autoptr(GHashTable) types = details_types(&f->unikernel);

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *key = g_strconcat("NextStart.", setting->key, NULL);
                g_autofree char *old = NULL, *new = NULL;

                if (setting->section != SECTION_UNIKERNEL)
                        continue;
                g_test_message("%s", key);
                old = setting_format(setting, f->unikernel.running);
                new = setting_format(setting, f->unikernel.loaded.definition);
                g_assert_cmpstr(old, !=, new);
                if (setting->flags & SETTING_WITHOUT_START)
                        g_assert_false(g_hash_table_contains(types, key));
                else
                        assert_type(types, key, setting);
        }
        g_assert_true(g_hash_table_contains(types, "NextStart.Devices.0.Isolation"));
}

#define ADD(path, function) g_test_add("/daemon/details/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("tell-each-setting-of-a-unikernel", test_unikernel);
        ADD("tell-each-setting-of-a-device", test_devices);
        ADD("tell-what-a-restart-changes", test_next_start);
        return g_test_run();
}
