/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nobody gets more by a change than shruthi.conf and polkit give them. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "change-fixture.h"
#include "common/io.h"
#include "daemon/change/change-work-private.h"
#include "daemon/change/image-access.h"
#include "daemon/state/unikernel.h"
#include "unikernel/network.h"

/* Each setting that only administrators may set is checked, and nothing is checked that is not said to be
 * such a setting, by which it is documented. One without a check of its own is compared by its text. */
static void test_checks(ChangeFixture *f, gconstpointer data)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];

                g_test_message("%s=", setting->key);
                if (setting_checks[id])
                        g_assert_true(setting->flags & SETTING_ADMINISTRATOR);
                else if (setting->flags & SETTING_ADMINISTRATOR)
                        g_assert_true(setting->type != SETTING_TYPE_SOURCE);
        }
}

/* What a setting has may stay, and be taken away. Isolation= has no check of its own. */
static void test_isolation(ChangeFixture *f, gconstpointer data)
{
        DefinitionDevice device = network_device(NULL, NULL);

        g_assert_null(setting_checks[SETTING_ISOLATION]);
        device.open = true;
        change_add_device(&f->request.settings->networks, &device);
        f->request.image_fd = dup(f->image_fd);
        expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);
        g_assert_cmpstr(f->result.error.message, ==,
                        "Network 'service': only an administrator may set Isolation=no");
        f->request.administer = true;
        expect_change(f);

        for (unsigned i = 0; i < 2; i++) {
                change_reset(f, CHANGE_SETTINGS, ALICE);
                device.open = i == 0;
                change_add_device(&f->request.settings->networks, &device);
                expect_change(f);
        }
        change_reset(f, CHANGE_SETTINGS, ALICE);
        device.open = true;
        change_add_device(&f->request.settings->networks, &device);
        expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);
}

/* Files of the host are named by administrators, but for those of ImageDirectories=; a key of minisign is no
 * file. */
static void test_update_sources(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                SettingID setting;
                const char *value;
                bool allowed;
        } cases[] = {
                        {SETTING_UPDATE_FROM, "/srv/builds/a", true},
                        {SETTING_UPDATE_FROM, "/srv/builds2/a", false},
                        {SETTING_UPDATE_FROM, "/etc/shadow", false},
                        {SETTING_UPDATE_VERIFY, "sha256sums:/srv/builds/SHA256SUMS", true},
                        {SETTING_UPDATE_VERIFY, "sha256sums:/etc/passwd", false},
                        {SETTING_UPDATE_VERIFY, "openpgp:/etc/passwd", false},
                        {SETTING_UPDATE_VERIFY,
                                        "minisign:RWQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        true},
        };
        char *directories[] = {(char *) "/srv/builds", NULL};

        f->conf.image_directories = directories;
        create_hello(f, ALICE);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                change_reset(f, CHANGE_SETTINGS, ALICE);
                settings_put(f->request.settings, SETTING_UPDATE_FROM, "/srv/builds/a");
                settings_put(f->request.settings, cases[i].setting, cases[i].value);
                if (cases[i].allowed) {
                        expect_change(f);
                        continue;
                }
                expect_refusal(f, ERROR_PATH_NOT_ALLOWED, true);
                f->request.administer = true;
                expect_change(f);

                /* What an administrator wrote may stay. */
                change_reset(f, CHANGE_SETTINGS, ALICE);
                settings_put(f->request.settings, SETTING_ARGUMENTS, cases[i].value);
                expect_change(f);
        }
}

/* Whose bridge it is: the default one and those for everybody; others need an administrator, before anything
 * is taken in. */
static void test_networks(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                const char *bridge, *network;
                bool allowed;
        } cases[] = {
                        {NULL, NULL, true},
                        {"br0", NULL, true},
                        {"br-users", NULL, true},
                        {NULL, "net-users", true},
                        {"br1", NULL, false},
                        {NULL, "default", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, cases[i].bridge, cases[i].network);
                f->request.image_fd = dup(f->image_fd);
                if (!cases[i].allowed) {
                        expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);
                        g_assert_cmpuint(stored_images(), ==, 0);
                        f->request.administer = true;
                                }
                expect_change(f);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_change(f);
                g_assert_null(load_definition("hello"));
                g_strfreev(({
                        char **removed = NULL;
                        uint64_t freed;
                        (void) images_prune(&removed, &freed, NULL);
                        removed;
                }));
        }
}

static void claim_network(ChangeFixture *f, const NetworkClaim *claim, NetworkState state)
{
        g_autoptr(NetworkRecord) record = network_record_new(claim->name);
        _cleanup_error_ Error error = ERROR_INIT;

        g_ptr_array_add(f->request.claims, g_memdup2(claim, sizeof *claim));
        record->owner = claim->owner;
        record->group = claim->group;
        record->state = state;
        (void) network_record_set_subnet(record, AF_INET, "10.128.0.0/24", NULL);
        (void) network_record_write(record, false, &error);
        g_assert_cmpstr(error.message, ==, NULL);
}

/* A network of ours is its owner's and its group's, by its name and by its bridge, whatever bridges are
 * allowed by name; one whose bridge an administrator has named is as any of theirs. */
static void test_claimed_networks(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                NetworkClaim claim;
                const char *bridge, *network;
                bool allowed;
        } cases[] = {
                        {{(char *) "lab", (char *) "virbr1", false, ALICE, GID_INVALID}, NULL, "lab", true},
                        {{(char *) "lab", (char *) "virbr1", false, ALICE, GID_INVALID}, "virbr1", NULL,
                                        true},
                        {{(char *) "lab", (char *) "virbr1", false, BOB, ALICE}, NULL, "lab", true},
                        {{(char *) "lab", (char *) "virbr1", false, BOB, ALICE}, "virbr1", NULL, true},
                        {{(char *) "lab", (char *) "virbr1", false, BOB, GID_INVALID}, NULL, "lab", false},
                        {{(char *) "lab", (char *) "virbr1", false, BOB, GID_INVALID}, "virbr1", NULL,
                                        false},
                        {{(char *) "lab", NULL, false, BOB, GID_INVALID}, NULL, "lab", false},
                        {{(char *) "lab", (char *) "br-users", false, BOB, BOB}, "br-users", NULL, false},
                        {{(char *) "lab", (char *) "br0", false, BOB, BOB}, NULL, NULL, false},
                        {{(char *) "lab", (char *) "br-users", true, BOB, BOB}, "br-users", NULL, true},
                        {{(char *) "net-users", (char *) "virbr1", false, BOB, BOB}, NULL, "net-users",
                                        true},
                        {{(char *) "net-users", (char *) "virbr1", false, BOB, BOB}, "virbr1", NULL, true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, cases[i].bridge, cases[i].network);
                claim_network(f, &cases[i].claim, NETWORK_READY);
                f->request.image_fd = dup(f->image_fd);
                if (!cases[i].allowed) {
                        expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);
                        continue;
                }
                expect_change(f);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_change(f);
        }
}

/* What a start cannot fill in is said when it is written, where that is known then. */
static void test_fields_without_value(ChangeFixture *f, gconstpointer data)
{
        static const NetworkClaim hers = {(char *) "lab", (char *) "virbr1", false, ALICE, GID_INVALID};
        static const struct {
                const char *arguments;
                bool filled;
        } cases[] = {
                        {"--ipv4={service.address} {service.gateway}", true},
                        {"--ipv6={service.address6}", false},
                        {"{service.ip6}", false},
                        {"{service.gateway6}", false},
                        {"{service.dns6}", false},
                        {"{service.mac} {name} {uuid} {owner}", true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, NULL, "lab");
                claim_network(f, &hers, NETWORK_READY);
                f->request.image_fd = dup(f->image_fd);
                expect_change(f);

                change_reset(f, CHANGE_SETTINGS, ALICE);
                claim_network(f, &hers, NETWORK_READY);
                settings_put(f->request.settings, SETTING_ARGUMENTS, cases[i].arguments);
                if (cases[i].filled)
                        expect_change(f);
                else {
                        expect_refusal(f, ERROR_INVALID_ARGS, false);
                        g_assert_nonnull(strstr(f->result.error.message, "IPv6"));
                }
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_change(f);
        }
}

/* While a caller draws out the taking in of an image, the network may go, and come again as another's. */
static void test_network_that_goes(ChangeFixture *f, gconstpointer data)
{
        static const NetworkClaim hers = {(char *) "lab", (char *) "virbr1", false, ALICE, GID_INVALID};
        static const NetworkClaim his = {(char *) "lab", (char *) "virbr1", false, BOB, GID_INVALID};

        for (unsigned i = 0; i < 6; i++) {
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, i % 2 == 0 ? NULL : "virbr1", i % 2 == 0 ? "lab" : NULL);
                f->request.image_fd = dup(f->image_fd);
                claim_network(f, &his, NETWORK_READY);
                g_ptr_array_set_size(f->request.claims, 0);
                if (i / 2 == 0)
                        g_ptr_array_add(f->request.claims, g_memdup2(&hers, sizeof hers));
                else
                        claim_network(f, &hers, NETWORK_REMOVING);
                if (i / 2 == 2)
                        (void) network_record_remove("lab", NULL);
                expect_refusal(f, ERROR_BUSY, false);
                g_assert_null(load_definition("hello"));
        }
}

/* What is sent to another's MAC address would come to whoever has it too. */
static void test_mac(ChangeFixture *f, gconstpointer data)
{
        static const NetworkClaim lab = {(char *) "lab", (char *) "virbr1", false, ALICE, GID_INVALID};
        static const NetworkClaim named = {(char *) "lab", (char *) "br-users", true, ALICE, GID_INVALID};
        DefinitionDevice device = network_device(NULL, NULL);

        device.mac = (char *) "52:54:00:00:00:01";
        for (unsigned i = 0; i < 3; i++) {
                change_reset(f, CHANGE_CREATE, ALICE);
                device.network = i == 1 ? (char *) "net-users" : NULL;
                device.bridge = i == 2 ? (char *) "br-users" : NULL;
                change_add_device(&f->request.settings->networks, &device);
                f->request.image_fd = dup(f->image_fd);
                if (i == 2)
                        claim_network(f, &named, NETWORK_READY);
                expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);
        }
        f->request.administer = true;
        expect_change(f);

        /* What an administrator wrote stays, there and not elsewhere. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        device.bridge = NULL;
        change_add_device(&f->request.settings->networks, &device);
        expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);

        /* On Alice's own network there is nobody else. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        device.network = (char *) "lab";
        change_add_device(&f->request.settings->networks, &device);
        claim_network(f, &lab, NETWORK_READY);
        expect_change(f);
}

static void test_missing_network(ChangeFixture *f, gconstpointer data)
{
        char *bridges[] = {(char *) "br9", NULL}, *networks[] = {(char *) "net9", NULL}, *none[] = {NULL};

        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        f->request.have_networks = true;
        f->request.bridges = bridges;
        f->request.networks = none;
        expect_refusal(f, ERROR_NO_SUCH_NETWORK, false);

        /* Of one that is not there, nobody's leave is asked. */
        for (unsigned i = 0; i < 4; i++) {
                const char *bridge = i == 0 ? "br9" : i == 1 ? "br8" : NULL;

                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, bridge, i == 2 ? "net9" : i == 3 ? "net8" : NULL);
                f->request.image_fd = dup(f->image_fd);
                f->request.have_networks = true;
                f->request.bridges = bridges;
                f->request.networks = networks;
                if (i % 2 == 1)
                        expect_refusal(f, ERROR_NO_SUCH_NETWORK, false);
                else
                        expect_refusal(f, ERROR_NETWORK_NOT_ALLOWED, true);
        }

        change_reset(f, CHANGE_CREATE, ALICE);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        f->conf.bridge_interface = NULL;
        expect_refusal(f, ERROR_NO_SUCH_NETWORK, false);
}

static void test_owner_and_group(ChangeFixture *f, gconstpointer data)
{
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        f->request.settings->values[SETTING_OWNER] = g_strdup_printf("%d", BOB);
        expect_refusal(f, ERROR_ACCESS_DENIED, true);

        g_free(f->request.settings->values[SETTING_OWNER]);
        f->request.settings->values[SETTING_OWNER] = g_strdup_printf("%d", ALICE);
        settings_put(f->request.settings, SETTING_GROUP, "0");
        expect_refusal(f, ERROR_ACCESS_DENIED, true);

        g_free(f->request.settings->values[SETTING_GROUP]);
        f->request.settings->values[SETTING_GROUP] = g_strdup_printf("%d", ALICE);
        expect_change(f);
}

static void test_volume(ChangeFixture *f, gconstpointer data)
{
        DefinitionDevice volume = {
                        .kind = DEVICE_BLOCK, .name = (char *) "storage", .path = (char *) "/dev/sda"};
        int fd = image_file("block:storage");

        change_add_device(&f->request.settings->volumes, &volume);
        f->request.image_fd = dup(fd);
        expect_refusal(f, ERROR_PATH_NOT_ALLOWED, true);
        f->request.administer = true;
        expect_change(f);

        /* What an administrator gave stays when its owner changes something else; but it does not become
         * writable. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        volume.path = (char *) "/dev/sdb";
        change_add_device(&f->request.settings->volumes, &volume);
        expect_refusal(f, ERROR_PATH_NOT_ALLOWED, true);
        change_reset(f, CHANGE_SETTINGS, 0);
        volume = (DefinitionDevice){.kind = DEVICE_BLOCK,
                        .name = (char *) "storage",
                        .path = (char *) "/dev/sda",
                        .read_only = true};
        change_add_device(&f->request.settings->volumes, &volume);
        expect_change(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        volume.read_only = false;
        change_add_device(&f->request.settings->volumes, &volume);
        expect_refusal(f, ERROR_PATH_NOT_ALLOWED, true);
        close_safe(fd);
}

static void set_text(ChangeFixture *f, uid_t uid, const char *owner, const char *sources)
{
        g_autoptr(Definition) definition = load_definition("hello");

        change_reset(f, CHANGE_DEFINITION, uid);
        f->request.text = g_strdup_printf("[Unikernel]\nImage=%s\nOwner=%s\n[Credentials keys]\n%s",
                        definition->image, owner, sources);
}

/* systemd reads a source as root, so who names one must be an administrator, as with a volume's path; what
 * is set for each key needs none. */
static void test_sources(ChangeFixture *f, gconstpointer data)
{
        DefinitionDevice keys = {.kind = DEVICE_BLOCK, .name = (char *) "keys", .credentials = true};
        static const char *const foreign[] = {
                        "LoadCredential=a:/etc/shadow\n",
                        "LoadCredential=a\n",
                        "LoadCredentialEncrypted=a:shruthi.other\n",
                        "LoadCredential=a:/given\nLoadCredential=b:/given\n",
                        "LoadCredentialEncrypted=a:/given\n",
        };
        int fd = image_file("block:keys");

        change_add_device(&f->request.settings->credentials, &keys);
        f->request.image_fd = dup(fd);
        expect_change(f);
        g_assert_true(f->result.reload);
        change_generate(f);

        set_text(f, 0, "1001", "LoadCredential=a:/given\nLoadCredential=c:/c\n");
        expect_change(f);
        g_assert_true(f->result.reload);
        change_generate(f);

        for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
                set_text(f, ALICE, "1001", foreign[i]);
                expect_refusal(f, ERROR_PATH_NOT_ALLOWED, true);
        }
        f->request.administer = true;
        expect_change(f);

        /* Alice may choose less than there was. */
        set_text(f, ALICE, "1001", "");
        expect_change(f);
        g_assert_true(f->result.reload);
        set_text(f, 0, "1001", "LoadCredential=a:/given\n");
        expect_change(f);
        change_generate(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
        g_assert_false(f->result.reload);
        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_change(f);
        g_assert_true(f->result.reload);
        close_safe(fd);
}

static void add_usage(ChangeFixture *f, uid_t uid, uint64_t memory)
{
        ResourceUsage usage = {.uid = uid, .memory = memory, .cpus = 1};

        g_array_append_val(f->request.usages, usage);
}

/* On networks that others use, too, each device counts; on one of the owner's own none does. */
static void test_addresses_limit(ChangeFixture *f, gconstpointer data)
{
        const NetworkClaim hers = {.name = (char *) "hers", .owner = ALICE, .group = GID_INVALID};
        static const struct {
                const char *network;
                unsigned others;
                bool fits;
        } cases[] = {
                        {"net-users", 0, true},
                        {"net-users", 2, true},
                        {"net-users", 3, false},
                        {"net-users", UINT_MAX, false},
                        {"hers", 3, true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                ResourceUsage usage = {.uid = ALICE, .addresses = cases[i].others};
                ResourceUsage bobs = {.uid = BOB, .addresses = 9};

                g_test_message("case %zu", i);
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, NULL, cases[i].network);
                claim_network(f, &hers, NETWORK_READY);
                f->request.image_fd = dup(f->image_fd);
                g_array_append_val(f->request.usages, usage);
                g_array_append_val(f->request.usages, bobs);
                change_result_clear(&f->result);
                change_work(&f->request, &f->result);
                g_assert_cmpint(f->result.r < 0, ==, !cases[i].fits);
                if (!cases[i].fits) {
                        g_assert_cmpint(f->result.error.code, ==, ERROR_LIMIT_EXCEEDED);
                        g_assert_nonnull(strstr(f->result.error.message, "AddressesMaxPerUser=3"));
                        g_assert_true(f->result.needs_administer);
                        continue;
                }
                g_assert_cmpuint(f->result.usage.addresses, ==,
                                g_str_equal(cases[i].network, "hers") ? 0 : 1);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_change(f);
        }
}

static void test_limits(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                uint64_t memory; /* asked for */
                unsigned n_own;
                uint64_t own; /* of each */
                unsigned n_others;
                bool fits, binds_administrators;
        } cases[] = {
                        {32 * MIB, 0, 0, 0, true, false},
                        {128 * MIB, 0, 0, 0, true, false},
                        {129 * MIB, 0, 0, 0, false, false},
                        {128 * MIB, 1, 128 * MIB, 0, true, false},
                        {128 * MIB, 1, 129 * MIB, 0, false, false},
                        {2 * MIB, 2, UINT64_MAX / 4, 0, false, false},
                        {2 * MIB, 3, 1 * MIB, 0, false, false},
                        {2 * MIB, 0, 0, 9, true, false},
                        {2 * MIB, 0, 0, 10, false, true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("case %zu", i);
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, NULL, NULL);
                f->request.image_fd = dup(f->image_fd);
                settings_put_bytes(f->request.settings, SETTING_MEMORY, cases[i].memory);
                for (unsigned j = 0; j < cases[i].n_own; j++)
                        add_usage(f, ALICE, cases[i].own);
                for (unsigned j = 0; j < cases[i].n_others; j++)
                        add_usage(f, BOB, 128 * MIB);
                if (!cases[i].fits)
                        expect_refusal(f, ERROR_LIMIT_EXCEEDED, !cases[i].binds_administrators);
                if (cases[i].binds_administrators)
                        continue;
                f->request.administer = true;
                        expect_change(f);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_change(f);
        }
}

static void test_limits_of_cpus(ChangeFixture *f, gconstpointer data)
{
        static const struct {
                unsigned cpus, n_own;
                bool fits;
        } cases[] = {{1, 0, true}, {2, 0, true}, {3, 0, false}, {2, 2, true}};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("case %zu", i);
                change_reset(f, CHANGE_CREATE, ALICE);
                change_with_network(f, NULL, NULL);
                f->request.image_fd = dup(f->image_fd);
                f->request.settings->values[SETTING_CPUS] = g_strdup_printf("%u", cases[i].cpus);
                for (unsigned j = 0; j < cases[i].n_own; j++)
                        add_usage(f, ALICE, MIB);
                if (!cases[i].fits) {
                        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
                        continue;
                }
                expect_change(f);
                change_reset(f, CHANGE_REMOVE, ALICE);
                expect_change(f);
        }
}

/* QEMU's own counts, and what one has one may keep when it comes to count. */
static void test_overhead(ChangeFixture *f, gconstpointer data)
{
        uint64_t memory = 64 * MIB;

        f->conf.memory_overhead = 64 * MIB;
        change_reset(f, CHANGE_CREATE, ALICE);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, memory);
        add_usage(f, ALICE, 129 * MIB);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
        g_assert_nonnull(strstr(f->result.error.message, "MemoryOverhead="));
        change_reset(f, CHANGE_CREATE, ALICE);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, memory);
        add_usage(f, ALICE, 128 * MIB);
        expect_change(f);

        f->conf.memory_overhead = 256 * MIB;
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
}

/* Root is an administrator without being asked. */
static void test_root(ChangeFixture *f, gconstpointer data)
{
        uint64_t memory = 512 * MIB;

        change_reset(f, CHANGE_CREATE, 0);
        change_with_network(f, "br77", NULL);
        f->request.image_fd = dup(f->image_fd);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, memory);
        f->request.settings->values[SETTING_OWNER] = g_strdup_printf("%d", ALICE);
        expect_change(f);

        /* Its owner may go on with what they were given, and change the rest. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
        memory += MIB;
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, memory);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
}

/* Who shares what is root's, by its group, has no more memory by it than they could give their own. */
static void test_roots_shared(ChangeFixture *f, gconstpointer data)
{
        uint64_t most = 128 * MIB, more = 129 * MIB;

        create_hello(f, 0);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, most);
        expect_change(f);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, more);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
}

/* The registry has not read the one before when the next one's turn comes: it counts as it was written. */
static void test_pipelined(ChangeFixture *f, gconstpointer data)
{
        Manager manager = {.unikernels = g_hash_table_new(g_str_hash, g_str_equal),
                        .changing = g_hash_table_new(g_str_hash, g_str_equal)};
        Definition old = {.owner = ALICE, .memory = 1 * MIB};
        Unikernel known = {.name = (char *) "known", .loaded.definition = &old};
        Unikernel hello = {.name = (char *) "hello"};
        Change own = {.call = &f->call, .request = f->request};
        Change changed = {.state = CHANGE_READING,
                        .request.name = (char *) "known",
                        .request.kind = CHANGE_SETTINGS,
                        .result.usage = {.uid = ALICE, .memory = 2 * MIB}};
        Change created = {.state = CHANGE_ALLOCATING,
                        .request.name = (char *) "new",
                        .result.usage = {.uid = ALICE, .memory = 4 * MIB}};
        Change begun = {.state = CHANGE_WORKING,
                        .request.name = (char *) "begun",
                        .result.usage = {.uid = ALICE, .memory = 8 * MIB}};
        g_autoptr(GArray) usages = NULL;
        uint64_t sum = 0;

        f->call.manager = &manager;
        g_hash_table_insert(manager.unikernels, known.name, &known);
        g_hash_table_insert(manager.unikernels, hello.name, &hello);
        g_hash_table_insert(manager.changing, (char *) "hello", &own);
        g_hash_table_insert(manager.changing, changed.request.name, &changed);
        g_hash_table_insert(manager.changing, created.request.name, &created);
        g_hash_table_insert(manager.changing, begun.request.name, &begun);

        usages = change_collect_usages(&own);
        for (guint i = 0; i < usages->len; i++) {
                g_assert_cmpuint(g_array_index(usages, ResourceUsage, i).uid, ==, ALICE);
                sum += g_array_index(usages, ResourceUsage, i).memory;
        }
        g_assert_cmpuint(usages->len, ==, 2);
        g_assert_cmpuint(sum, ==, 6 * MIB);

        g_hash_table_unref(manager.unikernels);
        g_hash_table_unref(manager.changing);
}

#define ADD(path, function)                                                                                 \
        g_test_add("/daemon/change-allowed/" path, ChangeFixture, NULL, change_set_up, function,            \
                        change_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("settings-of-administrators-are-checked", test_checks);
        ADD("isolation-needs-an-administrator", test_isolation);
        ADD("sources-of-updates-need-an-administrator", test_update_sources);
        ADD("bridges-of-others-need-an-administrator", test_networks);
        ADD("mac-addresses-among-others-need-an-administrator", test_mac);
        ADD("networks-that-go-meanwhile-are-refused", test_network_that_goes);
        ADD("networks-of-ours-are-their-owners", test_claimed_networks);
        ADD("fields-without-a-value-are-refused", test_fields_without_value);
        ADD("missing-networks-are-refused", test_missing_network);
        ADD("owner-and-group-are-the-caller's", test_owner_and_group);
        ADD("volumes-need-an-administrator", test_volume);
        ADD("sources-of-credentials-need-an-administrator", test_sources);
        ADD("limits-hold", test_limits);
        ADD("limits-of-cpus-hold", test_limits_of_cpus);
        ADD("what-qemu-takes-itself-counts", test_overhead);
        ADD("addresses-on-networks-of-others-are-limited", test_addresses_limit);
        ADD("limits-hold-for-one-after-the-other", test_pipelined);
        ADD("root's-are-not-made-larger", test_roots_shared);
        ADD("root-is-not-bound", test_root);
        return g_test_run();
}
