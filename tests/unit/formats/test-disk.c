/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What SHRUTHI keeps in files, as version 1 wrote it: the folder v1/ is from a host with running unikernels.
 * It is read as the programs of today read it, after an upgrade that touches no running unikernel. From here
 * on whoever changes a format leaves v1/ as it is, and adds a folder with the new form and what it must be
 * read as; where version 1 is written no more, the last test says so. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "antispoof/publication-record.h"
#include "antispoof/record.h"
#include "common/conf.h"
#include "common/paths.h"
#include "domain/network/hosts.h"
#include "fixture/files.h"
#include "image/store-private.h"
#include "run/user-rate.h"
#include "unikernel/cut-off.h"
#include "unikernel/definition.h"
#include "unikernel/exit-record.h"
#include "unikernel/generation.h"
#include "unikernel/lease.h"
#include "unikernel/network.h"
#include "unikernel/process.h"
#include "unikernel/run-dir.h"
#include "unikernel/run-state.h"
#include "unikernel/started.h"
#include "unikernel/update-record.h"
#include "volume/store.h"

typedef struct Fixture {
        char *root;
        char *samples;
} Fixture;

static void copy_tree(const char *from, const char *to)
{
        g_autoptr(GDir) dir = g_dir_open(from, 0, NULL);
        const char *name;

        g_assert_nonnull(dir);
        g_assert_cmpint(g_mkdir_with_parents(to, 0700), ==, 0);
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *source = g_build_filename(from, name, NULL), *text = NULL;
                g_autofree char *target = g_build_filename(to, name, NULL);
                gsize size;

                if (g_file_test(source, G_FILE_TEST_IS_DIR)) {
                        copy_tree(source, target);
                        continue;
                }
                g_assert_true(g_file_get_contents(source, &text, &size, NULL));
                g_assert_true(g_file_set_contents(target, text, (gssize) size, NULL));
        }
}

static void copy_samples(const Fixture *f, const char *what, const char *to)
{
        g_autofree char *from = g_build_filename(f->samples, what, NULL);

        copy_tree(from, to);
}

static char *sample(const Fixture *f, const char *name)
{
        g_autofree char *path = g_build_filename(f->samples, name, NULL);
        char *text;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-formats-XXXXXX", NULL);
        f->samples = g_build_filename(g_getenv("SHRUTHI_FORMATS"), data, NULL);
        paths_set_root(f->root);
        copy_samples(f, "etc", paths_config_dir());
        copy_samples(f, "var", paths_state_dir());
        copy_samples(f, "var-hosts", paths_hosts());
        copy_samples(f, "run", paths_runtime_dir());
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->samples);
        g_free(f->root);
}

static Definition *load(const char *name)
{
        Definition *definition;
        _cleanup_error_ Error error = ERROR_INIT;
        int r = definition_load(name, &definition, &error);

        if (r < 0)
                g_error("%s: %s", name, error_message(&error, r));
        return definition;
}

static const DefinitionDevice *device_of(const Definition *definition, const char *name)
{
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (g_str_equal(device->name, name))
                        return device;
        }
        g_assert_not_reached();
}

static void test_conf(Fixture *f, const void *data)
{
        g_autoptr(Conf) conf = NULL;

        g_assert_cmpint(conf_load(&conf, NULL), ==, 0);
        g_assert_cmpstr(conf->bridge_interface, ==, "virbr0");
        g_assert_cmpint(conf->acceleration, ==, ACCELERATION_TCG);
        g_assert_cmpuint(conf->memory_default, ==, 48 << 20);
        g_assert_cmpstr(conf->allowed_networks[0], ==, "default");
}

/* Made through the bus by a user, with every kind of device. */
static void test_definition(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = load("hers");
        const DefinitionDevice *network = device_of(definition, "service"),
                               *volume = device_of(definition, "storage");

        g_assert_cmpint(definition->origin, ==, DEFINITION_ORIGIN_STATE);
        g_assert_cmpstr(definition->arguments, ==, "--ipv4={service.address}");
        g_assert_cmpuint(definition->memory, ==, 64 << 20);
        g_assert_cmpuint(definition->owner, ==, 1001);
        g_assert_true(definition->autostart);
        g_assert_cmpint(definition->restart, ==, RESTART_ON_FAILURE);
        g_assert_cmpstr(network->bridge, ==, "virbr0");
        g_assert_cmpint(network->setting.mode4, ==, ADDRESS_MODE_AUTO);
        g_assert_cmpuint(network->rate_in, ==, 10000000);
        g_assert_cmpstr(volume->stored, ==, "hers-storage");
        g_assert_cmpuint(volume->size, ==, 1 << 20);
}

/* An administrator's, with a drop-in. */
static void test_definition_by_hand(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = load("by-hand");
        const DefinitionDevice *keys = definition_credentials(definition);

        g_assert_cmpint(definition->origin, ==, DEFINITION_ORIGIN_CONFIG);
        g_assert_cmpuint(definition->cpus, ==, 2);
        g_assert_cmpuint(definition->memory, ==, 96 << 20);
        g_assert_cmpuint(definition->owner, ==, 0);
        g_assert_cmpstr(keys->name, ==, "keys");
        g_assert_cmpuint(keys->sources->len, ==, 2);
        g_assert_true(device_of(definition, "storage")->read_only);
}

static void test_lease(Fixture *f, const void *data)
{
        g_autoptr(GPtrArray) leases = NULL;
        char text[ADDRESS_TEXT_MAX];
        const Lease *lease;

        g_assert_cmpint(lease_list(NULL, "hello", &leases, NULL), ==, 0);
        g_assert_cmpuint(leases->len, ==, 1);
        lease = leases->pdata[0];
        address_format_ip(&lease->address, text);
        g_assert_cmpstr(text, ==, "10.128.0.139");
        g_assert_cmpstr(lease->network, ==, "network-lab");
        g_assert_cmpstr(lease->device, ==, "service");
        g_assert_cmpstr(lease->mac, ==, "f2:b2:90:c0:a1:37");
}

static void test_network(Fixture *f, const void *data)
{
        NetworkRecord *record;
        char text[ADDRESS_TEXT_MAX];

        g_assert_cmpint(network_record_load("alices", &record, NULL), ==, 0);
        g_assert_cmpuint(record->owner, ==, 1001);
        g_assert_cmpint(record->mode, ==, NETWORK_ISOLATED);
        g_assert_cmpint(record->state, ==, NETWORK_READY);
        address_format(&record->subnet4.network, text);
        g_assert_cmpstr(text, ==, "10.128.1.0/24");
        g_assert_false(record->emulated);
        network_record_free(record);

        g_assert_cmpint(network_record_load("far", &record, NULL), ==, 0);
        g_assert_true(record->emulated);
        g_assert_null(record->fleet);
        network_record_free(record);

        g_assert_cmpint(network_record_load("race-mesh", &record, NULL), ==, 0);
        g_assert_cmpstr(record->fleet, ==, "race");
        network_record_free(record);
}

/* A reservation and a name in what dnsmasq reads. */
static void test_hosts(Fixture *f, const void *data)
{
        g_autofree char *path = hosts_find("lab");
        g_autoptr(GArray) addresses = NULL;

        g_assert_nonnull(path);
        addresses = hosts_find_name(path, "hello");
        g_assert_cmpuint(addresses->len, ==, 1);
}

static void test_volume(Fixture *f, const void *data)
{
        g_autofree char *data_path = volume_path("hers-storage");
        g_autoptr(Volume) volume = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        /* What a guest wrote is no format of ours. */
        g_assert_true(g_file_set_contents(data_path, "", 0, NULL));
        g_assert_cmpint(truncate(data_path, 1 << 20), ==, 0);
        g_assert_cmpint(volume_load("hers-storage", &volume, &error), ==, 0);
        g_assert_cmpuint(volume->owner, ==, 1001);
        g_assert_cmpuint(volume->size, ==, 1 << 20);
}

static void test_image_owners(Fixture *f, const void *data)
{
        bool shared;

        g_assert_true(store_owners_have(
                        "sha256:8ac31820897c9701c1318bb3b750ff61e880bbf1ca30d9f839ae3ed19c4ac7bf", 1001,
                        &shared));
        g_assert_false(shared);
}

/* What the runner that comes back after an upgrade finds of the guest that it is to adopt. */
static void test_run_state(Fixture *f, const void *data)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;
        g_autofree char *dir = paths_unikernel_runtime("hello");

        g_assert_cmpint(run_state_read(dir, &state), ==, 0);
        g_assert_true(state.started);
        g_assert_true(state.spoke);
        g_assert_cmpstr(state.owner, ==, "0");
        /* From before there was a slice for each owner. */
        g_assert_null(state.slice);
        g_assert_cmpstr(state.image, ==,
                        "sha256:2fb5d1460d16a120ea99658c56ae14969e9af3c4fddb813267c3f75c529fd663");
        g_assert_cmpuint(state.memory, ==, 32 << 20);
        g_assert_cmpstr(state.volumes, ==, "hello-storage");
        g_assert_cmpstr(state.invocation_id, ==, "bf97db5c890d412ea05247a21cd3a67d");
        g_assert_cmpuint(state.started_at, ==, UINT64_C(1795964863320720));
        g_assert_cmpuint(state.timestamps.at[TIMESTAMP_CREATED], ==, UINT64_C(2695849653));
        g_assert_cmpuint(state.console_rate, ==, UINT64_C(131072));
        g_assert_cmpint(state.exit_parser.result, ==, RESULT_NONE);
}

/* One with the slice that it is in. */
static void test_run_state_of_owner(Fixture *f, const void *data)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;
        g_autofree char *dir = paths_unikernel_runtime("owned");

        g_assert_cmpint(run_state_read(dir, &state), ==, 0);
        g_assert_cmpstr(state.owner, ==, "1000");
        g_assert_cmpstr(state.slice, ==, "unikernel-1000-owned.slice");
}

/* One that is a process, and where that is attached: shruthi-domain reads it of guests that an earlier
 * version began. */
static void test_process(Fixture *f, const void *data)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;
        g_autofree char *dir = paths_unikernel_runtime("executed");
        g_autoptr(GPtrArray) ports = process_read_ports("executed");
        const ProcessPort *port;

        g_assert_cmpint(run_state_read(dir, &state), ==, 0);
        g_assert_true(state.process);
        g_assert_cmpstr(state.slice, ==, "unikernel-1000-executed.slice");
        g_assert_cmpstr(state.cgroup, ==,
                        "/unikernel.slice/unikernel-1000.slice/unikernel-1000-executed.slice/"
                        "unikernel@executed.service");

        g_assert_true(process_is_body("executed"));
        g_assert_false(process_is_body("owned"));
        g_assert_cmpuint(ports->len, ==, 2);
        port = ports->pdata[0];
        g_assert_cmpstr(port->device, ==, "service");
        g_assert_cmpstr(port->mac, ==, "52:54:00:4f:3a:11");
        g_assert_cmpstr(port->interface, ==, "shruufpn3mjpagj");
        g_assert_cmpstr(port->bridge, ==, "virbr0");
        g_assert_cmpstr(port->network, ==, "default");
        g_assert_false(port->isolated);
        port = ports->pdata[1];
        g_assert_null(port->network);
        g_assert_true(port->isolated);
}

/* That runs what its definition says; and what that has been changed to since. */
static void test_started(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = load("hello"), then = NULL;

        g_assert_null(started_load_other("hello", definition));
        definition->memory = 64 << 20;
        then = started_load_other("hello", definition);
        g_assert_nonnull(then);
        g_assert_true(started_devices_equal(then, definition));
}

static void test_exit_record(Fixture *f, const void *data)
{
        _cleanup_exit_record_ ExitRecord exit_record = EXIT_RECORD_INIT;

        g_assert_cmpint(exit_record_read("bad", &exit_record), ==, 0);
        g_assert_cmpint(exit_record.result, ==, RESULT_EXIT_STATUS);
        g_assert_cmpint(exit_record.exit_status, ==, 7);
        g_assert_cmpstr(exit_record.invocation_id, ==, "1e90f39de3ed495ca069a13d544062fe");
        g_assert_cmpstr(exit_record.reason, ==, "exited with status 7");
}

static void test_cut_off(Fixture *f, const void *data)
{
        g_autoptr(GPtrArray) all = cut_off_read("hers");
        const CutOff *one = cut_off_find(all, "service");

        g_assert_nonnull(one);
        g_assert_cmpstr(one->interface, ==, "shruqxv1zk2a9fe");
        g_assert_cmpstr(one->reason, ==, "There is no bridge 'virbr7'");
}

/* Eight bytes that all runners of a user share, of both versions at once. */
static void test_rate(Fixture *f, const void *data)
{
        g_autoptr(UserRate) rate = NULL;
        uint64_t due = 90 * G_USEC_PER_SEC, now = 30 * G_USEC_PER_SEC;
        g_autofree char *path = g_build_filename(paths_rates(), "1001", NULL);

        g_assert_cmpint(g_mkdir_with_parents(paths_rates(), 0700), ==, 0);
        g_assert_true(g_file_set_contents(path, (const char *) &due, sizeof due, NULL));
        g_assert_cmpint(user_rate_open("1001", 1000, 1000, &rate), ==, 0);
        g_assert_cmpuint(user_rate_wait(rate, now), >, 0);
        g_assert_cmpuint(user_rate_wait(rate, 2 * due), ==, 0);
}

static void test_prepared(Fixture *f, const void *data)
{
        g_autofree char *xml = run_dir_get_prepared("coming");

        g_assert_true(run_dir_is_prepared("coming"));
        g_assert_cmpstr(xml, ==, "<domain/>");
}

static void test_antispoof(Fixture *f, const void *data)
{
        g_autofree char *dir = g_build_filename(f->samples, "run-antispoof", NULL);
        g_autoptr(GPtrArray) holds = NULL;

        g_assert_cmpint(record_open(dir, NULL), ==, 0);
        holds = record_list();
        g_assert_cmpuint(holds->len, ==, 1);
        g_assert_cmpstr(((const AntispoofFilter *) holds->pdata[0])->unikernel, ==, "hello");
}

static void test_generation(Fixture *f, const void *data)
{
        g_autofree char *then = sample(f, "var/generations/hello/2"), *now = NULL;
        g_autoptr(Generation) generation = NULL;

        g_assert_cmpint(generation_read("hello", 2, &generation, NULL), ==, 0);
        g_assert_cmpuint(generation->time, ==, UINT64_C(1796028748524388));
        g_assert_cmpuint(generation->user, ==, 1001);
        g_assert_true(g_str_has_prefix(generation->image, "sha256:95710aae"));
        g_assert_null(generation->initrd);
        g_assert_cmpint(generation->state, ==, GENERATION_FAILED);
        g_assert_cmpstr(generation->invocation, ==, "bed50fee26654abfb80e509ad8b7c13f");
        g_assert_cmpstr(generation->reason, ==, "exited with status 7");
        g_assert_true(g_str_has_suffix(generation->text, "Arguments=--tick=100\nOwner=1001\n"));
        now = generation_format(generation);
        g_assert_cmpstr(now, ==, then);
}

/* One whose image came from UpdateFrom=. */
static void test_generation_from_source(Fixture *f, const void *data)
{
        g_autofree char *then = sample(f, "var/generations/hello/3"), *now = NULL;
        g_autoptr(Generation) generation = NULL;

        g_assert_cmpint(generation_read("hello", 3, &generation, NULL), ==, 0);
        g_assert_cmpstr(generation->source, ==,
                        "/srv/hello.virtio, signed by minisign key 0123456789ABCDEF: version 3");
        now = generation_format(generation);
        g_assert_cmpstr(now, ==, then);
}

static void test_update(Fixture *f, const void *data)
{
        g_autofree char *then = sample(f, "var/updates/hello"), *now = NULL;
        _cleanup_update_record_ UpdateRecord record = {};

        g_assert_cmpint(update_record_read("hello", &record), ==, 0);
        g_assert_cmpint(record.phase, ==, UPDATE_PHASE_RETURNING);
        g_assert_cmpuint(record.old_number, ==, 1);
        g_assert_cmpuint(record.new_number, ==, 2);
        g_assert_cmpuint(record.probation_usec, ==, 30 * G_USEC_PER_SEC);
        g_assert_cmpuint(record.old_started, ==, UINT64_C(1796028740000000));
        g_assert_cmpuint(record.user, ==, 1001);
        g_assert_cmpstr(record.reason, ==, "exited with status 7");
        now = update_record_format(&record);
        g_assert_cmpstr(now, ==, then);
}

static void test_rolling_update(Fixture *f, const void *data)
{
        g_autofree char *then = sample(f, "var/updates/web"), *now = NULL;
        _cleanup_update_record_ UpdateRecord record = {}, former = {};

        g_assert_cmpint(update_record_read("web", &record), ==, 0);
        g_assert_cmpint(record.phase, ==, UPDATE_PHASE_TRYING);
        g_assert_true(record.rolling);
        g_assert_cmpuint(record.drain_usec, ==, 5 * G_USEC_PER_SEC);
        now = update_record_format(&record);
        g_assert_cmpstr(now, ==, then);

        g_assert_cmpint(update_record_read("hello", &former), ==, 0);
        g_assert_false(former.rolling);
}

static void test_published(Fixture *f, const void *data)
{
        g_autofree char *dir = g_build_filename(f->samples, "run-antispoof", NULL);
        g_autoptr(GPtrArray) publications = NULL;

        g_assert_cmpint(publication_record_open(dir, NULL), ==, 0);
        publications = publication_record_list();
        g_assert_cmpuint(publications->len, ==, 2);
        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];
                bool waits = g_str_equal(publication->unikernel, "waits");

                g_assert_true(waits || g_str_equal(publication->unikernel, "hello"));
                g_assert_true(publication->demand == waits);
                g_assert_cmpuint(publication->idle_sec, ==, waits ? 600 : 0);
                g_assert_cmpuint(publication->ports->len, ==, waits ? 1 : 2);
        }
}

/* What is written today is version 1. Whoever changes that keeps v1/, and adds the next beside it. */
static void test_written(Fixture *f, const void *data)
{
        g_autofree char *state_then = sample(f, "run/unikernels/hello/state"),
                        *network_then = sample(f, "var/networks/alices"),
                        *cut_off_then = sample(f, "run/cut-off/hers"),
                        *started_then = sample(f, "run/unikernels/hello/started"),
                        *process_then = sample(f, "run/unikernels/executed/process"),
                        *executed_then = sample(f, "run/unikernels/executed/state");
        g_autoptr(GPtrArray) ports = process_ports_parse(process_then);
        g_autofree char *process_now = process_ports_format(ports), *executed_now = NULL;
        g_autofree char *state_now = NULL, *network_now = NULL, *cut_off_now = NULL, *started_now = NULL;
        _cleanup_run_state_ RunState state = RUN_STATE_INIT, executed = RUN_STATE_INIT;
        g_autoptr(GPtrArray) cut_off = cut_off_parse(cut_off_then);
        g_autoptr(Definition) started = NULL;
        NetworkRecord *network;

        g_assert_cmpint(run_state_parse(state_then, &state), ==, 0);
        state_now = run_state_format(&state);
        g_assert_cmpstr(state_now, ==, state_then);
        g_assert_cmpint(run_state_parse(executed_then, &executed), ==, 0);
        executed_now = run_state_format(&executed);
        g_assert_cmpstr(executed_now, ==, executed_then);
        g_assert_cmpstr(process_now, ==, process_then);
        g_assert_cmpint(network_record_parse("alices", network_then, &network, NULL), ==, 0);
        network_now = network_record_format(network);
        g_assert_cmpstr(network_now, ==, network_then);
        network_record_free(network);
        cut_off_now = cut_off_format(cut_off);
        g_assert_cmpstr(cut_off_now, ==, cut_off_then);
        g_assert_cmpint(definition_parse("hello", NULL, started_then, strlen(started_then), &started, NULL),
                        ==, 0);
        started_now = definition_format(started);
        g_assert_cmpstr(started_now, ==, started_then);
}

#define ADD(path, function) g_test_add("/formats/1/" path, Fixture, "v1", set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        ADD("shruthi.conf", test_conf);
        ADD("a-definition-made-through-the-bus", test_definition);
        ADD("a-definition-by-hand-with-a-drop-in", test_definition_by_hand);
        ADD("a-lease", test_lease);
        ADD("a-network", test_network);
        ADD("what-dnsmasq-reads", test_hosts);
        ADD("a-generation", test_generation);
        ADD("a-generation-from-a-source", test_generation_from_source);
        ADD("an-update-in-progress", test_update);
        ADD("a-rolling-update-in-progress", test_rolling_update);
        ADD("a-volume", test_volume);
        ADD("owners-of-an-image", test_image_owners);
        ADD("the-state-of-a-running-unikernel", test_run_state);
        ADD("the-state-of-one-in-a-slice-of-its-owner", test_run_state_of_owner);
        ADD("the-state-of-one-that-is-a-process", test_process);
        ADD("what-it-was-started-with", test_started);
        ADD("how-one-ended", test_exit_record);
        ADD("who-is-cut-off", test_cut_off);
        ADD("the-rate-of-a-users-consoles", test_rate);
        ADD("a-domain-made-for-a-start-to-come", test_prepared);
        ADD("who-is-held-by-shruthi-antispoof", test_antispoof);
        ADD("which-ports-are-published", test_published);
        ADD("what-is-written-today-is-version-1", test_written);

        return g_test_run();
}
