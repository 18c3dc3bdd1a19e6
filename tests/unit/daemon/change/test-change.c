/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a change does to the definitions and the store: nothing is written unless all of it is right, and
 * nothing is lost. */

#include <string.h>
#include <unistd.h>

#include "change-fixture.h"
#include "common/paths.h"
#include "daemon/change/image-access.h"
#include "fixture/files.h"
#include "unikernel/update-record.h"

static void test_create(ChangeFixture *f, gconstpointer data)
{
        g_autoptr(Definition) definition = NULL;

        create_hello(f, ALICE);
        definition = load_definition("hello");
        g_assert_nonnull(definition);
        g_assert_cmpuint(definition->owner, ==, ALICE);
        g_assert_cmpint(definition->origin, ==, DEFINITION_ORIGIN_STATE);
        g_assert_true(g_str_has_prefix(definition->image, "sha256:"));
        g_assert_false(f->result.reload);
        g_assert_cmpstr(f->result.image, ==, definition->image);

        change_reset(f, CHANGE_CREATE, BOB);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        expect_refusal(f, ERROR_UNIKERNEL_EXISTS, false);
}

/* What fails leaves no definition; the image that was taken in is nobody's, and pruned. */
static void test_create_fails(ChangeFixture *f, gconstpointer data)
{
        g_auto(GStrv) removed = NULL;
        uint64_t freed = 0;

        f->request.image_fd = dup(f->image_fd);
        expect_refusal(f, ERROR_DEVICE_MISMATCH, false);
        g_assert_null(load_definition("hello"));
        g_assert_cmpuint(stored_images(), ==, 1);
        g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(removed), ==, 1);
        g_assert_cmpuint(freed, >, 0);
        g_assert_cmpuint(stored_images(), ==, 0);
}

/* Keys of an earlier one of that name go before another is made, and its own before it is removed: where
 * what seals them does not answer, neither is done. */
static void test_keys_go_first(ChangeFixture *f, gconstpointer data)
{
        create_hello(f, ALICE);
        fixture_put(paths_credentials(), "hello", "");
        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_refusal(f, ERROR_CREDENTIALS_UNAVAILABLE, false);
        g_assert_nonnull(strstr(f->result.error.message, "keys"));
        g_assert_cmpint(definition_remove("hello", NULL), ==, 0);

        change_reset(f, CHANGE_CREATE, BOB);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        expect_refusal(f, ERROR_CREDENTIALS_UNAVAILABLE, false);
        g_assert_nonnull(strstr(f->result.error.message, "earlier"));
        g_assert_null(load_definition("hello"));
}

/* One that is an administrator's cannot be removed, and nobody is asked to forget its keys. */
static void test_keys_of_administrators(ChangeFixture *f, gconstpointer data)
{
        fixture_put(paths_credentials(), "hello", "");
        fixture_put(paths_config_definitions(), "hello.unikernel", "[Unikernel]\nImage=/x\n");
        change_reset(f, CHANGE_REMOVE, 0);
        expect_refusal(f, ERROR_NOT_MANAGED, false);

        change_reset(f, CHANGE_CREATE, BOB);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        expect_refusal(f, ERROR_UNIKERNEL_EXISTS, false);
}

static void test_digest(ChangeFixture *f, gconstpointer data)
{
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        f->request.settings->digest =
                        g_strdup("sha256:"
                                 "0000000000000000000000000000000000000000000000000000000000000000");
        expect_refusal(f, ERROR_DIGEST_MISMATCH, false);
        g_assert_cmpuint(stored_images(), ==, 0);

        change_reset(f, CHANGE_CREATE, ALICE);
        change_with_network(f, NULL, NULL);
        f->request.image_digest =
                        g_strdup("sha256:"
                                 "0000000000000000000000000000000000000000000000000000000000000000");
        expect_refusal(f, ERROR_NO_SUCH_IMAGE, false);
}

static void test_definition(ChangeFixture *f, gconstpointer data)
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
                        {"[Unikernel]\nImage=%s\nOwner=1002\n[Network service]\n", ERROR_ACCESS_DENIED,
                                        true},
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

        create_hello(f, ALICE);
        image = g_strdup(f->result.image);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) parts = g_strsplit(cases[i].text, "%s", -1);

                g_test_message("case %zu", i);
                change_reset(f, CHANGE_DEFINITION, ALICE);
                f->request.text = g_strjoinv(image, parts);
                if (cases[i].code < 0)
                        expect_change(f);
                else
                        expect_refusal(f, (ErrorCode) cases[i].code, cases[i].needs_administer);
        }
}

static void set_autostart(ChangeFixture *f, bool autostart)
{
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_AUTOSTART, autostart ? "yes" : "no");
        expect_change(f);
}

/* systemd has something to learn when autostart or restart changes, and as long as it has not learnt it. */
static void test_reload(ChangeFixture *f, gconstpointer data)
{
        create_hello(f, ALICE);
        set_autostart(f, true);
        g_assert_true(f->result.reload);
        /* Who did that was killed before the reload; this one is asked for something else. */
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
        g_assert_true(f->result.reload);
        change_generate(f);
        set_autostart(f, true);
        g_assert_false(f->result.reload);
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put(f->request.settings, SETTING_RESTART, "always");
        expect_change(f);
        g_assert_true(f->result.reload);
        change_generate(f);
        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_change(f);
        g_assert_true(f->result.reload);
        /* What one of the name before has left with systemd. */
        create_hello(f, ALICE);
        g_assert_true(f->result.reload);
        change_generate(f);
        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_change(f);
        g_assert_false(f->result.reload);
}

/* A file of the administrator's is left alone, and named. */
static void test_not_managed(ChangeFixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_config_definitions(), "hello.unikernel", NULL);
        g_autofree char *now = NULL;

        g_assert_true(g_file_set_contents(path, "[Unikernel]\nImage=/x\n", -1, NULL));
        change_reset(f, CHANGE_SETTINGS, 0);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_refusal(f, ERROR_NOT_MANAGED, false);
        g_assert_nonnull(strstr(f->result.error.message, path));
        change_reset(f, CHANGE_REMOVE, 0);
        expect_refusal(f, ERROR_NOT_MANAGED, false);
        g_assert_true(g_file_get_contents(path, &now, NULL, NULL));
        g_assert_cmpstr(now, ==, "[Unikernel]\nImage=/x\n");
}

/* What is shipped is copied, and the copy changed. */
static void test_vendor(ChangeFixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_vendor_definitions(), "hello.unikernel", NULL);
        g_autoptr(Definition) definition = NULL;

        g_assert_true(g_file_set_contents(path, "# shipped\n[Unikernel]\nImage=/x\n", -1, NULL));
        change_reset(f, CHANGE_SETTINGS, 0);
        settings_put(f->request.settings, SETTING_ARGUMENTS, "x");
        expect_change(f);
        definition = load_definition("hello");
        g_assert_cmpint(definition->origin, ==, DEFINITION_ORIGIN_STATE);
        g_assert_cmpstr(definition->image, ==, "/x");
        g_assert_cmpstr(definition->arguments, ==, "x");
}

/* A broken definition holds all images: it may name any of them. A mended one names its own. */
static GPtrArray *generations_of_hello(guint expected)
{
        GPtrArray *generations = generations_list("hello");

        g_assert_cmpuint(generations->len, ==, expected);
        return generations;
}

/* Another memory, by an ordinary change or an update. */
static void change_memory(ChangeFixture *f, uint64_t memory, const ChangeUpdate *update)
{
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, memory);
        f->request.update = update;
        expect_change(f);
}

/* What was there is kept before the first change, and each change after it; the record of an update is there
 * with it. */
static void test_generations(ChangeFixture *f, gconstpointer data)
{
        const UpdateRecord begun = {.probation_usec = 7};
        const ChangeUpdate dry_run = {.dry_run = true}, update = {.record = &begun},
                           rollback = {.rollback = true};
        _cleanup_update_record_ UpdateRecord record = {};
        g_autoptr(GPtrArray) generations = NULL;
        g_autoptr(Definition) definition = NULL;

        f->conf.keep_generations = 10;
        create_hello(f, ALICE);
        g_ptr_array_unref(generations_of_hello(0));

        change_memory(f, 64 * MIB, &dry_run);
        g_assert_true(f->result.unwritten);
        g_assert_nonnull(strstr(f->result.text, "\nMemory=64M\n"));
        g_ptr_array_unref(generations_of_hello(0));

        change_memory(f, 64 * MIB, NULL);
        g_assert_cmpuint(f->result.old_generation, ==, 1);
        g_assert_cmpuint(f->result.generation, ==, 2);
        g_assert_cmpint(update_record_read("hello", &record), ==, -ENOENT);

        change_memory(f, 64 * MIB, &update);
        g_assert_true(f->result.unwritten);
        g_ptr_array_unref(generations_of_hello(2));

        change_memory(f, 48 * MIB, &update);
        g_assert_true(f->result.recorded);
        g_assert_cmpint(update_record_read("hello", &record), ==, 0);
        g_assert_cmpuint(record.old_number, ==, 2);
        g_assert_cmpuint(record.new_number, ==, 3);
        g_assert_cmpuint(record.probation_usec, ==, 7);
        generations = generations_of_hello(3);
        g_assert_cmpint(generations_find(generations, 3)->state, ==, GENERATION_PROVING);
        g_assert_cmpuint(generations_find(generations, 3)->user, ==, ALICE);
        g_assert_nonnull(generations_find(generations, 3)->image);

        change_reset(f, CHANGE_DEFINITION, ALICE);
        f->request.update = &rollback;
        expect_change(f);
        g_assert_cmpuint(f->result.generation, ==, 2);
        g_ptr_array_unref(generations_of_hello(3));
        definition = load_definition("hello");
        g_assert_cmpuint(definition->memory, ==, 64 * MIB);
}

/* A rollback is a change like any other: it needs its image, and the rights to what it says. */
static void test_rollback_is_refused(ChangeFixture *f, gconstpointer data)
{
        const ChangeUpdate unknown = {.rollback = true, .generation = 9},
                           first = {.rollback = true, .generation = 1};
        g_auto(GStrv) removed = NULL;
        uint64_t freed = 0;

        create_hello(f, ALICE);
        change_memory(f, 64 * MIB, NULL);
        change_reset(f, CHANGE_DEFINITION, ALICE);
        f->request.update = &unknown;
        expect_refusal(f, ERROR_NO_SUCH_GENERATION, false);

        g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(removed), ==, 0);
        change_reset(f, CHANGE_DEFINITION, ALICE);
        f->request.update = &first;
        expect_change(f);

        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_change(f);
        g_ptr_array_unref(generations_of_hello(0));
}

/* One that cannot be written leaves its target as it was; one to a new text has failed. */
static void test_unwritten_rollback(ChangeFixture *f, gconstpointer data)
{
        const UpdateRecord begun = {};
        const ChangeUpdate update = {.record = &begun},
                           first = {.rollback = true, .generation = 1, .record = &begun};
        g_autoptr(GPtrArray) generations = NULL;

        f->conf.keep_generations = 10;
        create_hello(f, ALICE);
        change_memory(f, 64 * MIB, NULL);
        g_assert_cmpint(generation_mark("hello", 1, GENERATION_UNPROVEN, NULL, "stopped", NULL), ==, 0);
        g_assert_true(g_file_set_contents(paths_updates(), "in the way", -1, NULL));

        change_reset(f, CHANGE_DEFINITION, ALICE);
        f->request.update = &first;
        change_work(&f->request, &f->result);
        g_assert_cmpint(f->result.r, <, 0);
        g_assert_nonnull(strstr(f->result.error.message, "record of the update"));
        change_reset(f, CHANGE_SETTINGS, ALICE);
        settings_put_bytes(f->request.settings, SETTING_MEMORY, 48 * MIB);
        f->request.update = &update;
        change_work(&f->request, &f->result);
        g_assert_cmpint(f->result.r, <, 0);

        generations = generations_of_hello(3);
        g_assert_cmpint(generations_find(generations, 1)->state, ==, GENERATION_UNPROVEN);
        g_assert_cmpstr(generations_find(generations, 1)->reason, ==, "stopped");
        g_assert_cmpint(generations_find(generations, 3)->state, ==, GENERATION_FAILED);
}

/* A path is compared with the kept digest before anybody's rights are checked, and so imports nothing. */
static void test_rollback_to_path(ChangeFixture *f, gconstpointer data)
{
        const ChangeUpdate dry_run = {.rollback = true, .generation = 1, .dry_run = true},
                           rollback = {.rollback = true, .generation = 1};
        g_autofree char *path = g_build_filename(f->dir, "image", NULL),
                        *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "abc", -1),
                        *image = g_strconcat("sha256:", digest, NULL),
                        *text = g_strdup_printf("[Unikernel]\nOwner=%d\nImage=%s\n", ALICE, path);
        const Generation first = {.number = 1, .time = 1, .image = image, .text = text};
        g_autofree char *pinned = NULL;
        g_autoptr(GPtrArray) generations = NULL;

        f->conf.keep_generations = 10;
        create_hello(f, ALICE);
        g_assert_true(g_file_set_contents(path, "abc", -1, NULL));
        g_assert_cmpint(generation_write("hello", &first, NULL), ==, 0);

        change_reset(f, CHANGE_DEFINITION, ALICE);
        f->request.update = &rollback;
        expect_refusal(f, ERROR_PATH_NOT_ALLOWED, true);
        change_reset(f, CHANGE_DEFINITION, 0);
        f->request.update = &dry_run;
        expect_change(f);
        g_assert_cmpstr(f->result.text, ==, text);
        f->request.update = &rollback;
        expect_change(f);
        g_assert_cmpuint(f->result.generation, ==, 1);
        generations = generations_of_hello(2);
        g_assert_cmpstr(generations_find(generations, 1)->image, ==, image);

        g_assert_true(g_file_set_contents(path, "xyz", -1, NULL));
        pinned = change_generation_text("hello", &first);
        g_assert_nonnull(strstr(pinned, image));
        g_assert_cmpuint(stored_images(), ==, 1);
}

static void test_prune_while_broken(ChangeFixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(paths_config_definitions(), "broken.unikernel", NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) removed = NULL;
        uint64_t freed;

        create_hello(f, ALICE);
        g_assert_true(g_file_set_contents(path, "[Unikernel\n", -1, NULL));
        g_assert_cmpint(images_prune(&removed, &freed, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
        g_assert_nonnull(strstr(error.message, "broken"));
        g_assert_cmpuint(stored_images(), ==, 1);

        g_assert_cmpint(unlink(path), ==, 0);
        g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(removed), ==, 0);
        g_assert_cmpuint(stored_images(), ==, 1);
}

/* What a change holds is not pruned under it. */
static void test_pin(ChangeFixture *f, gconstpointer data)
{
        StoreLimits limits = {.image_size = 16 * MIB, .store_size = 64 * MIB};
        g_autofree char *digest = NULL;

        g_assert_cmpint(image_acquire(f->image_fd, NULL, &limits, &digest, NULL), ==, 0);
        for (unsigned i = 0; i < 2; i++) {
                g_auto(GStrv) removed = NULL;
                uint64_t freed;

                g_assert_cmpint(images_prune(&removed, &freed, NULL), ==, 0);
                g_assert_cmpuint(g_strv_length(removed), ==, i);
                image_unpin(digest);
        }
        g_assert_cmpint(image_pin(digest, NULL), <, 0);
}

#define ADD(path, function)                                                                                 \
        g_test_add("/daemon/change/" path, ChangeFixture, NULL, change_set_up, function, change_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("creates-and-writes", test_create);
        ADD("a-failure-leaves-no-definition", test_create_fails);
        ADD("keys-go-before-their-definition", test_keys_go_first);
        ADD("keys-of-an-administrator's-stay", test_keys_of_administrators);
        ADD("a-demanded-digest-is-enforced", test_digest);
        ADD("a-whole-definition-gives-no-more", test_definition);
        ADD("systemd-is-told-when-it-must", test_reload);
        ADD("an-administrator's-file-is-left-alone", test_not_managed);
        ADD("a-shipped-file-is-copied", test_vendor);
        ADD("what-was-is-kept", test_generations);
        ADD("a-rollback-is-a-change-like-any-other", test_rollback_is_refused);
        ADD("an-unwritten-rollback-leaves-its-target", test_unwritten_rollback);
        ADD("a-rollback-imports-nothing", test_rollback_to_path);
        ADD("a-broken-definition-keeps-all-images", test_prune_while_broken);
        ADD("what-is-held-is-not-pruned", test_pin);
        return g_test_run();
}
