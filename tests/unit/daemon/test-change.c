/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a change may do to the definitions and the store: nothing is written unless all of it is right, and
 * nobody gets more than shruthi.conf and polkit give him. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../image/image-builder.h"
#include "common/io.h"
#include "common/paths.h"
#include "daemon/change.h"
#include "daemon/image-access.h"

#define ALICE 1001
#define BOB   1002
#define MIB   (UINT64_C(1) << 20)

typedef struct Fixture {
        char *dir;
        char *bridges[2], *networks[2];
        Conf conf;
        SharedConf shared;
        gid_t gids[1];
        Call call;
        Change change;
        int image_fd; /* an image with one network, "service" */
} Fixture;

static int image_file(const char *devices)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){SOLO5_IMAGE(3, devices, ADDRESSES)});
        char path[] = "/tmp/shruthi-image-XXXXXX";
        int fd = mkstemp(path);

        g_assert_cmpint(fd, >=, 0);
        (void) unlink(path);
        g_assert_cmpint(write_all(fd, image->bytes->data, image->bytes->len), ==, 0);
        return fd;
}

static void change_reset(Fixture *f, ChangeKind kind, uid_t uid)
{
        Change *change = &f->change;

        settings_free(change->settings);
        g_clear_pointer(&change->shares, g_array_unref);
        error_clear(&change->error);
        close_safe(change->image_fd);
        g_free(change->text);
        g_free(change->image);
        g_free(change->image_digest);
        g_free(change->image_path);
        f->call = (Call){.uid = uid, .gids = f->gids, .n_gids = 1};
        *change = (Change){.kind = kind,
                        .call = &f->call,
                        .name = (char *) "hello",
                        .uid = uid,
                        .conf = &f->shared,
                        .settings = settings_new(),
                        .image_fd = -EBADF,
                        .error = ERROR_INIT,
                        .shares = g_array_new(FALSE, FALSE, sizeof(Share))};
}

static void set_up(Fixture *f, gconstpointer data)
{
        struct utsname host;

        g_assert_cmpint(uname(&host), ==, 0);
        if (!g_str_equal(host.machine, HOST))
                g_test_skip("images of this test are for x86_64");
        f->dir = g_dir_make_tmp("shruthi-change-XXXXXX", NULL);
        paths_set_root(f->dir);
        g_assert_cmpint(g_mkdir_with_parents(paths_images(), 0750), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_definitions(), 0750), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_config_definitions(), 0750), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_vendor_definitions(), 0750), ==, 0);
        f->gids[0] = ALICE;
        f->bridges[0] = (char *) "br-users";
        f->networks[0] = (char *) "net-users";
        f->conf = (Conf){.bridge_interface = (char *) "br0", .allowed_bridges = f->bridges,
                .allowed_networks = f->networks, .memory_default = 32 * MIB, .memory_max = 128 * MIB,
                .memory_max_user = 256 * MIB, .unikernels_max = 10, .unikernels_max_user = 3,
                .image_size_max = 16 * MIB, .store_size_max = 64 * MIB};
        f->shared = (SharedConf){.references = 1, .conf = &f->conf};
        f->image_fd = image_file("network:service");
        f->change.image_fd = -EBADF;
        change_reset(f, CHANGE_CREATE, ALICE);
}

static void tear_down(Fixture *f, gconstpointer data)
{
        const char *argv[] = {"rm", "-rf", "--", f->dir, NULL};

        change_reset(f, CHANGE_CREATE, 0);
        settings_free(f->change.settings);
        g_array_unref(f->change.shares);
        paths_set_root(NULL);
        g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                        NULL, NULL));
        close_safe(f->image_fd);
        g_free(f->dir);
}

static void add_device(GPtrArray **devices, const DefinitionDevice *device)
{
        if (!*devices)
                *devices = g_ptr_array_new_with_free_func(g_free);
        if (device)
                g_ptr_array_add(*devices, g_memdup2(device, sizeof *device));
}

/* The settings own what is in them, but for tests that put constants there. */
static DefinitionDevice network(const char *bridge, const char *libvirt_network)
{
        return (DefinitionDevice){.kind = DEVICE_NETWORK,
                        .name = (char *) "service",
                        .bridge = (char *) bridge,
                        .network = (char *) libvirt_network};
}

static void with_network(Fixture *f, const char *bridge, const char *libvirt_network)
{
        DefinitionDevice device = network(bridge, libvirt_network);

        add_device(&f->change.settings->networks, &device);
}

static void expect_ok(Fixture *f)
{
        change_work(&f->change);
        if (f->change.result < 0)
                g_error("refused: %s", f->change.error.message);
}

static void expect_refused(Fixture *f, ErrorCode code, bool needs_administer)
{
        change_work(&f->change);
        g_assert_cmpint(f->change.result, <, 0);
        if (f->change.error.code != code)
                g_error("%s: %s", error_code_to_bus_name(f->change.error.code), f->change.error.message);
        g_assert_cmpint(f->change.needs_administer, ==, needs_administer);
}

static Definition *load(const char *name)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        (void) definition_load(name, &definition, &error);
        return definition;
}

static unsigned stored(void)
{
        g_autoptr(GPtrArray) entries = NULL;

        g_assert_cmpint(store_list(&entries, NULL), ==, 0);
        return entries->len;
}

static void create(Fixture *f, uid_t uid)
{
        change_reset(f, CHANGE_CREATE, uid);
        with_network(f, NULL, NULL);
        f->change.image_fd = dup(f->image_fd);
        expect_ok(f);
}

static void test_create(Fixture *f, gconstpointer data)
{
        g_autoptr(Definition) definition = NULL;

        create(f, ALICE);
        definition = load("hello");
        g_assert_nonnull(definition);
        g_assert_cmpuint(definition->owner, ==, ALICE);
        g_assert_cmpint(definition->origin, ==, DEFINITION_ORIGIN_STATE);
        g_assert_true(g_str_has_prefix(definition->image, "sha256:"));
        g_assert_false(f->change.reload);
        g_assert_cmpstr(f->change.image, ==, definition->image);

        change_reset(f, CHANGE_CREATE, BOB);
        with_network(f, NULL, NULL);
        f->change.image_fd = dup(f->image_fd);
        expect_refused(f, ERROR_UNIKERNEL_EXISTS, false);
}

/* What fails leaves no definition; the image that was taken in is nobody's, and pruned. */
static void test_create_fails(Fixture *f, gconstpointer data)
{
        g_auto(GStrv) removed = NULL;
        uint64_t freed = 0;

        f->change.image_fd = dup(f->image_fd);
        expect_refused(f, ERROR_DEVICE_MISMATCH, false);
        g_assert_null(load("hello"));
        g_assert_cmpuint(stored(), ==, 1);
        g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(removed), ==, 1);
        g_assert_cmpuint(freed, >, 0);
        g_assert_cmpuint(stored(), ==, 0);
}

static void test_digest(Fixture *f, gconstpointer data)
{
        with_network(f, NULL, NULL);
        f->change.image_fd = dup(f->image_fd);
        f->change.settings->digest =
                        g_strdup("sha256:"
                                 "0000000000000000000000000000000000000000000000000000000000000000");
        expect_refused(f, ERROR_DIGEST_MISMATCH, false);
        g_assert_cmpuint(stored(), ==, 0);

        change_reset(f, CHANGE_CREATE, ALICE);
        with_network(f, NULL, NULL);
        f->change.image_digest =
                        g_strdup("sha256:"
                                 "0000000000000000000000000000000000000000000000000000000000000000");
        expect_refused(f, ERROR_NO_SUCH_IMAGE, false);
}

/* Whose bridge it is: the default one and those for everybody; others need an administrator, before anything
 * is taken in. */
static void test_networks(Fixture *f, gconstpointer data)
{
        static const struct {
                const char *bridge, *network;
                bool allowed;
        } cases[] = {
                {NULL, NULL, true}, {"br0", NULL, true}, {"br-users", NULL, true}, {NULL, "net-users", true},
                {"br1", NULL, false}, {NULL, "default", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                change_reset(f, CHANGE_CREATE, ALICE);
                with_network(f, cases[i].bridge, cases[i].network);
                f->change.image_fd = dup(f->image_fd);
                if (!cases[i].allowed) {
                        expect_refused(f, ERROR_NETWORK_NOT_ALLOWED, true);
                        g_assert_cmpuint(stored(), ==, 0);
                        f->change.administer = true;
                        error_clear(&f->change.error);
                }
                expect_ok(f);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_ok(f);
                g_assert_null(load("hello"));
                g_strfreev(({
                        char **removed = NULL;
                        uint64_t freed;
                        (void) images_prune(&removed, &freed, NULL);
                        removed;
                }));
        }
}

static void test_missing_network(Fixture *f, gconstpointer data)
{
        char *bridges[] = {(char *) "br9", NULL}, *networks[] = {(char *) "net9", NULL}, *none[] = {NULL};

        with_network(f, NULL, NULL);
        f->change.image_fd = dup(f->image_fd);
        f->change.have_networks = true;
        f->change.bridges = bridges;
        f->change.networks = none;
        expect_refused(f, ERROR_NO_SUCH_NETWORK, false);

        /* Whether there is one that he may not use is not for him. */
        for (unsigned i = 0; i < 4; i++) {
                const char *bridge = i == 0 ? "br9" : i == 1 ? "br8" : NULL;

                change_reset(f, CHANGE_CREATE, ALICE);
                with_network(f, bridge, i == 2 ? "net9" : i == 3 ? "net8" : NULL);
                f->change.image_fd = dup(f->image_fd);
                f->change.have_networks = true;
                f->change.bridges = bridges;
                f->change.networks = networks;
                expect_refused(f, ERROR_NETWORK_NOT_ALLOWED, true);
                f->change.administer = true;
                error_clear(&f->change.error);
                if (i % 2 == 1)
                        expect_refused(f, ERROR_NO_SUCH_NETWORK, false);
        }

        change_reset(f, CHANGE_CREATE, ALICE);
        with_network(f, NULL, NULL);
        f->change.image_fd = dup(f->image_fd);
        f->conf.bridge_interface = NULL;
        expect_refused(f, ERROR_NO_SUCH_NETWORK, false);
}

static void test_owner_and_group(Fixture *f, gconstpointer data)
{
        with_network(f, NULL, NULL);
        f->change.image_fd = dup(f->image_fd);
        f->change.settings->owner = g_strdup_printf("%d", BOB);
        expect_refused(f, ERROR_ACCESS_DENIED, true);

        g_free(f->change.settings->owner);
        f->change.settings->owner = g_strdup_printf("%d", ALICE);
        f->change.settings->group = g_strdup("0");
        error_clear(&f->change.error);
        expect_refused(f, ERROR_ACCESS_DENIED, true);

        g_free(f->change.settings->group);
        f->change.settings->group = g_strdup_printf("%d", ALICE);
        error_clear(&f->change.error);
        expect_ok(f);
}

static void test_volume(Fixture *f, gconstpointer data)
{
        DefinitionDevice volume = {
                .kind = DEVICE_BLOCK, .name = (char *) "storage", .path = (char *) "/dev/sda"};
        int fd = image_file("block:storage");

        add_device(&f->change.settings->volumes, &volume);
        f->change.image_fd = dup(fd);
        expect_refused(f, ERROR_PATH_NOT_ALLOWED, true);
        f->change.administer = true;
        error_clear(&f->change.error);
        expect_ok(f);

        /* What an administrator gave stays when its owner changes something else; but it does not become
         * writable. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->arguments = g_strdup("x");
        expect_ok(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        volume.path = (char *) "/dev/sdb";
        add_device(&f->change.settings->volumes, &volume);
        expect_refused(f, ERROR_PATH_NOT_ALLOWED, true);
        change_reset(f, CHANGE_SETTINGS, 0);
        volume = (DefinitionDevice){.kind = DEVICE_BLOCK,
                .name = (char *) "storage",
                .path = (char *) "/dev/sda",
                .read_only = true};
        add_device(&f->change.settings->volumes, &volume);
        expect_ok(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        volume.read_only = false;
        add_device(&f->change.settings->volumes, &volume);
        expect_refused(f, ERROR_PATH_NOT_ALLOWED, true);
        close_safe(fd);
}

static void add_share(Fixture *f, uid_t uid, uint64_t memory)
{
        Share share = {.uid = uid, .memory = memory};

        g_array_append_val(f->change.shares, share);
}

static void test_limits(Fixture *f, gconstpointer data)
{
        static const struct {
                uint64_t memory;         /* asked for */
                unsigned n_own;
                uint64_t own;            /* of each */
                unsigned n_others;
                bool fits, binds_administrators;
        } cases[] = {
                {32 * MIB, 0, 0, 0, true, false},
                {128 * MIB, 0, 0, 0, true, false},
                {129 * MIB, 0, 0, 0, false, false},
                {128 * MIB, 1, 128 * MIB, 0, true, false},
                {128 * MIB, 1, 129 * MIB, 0, false, false},
                {1 * MIB, 2, UINT64_MAX / 4, 0, false, false},
                {1 * MIB, 3, 1 * MIB, 0, false, false},
                {1 * MIB, 0, 0, 9, true, false},
                {1 * MIB, 0, 0, 10, false, true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("case %zu", i);
                change_reset(f, CHANGE_CREATE, ALICE);
                with_network(f, NULL, NULL);
                f->change.image_fd = dup(f->image_fd);
                f->change.settings->memory = g_memdup2(&cases[i].memory, sizeof cases[i].memory);
                for (unsigned j = 0; j < cases[i].n_own; j++)
                        add_share(f, ALICE, cases[i].own);
                for (unsigned j = 0; j < cases[i].n_others; j++)
                        add_share(f, BOB, 128 * MIB);
                if (!cases[i].fits)
                        expect_refused(f, ERROR_LIMIT_EXCEEDED, !cases[i].binds_administrators);
                if (cases[i].binds_administrators)
                        continue;
                f->change.administer = true;
                error_clear(&f->change.error);
                expect_ok(f);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_ok(f);
        }
}

/* Root is an administrator without being asked. */
static void test_root(Fixture *f, gconstpointer data)
{
        uint64_t memory = 1024 * MIB;

        change_reset(f, CHANGE_CREATE, 0);
        with_network(f, "br77", NULL);
        f->change.image_fd = dup(f->image_fd);
        f->change.settings->memory = g_memdup2(&memory, sizeof memory);
        f->change.settings->owner = g_strdup_printf("%d", ALICE);
        expect_ok(f);

        /* Its owner may go on with what he was given, and change the rest. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->arguments = g_strdup("x");
        expect_ok(f);
        memory += MIB;
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->memory = g_memdup2(&memory, sizeof memory);
        expect_refused(f, ERROR_LIMIT_EXCEEDED, true);
}

/* Who shares what is root's, by its group, has no more memory by it than he could give his own. */
static void test_roots_shared(Fixture *f, gconstpointer data)
{
        uint64_t most = 128 * MIB, more = 129 * MIB;

        create(f, 0);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->memory = g_memdup2(&most, sizeof most);
        expect_ok(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->memory = g_memdup2(&more, sizeof more);
        expect_refused(f, ERROR_LIMIT_EXCEEDED, true);
}

static void test_definition(Fixture *f, gconstpointer data)
{
        static const struct {
                const char *text;
                int code;
                bool needs_administer;
        } cases[] = {
                {"[Unikernel]\nImage=%s\nOwner=1001\n[Network service]\n", -1, false},
                {"[Unikernel]\nImage=%s\nOwner=1001\nBogus=1\n[Network service]\n",
                                ERROR_INVALID_DEFINITION, false},
                {"[Unikernel]\nImage=%s\nOwner=1001\n", ERROR_DEVICE_MISMATCH, false},
                {"[Unikernel]\nImage=%s\nOwner=1002\n[Network service]\n", ERROR_ACCESS_DENIED, true},
                /* Without an owner it would be root's. */
                {"[Unikernel]\nImage=%s\n[Network service]\n", ERROR_ACCESS_DENIED, true},
                {"[Unikernel]\nImage=/etc/passwd\nOwner=1001\n[Network service]\n",
                                ERROR_PATH_NOT_ALLOWED, true},
                {"[Unikernel]\nImage=%s\nInitrd=/etc/passwd\nOwner=1001\n[Network service]\n",
                                ERROR_PATH_NOT_ALLOWED, true},
                {"[Unikernel]\nImage=%s\nOwner=1001\n[Network service]\nBridge=br1\n",
                                ERROR_NETWORK_NOT_ALLOWED, true},
                {"[Unikernel]\nImage=%s\nOwner=1001\nMemory=200M\n[Network service]\n",
                                ERROR_LIMIT_EXCEEDED, true},
        };
        g_autofree char *image = NULL;

        create(f, ALICE);
        image = g_strdup(f->change.image);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) parts = g_strsplit(cases[i].text, "%s", -1);

                g_test_message("case %zu", i);
                change_reset(f, CHANGE_DEFINITION, ALICE);
                f->change.text = g_strjoinv(image, parts);
                if (cases[i].code < 0)
                        expect_ok(f);
                else
                        expect_refused(f, (ErrorCode) cases[i].code, cases[i].needs_administer);
        }
}

/* systemd has something to learn when autostart or restart changes, and only then. */
static void test_reload(Fixture *f, gconstpointer data)
{
        bool yes = true;

        create(f, ALICE);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->autostart = g_memdup2(&yes, sizeof yes);
        expect_ok(f);
        g_assert_true(f->change.reload);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->autostart = g_memdup2(&yes, sizeof yes);
        expect_ok(f);
        g_assert_false(f->change.reload);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        f->change.settings->restart = g_strdup("always");
        expect_ok(f);
        g_assert_true(f->change.reload);
        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_ok(f);
        g_assert_true(f->change.reload);
}

/* A file of the administrator's is left alone, and named. */
static void test_not_managed(Fixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_config_definitions(), "hello.unikernel", NULL);
        g_autofree char *now = NULL;

        g_assert_true(g_file_set_contents(path, "[Unikernel]\nImage=/x\n", -1, NULL));
        change_reset(f, CHANGE_SETTINGS, 0);
        f->change.settings->arguments = g_strdup("x");
        expect_refused(f, ERROR_NOT_MANAGED, false);
        g_assert_nonnull(strstr(f->change.error.message, path));
        change_reset(f, CHANGE_REMOVE, 0);
        expect_refused(f, ERROR_NOT_MANAGED, false);
        g_assert_true(g_file_get_contents(path, &now, NULL, NULL));
        g_assert_cmpstr(now, ==, "[Unikernel]\nImage=/x\n");
}

/* What is shipped is copied, and the copy changed. */
static void test_vendor(Fixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_vendor_definitions(), "hello.unikernel", NULL);
        g_autoptr(Definition) definition = NULL;

        g_assert_true(g_file_set_contents(path, "# shipped\n[Unikernel]\nImage=/x\n", -1, NULL));
        change_reset(f, CHANGE_SETTINGS, 0);
        f->change.settings->arguments = g_strdup("x");
        expect_ok(f);
        definition = load("hello");
        g_assert_cmpint(definition->origin, ==, DEFINITION_ORIGIN_STATE);
        g_assert_cmpstr(definition->image, ==, "/x");
        g_assert_cmpstr(definition->arguments, ==, "x");
}

/* A broken definition holds all images: it may name any of them. A mended one names its own. */
static void test_prune_while_broken(Fixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_config_definitions(), "broken.unikernel", NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) removed = NULL;
        uint64_t freed;

        create(f, ALICE);
        g_assert_true(g_file_set_contents(path, "[Unikernel\n", -1, NULL));
        g_assert_cmpint(images_prune(&removed, &freed, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
        g_assert_nonnull(strstr(error.message, "broken"));
        g_assert_cmpuint(stored(), ==, 1);

        g_assert_cmpint(unlink(path), ==, 0);
        g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(removed), ==, 0);
        g_assert_cmpuint(stored(), ==, 1);
}

/* What a change holds is not pruned under it. */
static void test_pin(Fixture *f, gconstpointer data)
{
        StoreLimits limits = {.image_size = 16 * MIB, .store_size = 64 * MIB};
        g_autofree char *digest = NULL;

        g_assert_cmpint(image_take(f->image_fd, NULL, &limits, &digest, NULL), ==, 0);
        for (unsigned i = 0; i < 2; i++) {
                g_auto(GStrv) removed = NULL;
                uint64_t freed;

                g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
                g_assert_cmpuint(g_strv_length(removed), ==, i);
                image_unpin(digest);
        }
        g_assert_cmpint(image_pin(digest, NULL), <, 0);
}

/* The registry has not read the one before when the next one's turn comes: it counts as it was written. */
static void test_pipelined(Fixture *f, gconstpointer data)
{
        Manager manager = {.unikernels = g_hash_table_new(g_str_hash, g_str_equal),
                .changing = g_hash_table_new(g_str_hash, g_str_equal)};
        Definition old = {.owner = ALICE, .memory = 1 * MIB};
        Unikernel known = {.name = (char *) "known", .loaded.definition = &old};
        Unikernel hello = {.name = (char *) "hello"};
        Change changed = {.name = (char *) "known", .owner = ALICE, .memory = 2 * MIB, .written = true};
        Change created = {.name = (char *) "new", .owner = ALICE, .memory = 4 * MIB, .written = true};
        Change begun = {.name = (char *) "begun", .owner = ALICE, .memory = 8 * MIB};
        g_autoptr(GArray) shares = NULL;
        uint64_t sum = 0;

        f->call.manager = &manager;
        g_hash_table_insert(manager.unikernels, known.name, &known);
        g_hash_table_insert(manager.unikernels, hello.name, &hello);
        g_hash_table_insert(manager.changing, (char *) "hello", &f->change);
        g_hash_table_insert(manager.changing, changed.name, &changed);
        g_hash_table_insert(manager.changing, created.name, &created);
        g_hash_table_insert(manager.changing, begun.name, &begun);

        shares = change_count_shares(&f->change);
        for (guint i = 0; i < shares->len; i++) {
                g_assert_cmpuint(g_array_index(shares, Share, i).uid, ==, ALICE);
                sum += g_array_index(shares, Share, i).memory;
        }
        g_assert_cmpuint(shares->len, ==, 2);
        g_assert_cmpuint(sum, ==, 6 * MIB);

        g_hash_table_unref(manager.unikernels);
        g_hash_table_unref(manager.changing);
}

#define ADD(path, function) g_test_add("/daemon/change/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("creates-and-writes", test_create);
        ADD("a-failure-leaves-no-definition", test_create_fails);
        ADD("a-demanded-digest-is-enforced", test_digest);
        ADD("bridges-of-others-need-an-administrator", test_networks);
        ADD("missing-networks-are-refused", test_missing_network);
        ADD("owner-and-group-are-the-caller's", test_owner_and_group);
        ADD("volumes-need-an-administrator", test_volume);
        ADD("limits-hold", test_limits);
        ADD("limits-hold-for-one-after-the-other", test_pipelined);
        ADD("root's-are-not-made-larger", test_roots_shared);
        ADD("root-is-not-bound", test_root);
        ADD("a-whole-definition-gives-no-more", test_definition);
        ADD("systemd-is-told-when-it-must", test_reload);
        ADD("an-administrator's-file-is-left-alone", test_not_managed);
        ADD("a-shipped-file-is-copied", test_vendor);
        ADD("a-broken-definition-keeps-all-images", test_prune_while_broken);
        ADD("what-is-held-is-not-pruned", test_pin);
        return g_test_run();
}
