/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Without a file the defaults hold; with one, each key means what it says or is refused with its line. */

#include <glib.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/paths.h"
#include "fixture/files.h"

static int parse(const char *text, Conf **ret_conf, Error *ret_error)
{
        g_autoptr(KeyFile) key_file = key_file_new();
        int r = key_file_add(key_file, "f", text, strlen(text), ret_error);

        return r < 0 ? r : conf_parse(key_file, ret_conf, ret_error);
}

static void test_defaults(void)
{
        g_autoptr(Conf) conf = NULL;

        g_assert_cmpint(parse("", &conf, NULL), ==, 0);
        g_assert_null(conf->bridge_interface);
        g_assert_cmpuint(g_strv_length(conf->allowed_bridges), ==, 0);
        g_assert_cmpuint(g_strv_length(conf->allowed_networks), ==, 0);
        g_assert_cmpuint(g_strv_length(conf->network_pool), ==, 2);
        g_assert_cmpstr(conf->publish_ports[0], ==, "1024-65535");
        g_assert_null(conf->publish_ports[1]);
        g_assert_cmpuint(conf->networks_max_user, ==, 4);
        g_assert_cmpuint(g_strv_length(conf->image_directories), ==, 0);
        g_assert_cmpstr(conf->libvirt_uri, ==, "qemu:///system");
        g_assert_cmpint(conf->acceleration, ==, ACCELERATION_AUTO);
        g_assert_cmpint(conf->fast_start, ==, FAST_START_AUTO);
        g_assert_cmpint(conf->allow_processes, ==, ALLOW_PROCESSES_ADMINISTRATORS);
        g_assert_false(conf->network_ring);
        g_assert_cmpuint(conf->memory_default, ==, 32 << 20);
        g_assert_cmpuint(conf->memory_max, ==, 256 << 20);
        g_assert_cmpuint(conf->memory_max_user, ==, 1 << 30);
        g_assert_cmpuint(conf->unikernels_max, ==, UINT_MAX);
        g_assert_cmpuint(conf->unikernels_max_user, ==, 16);
        g_assert_cmpuint(conf->image_size_max, ==, 256 << 20);
        g_assert_cmpuint(conf->store_size_max, ==, UINT64_C(64) << 30);
        g_assert_cmpuint(conf->store_size_max_user, ==, UINT64_C(4) << 30);
        g_assert_cmpuint(conf->free_space_min, ==, 128 << 20);
        g_assert_cmpuint(conf->message_size_max, ==, 1 << 20);
        g_assert_cmpuint(conf->starts_in_flight, ==, 4);
        g_assert_cmpuint(conf->console_rate, ==, 128 << 10);
        g_assert_cmpuint(conf->console_burst, ==, 2 << 20);
        g_assert_cmpuint(conf->silence_warning_usec, ==, 10 * G_USEC_PER_SEC);
        g_assert_cmpuint(conf->idle_exit_usec, ==, 60 * G_USEC_PER_SEC);
}

/* Writing the defaults down changes nothing; each key has one, and takes it. */
static void test_defaults_can_be_written(void)
{
        g_autoptr(GString) text = g_string_new("[Shruthi]\n");
        g_autoptr(Conf) conf = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        for (const char *const *key = conf_keys(); *key; key++)
                g_string_append_printf(text, "%s=%s\n", *key, conf_key_default(*key));
        (void) parse(text->str, &conf, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpuint(conf->idle_exit_usec, ==, 60 * G_USEC_PER_SEC);
        g_assert_null(conf_key_default("NoSuchKey"));
}

/* Empty values are as if they were not there; a bridge may have one family. */
static void test_bridges(void)
{
        g_autoptr(Conf) conf = NULL;
        char text[ADDRESS_TEXT_MAX];

        g_assert_cmpint(parse("[Bridge br0]\nSubnet=10.0.0.0/24\nGateway=10.0.0.1\nDNS=9.9.9.9\nIPv6Subnet=\n"
                              "[Bridge br1]\nIPv6Subnet=fd00::/64\n[Shruthi]\n[Bridge br2]\n",
                                        &conf, NULL), ==, 0);
        g_assert_cmpuint(conf->bridges->len, ==, 3);
        address_format(&conf_find_bridge(conf, "br0")->subnet4.network, text);
        g_assert_cmpstr(text, ==, "10.0.0.0/24");
        address_format_ip(&conf_find_bridge(conf, "br0")->subnet4.gateway, text);
        g_assert_cmpstr(text, ==, "10.0.0.1");
        address_format_ip(&conf_find_bridge(conf, "br0")->subnet4.dns, text);
        g_assert_cmpstr(text, ==, "9.9.9.9");
        g_assert_false(address_is_set(&conf_find_bridge(conf, "br0")->subnet6.network));
        g_assert_false(address_is_set(&conf_find_bridge(conf, "br1")->subnet4.network));
        address_format(&conf_find_bridge(conf, "br1")->subnet6.network, text);
        g_assert_cmpstr(text, ==, "fd00::/64");
        g_assert_null(conf_find_bridge(conf, "br3"));
}

static void test_everything(void)
{
        g_autoptr(Conf) conf = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        (void) parse("[Shruthi]\n"
                     "BridgeInterface=br0\n"
                     "AllowedBridges=br0  br1\tbr2\n"
                     "AllowedNetworks=default\n"
                     "AllowedDependencies=postgresql.service backup-*.timer\n"
                     "ImageDirectories=/srv/images /opt/b\n"
                     "LibvirtURI=qemu+unix:///system?socket=/run/x\n"
                     "Acceleration=kvm\n"
                     "FastStart=no\n"
                     "AllowProcesses=users\n"
                     "NetworkRing=yes\n"
                     "DefaultMemory=64M\n"
                     "MemoryMax=infinity\n"
                     "MemoryMaxPerUser=0\n"
                     "MemoryOverhead=0\n"
                     "CPUsMax=infinity\n"
                     "CPUsMaxPerUser=8\n"
                     "UnikernelsMax=1000\n"
                     "UnikernelsMaxPerUser=infinity\n"
                     "ImageSizeMax=1G\n"
                     "StoreSizeMax=infinity\n"
                     "MessageSizeMax=64K\n"
                     "StartsInFlight=8\n"
                     "ConsoleRate=infinity\n"
                     "ConsoleBurst=1024\n"
                     "SilenceWarningSec=0\n"
                     "IdleExitSec=1min 30s 500ms\n",
                        &conf, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpstr(conf->bridge_interface, ==, "br0");
        g_assert_cmpuint(g_strv_length(conf->allowed_bridges), ==, 3);
        g_assert_cmpstr(conf->allowed_bridges[2], ==, "br2");
        g_assert_cmpstr(conf->allowed_networks[0], ==, "default");
        g_assert_cmpstr(conf->image_directories[1], ==, "/opt/b");
        g_assert_cmpstr(conf->libvirt_uri, ==, "qemu+unix:///system?socket=/run/x");
        g_assert_cmpint(conf->acceleration, ==, ACCELERATION_KVM);
        g_assert_cmpint(conf->fast_start, ==, FAST_START_NO);
        g_assert_cmpint(conf->allow_processes, ==, ALLOW_PROCESSES_USERS);
        g_assert_true(conf->network_ring);
        g_assert_cmpuint(conf->memory_default, ==, 64 << 20);
        g_assert_cmpuint(conf->memory_max, ==, UINT64_MAX);
        g_assert_cmpuint(conf->memory_max_user, ==, 0);
        g_assert_cmpuint(conf->unikernels_max, ==, 1000);
        g_assert_cmpuint(conf->unikernels_max_user, ==, UINT_MAX);
        g_assert_cmpuint(conf->image_size_max, ==, 1 << 30);
        g_assert_cmpuint(conf->store_size_max, ==, UINT64_MAX);
        g_assert_cmpuint(conf->message_size_max, ==, 64 << 10);
        g_assert_cmpuint(conf->starts_in_flight, ==, 8);
        g_assert_cmpuint(conf->console_rate, ==, UINT64_MAX);
        g_assert_cmpuint(conf->console_burst, ==, 1024);
        g_assert_cmpuint(conf->silence_warning_usec, ==, 0);
        g_assert_cmpuint(conf->idle_exit_usec, ==, 90500000);
}

static void test_allow_processes(void)
{
        for (AllowProcesses allow = 0; allow < _ALLOW_PROCESSES_MAX; allow++) {
                g_autofree char *text = g_strdup_printf(
                                "[Shruthi]\nAllowProcesses=%s\n", allow_processes_to_string(allow));
                g_autoptr(Conf) conf = NULL;

                g_assert_cmpint(parse(text, &conf, NULL), ==, 0);
                g_assert_cmpint(conf->allow_processes, ==, allow);
                g_assert_cmpint(allow_processes_from_string(allow_processes_to_string(allow)), ==, allow);
        }
        g_assert_cmpint(allow_processes_from_string("all"), ==, _ALLOW_PROCESSES_INVALID);
}

static void test_no_ports(void)
{
        g_autoptr(Conf) none = NULL, two = NULL;

        g_assert_cmpint(parse("[Shruthi]\nPublishPorts=none\n", &none, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(none->publish_ports), ==, 0);
        g_assert_cmpint(parse("[Shruthi]\nPublishPorts=80 8000-8010\n", &two, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(two->publish_ports), ==, 2);
        g_assert_cmpstr(two->publish_ports[1], ==, "8000-8010");
}

static void test_default_bridge_is_allowed(void)
{
        g_autoptr(Conf) conf = NULL;

        g_assert_cmpint(parse("[Shruthi]\nBridgeInterface=br7\nAllowedBridges=\n", &conf, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(conf->allowed_bridges), ==, 1);
        g_assert_cmpstr(conf->allowed_bridges[0], ==, "br7");
}

static const struct {
        const char *text, *message;
} refusals[] = {
        {"[Unikernel]\n", "f:1: unknown section '[Unikernel]'; known are Shruthi, Bridge"},
        {"[Shruthi x]\n", "f:1: section [Shruthi] takes no name: write [Shruthi]"},
        {"[Shruti]\n", "f:1: unknown section '[Shruti]', did you mean 'Shruthi'?"},
        {"[Shruthi]\nBridgeInterfaces=br0\n", "f:2: unknown key 'BridgeInterfaces' in [Shruthi], did you "
                                              "mean 'BridgeInterface'?"},
        {"[Shruthi]\nBridgeInterface=a/b\n",
                        "f:2: BridgeInterface=a/b: not the name of a bridge: 1 to 15 printable characters "
                        "without '/', ':', '%' and space"},
        {"[Shruthi]\nAllowedBridges=br0 a/b\n",
                        "f:2: AllowedBridges=br0 a/b: 'a/b' is not the name of a bridge"},
        {"[Shruthi]\nAllowedNetworks=a/b\n", "f:2: AllowedNetworks=a/b: 'a/b' is not the name of a libvirt "
                                             "network"},
        {"[Shruthi]\nAllowedDependencies=a.service ssh\n",
                        "f:2: AllowedDependencies=a.service ssh: 'ssh' is neither a unit's name with its suffix, "
                        "such as postgresql.service, nor a pattern of such names with '*', '?' and '[…]'"},
        {"[Shruthi]\nPublishPorts=80 90-80\n",
                        "f:2: PublishPorts=80 90-80: '90-80' is neither a port from 1 to 65535 nor a range such "
                        "as 1024-65535, nor none"},
        {"[Shruthi]\nImageDirectories=/srv/ok srv\n",
                        "f:2: ImageDirectories=/srv/ok srv: 'srv' is not an absolute path without '//', "
                        "'.', '..' and a '/' at the end"},
        {"[Shruthi]\nImageDirectories=/srv/../etc\n",
                        "f:2: ImageDirectories=/srv/../etc: '/srv/../etc' is not an absolute path without "
                        "'//', '.', '..' and a '/' at the end"},
        {"[Shruthi]\nLibvirtURI=system\n", "f:2: LibvirtURI=system: not a URI of libvirt, such as "
                                           "qemu:///system, or none"},
        {"[Shruthi]\nAcceleration=fast\n", "f:2: Acceleration=fast: write auto, kvm or tcg"},
        {"[Shruthi]\nFastStart=2\n", "f:2: FastStart=2: write auto, yes or no"},
        {"[Shruthi]\nAllowProcesses=yes\n",
                        "f:2: AllowProcesses=yes: write no, administrators or users"},
        {"[Shruthi]\nAllowProcesses=Users\n",
                        "f:2: AllowProcesses=Users: write no, administrators or users"},
        {"[Shruthi]\nStrictLimits=users\n", "f:2: StrictLimits=users: write yes or no"},
        {"[Shruthi]\nStrictAddresses=2\n", "f:2: StrictAddresses=2: write yes or no"},
        {"[Shruthi]\nDefaultMemory=much\n",
                        "f:2: DefaultMemory=much: not a size: write a whole number and K, M, G or T (base "
                        "1024), such as 32M"},
        {"[Shruthi]\nDefaultMemory=infinity\n",
                        "f:2: DefaultMemory=infinity: not a size: write a whole number and K, M, G or T "
                        "(base 1024), such as 32M"},
        {"[Shruthi]\nDefaultMemory=32\n",
                        "f:2: DefaultMemory=32: out of range: write 1M to 1T"},
        {"[Shruthi]\nDefaultMemory=1025K\n",
                        "f:2: DefaultMemory=1025K: not a whole number of MiB, such as 32M"},
        {"[Shruthi]\nMemoryMax=1K\n",
                        "f:2: MemoryMax=1K: out of range: write 1M to infinity"},
        {"[Shruthi]\nMemoryMax=32m\n",
                        "f:2: MemoryMax=32m: not a size: write a whole number and K, M, G or T (base 1024) "
                        "or infinity, such as 256M"},
        {"[Shruthi]\nMemoryMaxPerUser=99999999999999999999\n",
                        "f:2: MemoryMaxPerUser=99999999999999999999: out of range: write 0 to infinity"},
        {"[Shruthi]\nUnikernelsMax=1K\n", "f:2: UnikernelsMax=1K: not a whole number or infinity, such as "
                                          "1000"},
        {"[Shruthi]\nUnikernelsMaxPerUser=4294967295\n",
                        "f:2: UnikernelsMaxPerUser=4294967295: out of range: write 0 to infinity"},
        {"[Shruthi]\nStartsInFlight=0\n",
                        "f:2: StartsInFlight=0: out of range: write 1 to 64"},
        {"[Shruthi]\nStartsInFlight=four\n",
                        "f:2: StartsInFlight=four: not a whole number, such as 4"},
        {"[Shruthi]\nSilenceWarningSec=-1\n", "f:2: SilenceWarningSec=-1: not a time: write a number and "
                                              "ms, s, min or h, such as 10s"},
        {"[Shruthi]\nSilenceWarningSec=5parsecs\n",
                        "f:2: SilenceWarningSec=5parsecs: not a time: write a number and ms, s, min or h, "
                        "such as 10s"},
        {"[Bridge]\n", "f:1: section [Bridge] needs the name of a bridge, such as [Bridge br0]"},
        {"[Bridge a/b]\n", "f:1: section [Bridge a/b] needs the name of a bridge, such as [Bridge br0]"},
        {"[Bridge b]\nSubnet=10.0.0.1/24\n",
                        "f:2: Subnet=10.0.0.1/24: '10.0.0.1/24' is an address in network 10.0.0.0/24, not "
                        "a network: write 10.0.0.0/24"},
        {"[Bridge b]\nSubnet=fd00::/64\n",
                        "f:2: Subnet=fd00::/64: not an IPv4 network, such as 10.0.0.0/24"},
        {"[Bridge b]\nGateway=10.0.0.1\n",
                        "f:2: Gateway=10.0.0.1: Subnet= is missing; set it too, such as 10.0.0.0/24"},
        {"[Bridge b]\nSubnet=10.0.0.0/24\nGateway=10.0.1.1\n",
                        "f:3: Gateway=10.0.1.1: not in network 10.0.0.0/24"},
        {"[Bridge b]\nIPv6Subnet=fd00::/64\nIPv6DNS=10.0.1.1\n",
                        "f:3: IPv6DNS=10.0.1.1: not an address of a host, such as fd00::1"},
        {"[Bridge b]\nSubnets=1\n", "f:2: unknown key 'Subnets' in [Bridge b], did you mean 'Subnet'?"},
        {"[Shruthi]\nIdleExitSec=1ms\n", "f:2: IdleExitSec=1ms: too short or too long: write 100ms or more, "
                                         "such as 1min"},
        {"[Shruthi]\nIdleExitSec=999999999999999999d\n",
                        "f:2: IdleExitSec=999999999999999999d: too short or too long: write 100ms or more, "
                        "such as 1min"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(Conf) conf = NULL;

                g_test_message("%s", refusals[i].text);
                g_assert_cmpint(parse(refusals[i].text, &conf, &error), ==, -EBADMSG);
                g_assert_cmpstr(error.message, ==, refusals[i].message);
                g_assert_null(conf);
        }
}

static void test_refuses_long_lists(void)
{
        g_autoptr(GString) text = g_string_new("[Shruthi]\nAllowedBridges=");
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Conf) conf = NULL;

        for (unsigned i = 0; i < 256; i++)
                g_string_append(text, "br0 ");
        g_assert_cmpint(parse(text->str, &conf, NULL), ==, 0);
        g_string_append(text, "br0");
        g_clear_pointer(&conf, conf_free);
        g_assert_cmpint(parse(text->str, &conf, &error), ==, -EBADMSG);
        g_assert_true(g_str_has_suffix(error.message, ": more than 256 names"));
}

typedef struct Fixture {
        char *root, *config, *dropins, *config_a;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-conf-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
        f->config = g_build_filename(paths_config_dir(), "shruthi.conf", NULL);
        f->dropins = g_build_filename(paths_config_dir(), "shruthi.conf.d", NULL);
        f->config_a = g_build_filename(f->dropins, "a.conf", NULL);
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->root);
        g_free(f->config);
        g_free(f->dropins);
        g_free(f->config_a);
}

/* /etc before /usr/lib, drop-ins of both over either, a mask over the vendor's. */
static void test_files(Fixture *f, const void *data)
{
        g_autoptr(Conf) conf = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(conf_load(&conf, &error), ==, 0);
        g_assert_cmpuint(conf->starts_in_flight, ==, 4);
        g_clear_pointer(&conf, conf_free);

        fixture_put(paths_vendor_dir(), "shruthi.conf", "[Shruthi]\nStartsInFlight=5\n");
        g_assert_cmpint(conf_load(&conf, &error), ==, 0);
        g_assert_cmpuint(conf->starts_in_flight, ==, 5);
        g_clear_pointer(&conf, conf_free);

        fixture_put(paths_config_dir(), "shruthi.conf", "[Shruthi]\nStartsInFlight=6\nFastStart=no\n");
        fixture_put(paths_vendor_dir(), "shruthi.conf.d/a.conf", "[Shruthi]\nStartsInFlight=7\n");
        fixture_put(paths_vendor_dir(), "shruthi.conf.d/b.conf", "[Shruthi]\nUnikernelsMax=8\n");
        g_assert_cmpint(conf_load(&conf, &error), ==, 0);
        g_assert_cmpuint(conf->starts_in_flight, ==, 7);
        g_assert_cmpint(conf->fast_start, ==, FAST_START_NO);
        g_assert_cmpuint(conf->unikernels_max, ==, 8);
        g_clear_pointer(&conf, conf_free);

        g_assert_cmpint(g_mkdir_with_parents(f->dropins, 0700), ==, 0);
        g_assert_cmpint(symlink("/dev/null", f->config_a), ==, 0);
        g_assert_cmpint(conf_load(&conf, &error), ==, 0);
        g_assert_cmpuint(conf->starts_in_flight, ==, 6);
}

/* What is there and cannot be read is no missing file: limits that were meant would not hold. */
static void test_unreadable_files(Fixture *f, const void *data)
{
        const char *const linked[] = {f->config, f->config_a};
        g_autoptr(Conf) conf = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(g_mkdir_with_parents(f->dropins, 0700), ==, 0);
        g_assert_cmpint(g_mkdir(f->config, 0700), ==, 0);
        g_assert_cmpint(conf_load(&conf, &error), ==, -EBADMSG);
        g_assert_nonnull(strstr(error.message, "shruthi.conf: not a regular file"));
        g_assert_cmpint(g_remove(f->config), ==, 0);

        for (size_t i = 0; i < G_N_ELEMENTS(linked); i++) {
                g_assert_cmpint(symlink("/nowhere/at/all", linked[i]), ==, 0);
                g_assert_cmpint(conf_load(&conf, &error), ==, -EBADMSG);
                g_assert_nonnull(strstr(error.message, ".conf: the target of the link does not exist"));
                g_assert_nonnull(strstr(error.message, linked[i]));
                g_assert_cmpint(g_remove(linked[i]), ==, 0);
                g_assert_cmpint(symlink("/dev/null", linked[i]), ==, 0);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/conf/no-ports-to-publish", test_no_ports);
        g_test_add_func("/common/conf/defaults", test_defaults);
        g_test_add_func("/common/conf/defaults-can-be-written", test_defaults_can_be_written);
        g_test_add_func("/common/conf/everything", test_everything);
        g_test_add_func("/common/conf/allows-processes", test_allow_processes);
        g_test_add_func("/common/conf/bridges", test_bridges);
        g_test_add_func("/common/conf/default-bridge-is-allowed", test_default_bridge_is_allowed);
        g_test_add_func("/common/conf/refusals", test_refusals);
        g_test_add_func("/common/conf/refuses-long-lists", test_refuses_long_lists);
        g_test_add("/common/conf/files", Fixture, NULL, set_up, test_files, tear_down);
        g_test_add("/common/conf/unreadable-files", Fixture, NULL, set_up, test_unreadable_files,
                        tear_down);
        return g_test_run();
}
