/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariants: a user gets no volume that is another's, and no more than their share; what a definition wants
 * is there when it is; a definition that is not written leaves no volume behind. */

#include <string.h>
#include <unistd.h>

#include "change-fixture.h"
#include "common/io.h"
#include "volume/store.h"

static void create_with_volume(ChangeFixture *f, uid_t uid, const char *volume, uint64_t size)
{
        DefinitionDevice device = {.kind = DEVICE_BLOCK,
                        .name = (char *) "storage",
                        .volume = (char *) volume,
                        .size = size};

        change_reset(f, CHANGE_CREATE, uid);
        change_add_device(&f->request.settings->volumes, &device);
        f->request.image_fd = image_file("block:storage");
}

static void change_volume(ChangeFixture *f, uid_t uid, const char *volume, uint64_t size)
{
        DefinitionDevice device = {.kind = DEVICE_BLOCK,
                        .name = (char *) "storage",
                        .volume = (char *) volume,
                        .size = size};

        change_reset(f, CHANGE_SETTINGS, uid);
        change_add_device(&f->request.settings->volumes, &device);
}

static void make_volume(const char *name, uid_t owner, gid_t group)
{
        _cleanup_error_ Error error = ERROR_INIT;

        (void) volume_create(name, MIB, owner, group, NULL, &error);
        g_assert_cmpstr(error.message, ==, NULL);
}

static void assert_volume(const char *name, uid_t owner, uint64_t size)
{
        g_autoptr(Volume) volume = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        (void) volume_load(name, &volume, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpuint(volume->owner, ==, owner);
        g_assert_cmpuint(volume->size, ==, size);
}

static void assert_no_volume(const char *name)
{
        g_autoptr(Volume) volume = NULL;

        g_assert_cmpint(volume_load(name, &volume, NULL), ==, -ENOENT);
}

static void test_made(ChangeFixture *f, gconstpointer data)
{
        create_with_volume(f, ALICE, NULL, 2 * MIB);
        expect_change(f);
        assert_volume("hello-storage", ALICE, 2 * MIB);

        /* It stays, and is found again. */
        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_change(f);
        assert_volume("hello-storage", ALICE, 2 * MIB);
        create_with_volume(f, ALICE, NULL, MIB);
        expect_change(f);
        assert_volume("hello-storage", ALICE, 2 * MIB);
}

static void test_size(ChangeFixture *f, gconstpointer data)
{
        create_with_volume(f, ALICE, NULL, MIB);
        expect_change(f);

        change_volume(f, ALICE, NULL, 2 * MIB);
        expect_refusal(f, ERROR_INVALID_ARGS, false);
        g_assert_nonnull(strstr(f->result.error.message, "volume resize hello-storage 2M"));
        assert_volume("hello-storage", ALICE, MIB);
}

static void test_others(ChangeFixture *f, gconstpointer data)
{
        make_volume("bobs", BOB, GID_INVALID);
        make_volume("alices", ALICE, GID_INVALID);

        create_with_volume(f, ALICE, "bobs", 0);
        expect_refusal(f, ERROR_ACCESS_DENIED, false);
        create_with_volume(f, ALICE, "none", 0);
        expect_refusal(f, ERROR_NO_SUCH_VOLUME, false);
        /* Nor does an administrator give one man's volume to another man's unikernel. */
        create_with_volume(f, ALICE, "bobs", 0);
        f->request.administer = true;
        expect_refusal(f, ERROR_ACCESS_DENIED, false);
        create_with_volume(f, ALICE, "alices", 0);
        expect_change(f);

        /* Somebody else who may change it makes nothing more of it. */
        make_volume("other", ALICE, GID_INVALID);
        change_volume(f, BOB, "other", 0);
        expect_refusal(f, ERROR_ACCESS_DENIED, true);
        change_volume(f, BOB, "alices", 0);
        expect_change(f);
}

static void test_root(ChangeFixture *f, gconstpointer data)
{
        make_volume("bobs", BOB, GID_INVALID);
        create_with_volume(f, 0, "bobs", 0);
        expect_change(f);

        /* Who may change root's unikernel makes no volumes for root. */
        change_volume(f, ALICE, "new", MIB);
        expect_refusal(f, ERROR_ACCESS_DENIED, true);
        assert_no_volume("new");
}

/* What somebody has made beforehand under the name that is expected is not taken for what Size= makes. */
static void test_made_beforehand(ChangeFixture *f, gconstpointer data)
{
        make_volume("hello-storage", BOB, GID_INVALID);
        create_with_volume(f, 0, NULL, MIB);
        expect_refusal(f, ERROR_ACCESS_DENIED, false);
        create_with_volume(f, 0, "hello-storage", MIB);
        expect_refusal(f, ERROR_ACCESS_DENIED, false);
        g_assert_nonnull(strstr(f->result.error.message, "Volume=hello-storage without Size="));
        create_with_volume(f, 0, "hello-storage", 0);
        expect_change(f);
}

static void test_limits(ChangeFixture *f, gconstpointer data)
{
        create_with_volume(f, ALICE, NULL, 11 * MIB);
        expect_refusal(f, ERROR_LIMIT_EXCEEDED, true);
        assert_no_volume("hello-storage");
        g_assert_null(load_definition("hello"));

        create_with_volume(f, ALICE, NULL, 11 * MIB);
        f->request.administer = true;
        expect_change(f);
        assert_volume("hello-storage", ALICE, 11 * MIB);
}

/* What is not written has made nothing. */
static void test_taken_back(ChangeFixture *f, gconstpointer data)
{
        create_hello(f, ALICE);
        create_with_volume(f, ALICE, NULL, MIB);
        expect_refusal(f, ERROR_UNIKERNEL_EXISTS, false);
        assert_no_volume("hello-storage");

        change_reset(f, CHANGE_REMOVE, ALICE);
        expect_change(f);
        create_with_volume(f, ALICE, NULL, MIB);
        expect_change(f);
        change_work_undo(&f->request, &f->result);
        assert_no_volume("hello-storage");
        g_assert_null(load_definition("hello"));

        /* Nor is what somebody else made meanwhile taken away. */
        create_with_volume(f, ALICE, NULL, MIB);
        expect_change(f);
        g_assert_cmpint(volume_remove("hello-storage", NULL), ==, 0);
        make_volume("hello-storage", BOB, GID_INVALID);
        change_work_undo(&f->request, &f->result);
        assert_volume("hello-storage", BOB, MIB);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
#define TEST(path, function)                                                                                \
        g_test_add("/daemon/change-volumes/" path, ChangeFixture, NULL, change_set_up, function,            \
                        change_tear_down)
        TEST("are-made-and-stay", test_made);
        TEST("are-not-resized", test_size);
        TEST("of-others-are-refused", test_others);
        TEST("made-by-others-beforehand-are-refused", test_made_beforehand);
        TEST("of-root-are-made-by-administrators", test_root);
        TEST("keep-within-limits", test_limits);
        TEST("go-with-a-definition-that-is-not-written", test_taken_back);
        return g_test_run();
}
