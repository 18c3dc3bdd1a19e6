/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An update that a former shruthid has left goes on from what is on disk, whenever that one was killed. */

#include <glib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "common/paths.h"
#include "daemon/change/update.h"
#include "fixture/files.h"

#define FORMER "[Unikernel]\nOwner=1001\nImage=/x\nArguments=former\n"
#define LATER  "[Unikernel]\nOwner=1001\nImage=/x\nArguments=later\n"

typedef struct Fixture {
        char *root, *path;
        Unikernel unikernel;
        Update update;
} Fixture;

static void generation_put(uint64_t number, GenerationState state, const char *text)
{
        const Generation generation = {.number = number, .time = 1, .state = state, .text = (char *) text};

        g_assert_cmpint(generation_write("a", &generation, NULL), ==, 0);
}

static void expect_state(uint64_t number, GenerationState state, const char *reason)
{
        g_autoptr(Generation) generation = NULL;

        g_assert_cmpint(generation_read("a", number, &generation, NULL), ==, 0);
        g_assert_cmpint(generation->state, ==, state);
        g_assert_cmpstr(generation->reason, ==, reason);
}

static void expect_definition(const Fixture *f, const char *expected)
{
        g_autofree char *text = NULL;

        g_assert_true(g_file_get_contents(f->path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, expected);
}

static void set_up(Fixture *f, const void *data)
{
        char boot_id[SD_ID128_STRING_MAX];
        sd_id128_t boot;

        f->root = g_dir_make_tmp("shruthi-update-XXXXXX", NULL);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_definitions(), 0750), ==, 0);
        f->path = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        generation_put(1, GENERATION_SET, FORMER);
        generation_put(2, GENERATION_PROVING, LATER);
        g_assert_cmpint(sd_id128_get_boot(&boot), ==, 0);
        f->unikernel = (Unikernel){.name = (char *) "a"};
        f->update = (Update){.name = (char *) "a",
                        .outcome = GENERATION_PROVING,
                        .error = ERROR_INIT,
                        .record = {.old_number = 1,
                                        .new_number = 2,
                                        .boot_id = g_strdup(sd_id128_to_string(boot, boot_id))}};
}

static void tear_down(Fixture *f, const void *data)
{
        update_record_clear(&f->update.record);
        error_clear(&f->update.error);
        g_free(f->update.failure);
        g_free(f->update.invocation);
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->path);
        g_free(f->root);
}

static void definition_put(const Fixture *f, const char *text)
{
        g_assert_true(g_file_set_contents(f->path, text, -1, NULL));
}

static void test_is_looked_at(Fixture *f, const void *data)
{
        definition_put(f, LATER);
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_LOOKING);
        g_assert_cmpint(f->update.outcome, ==, GENERATION_PROVING);
        g_assert_false(f->update.former_in_force);
        g_assert_null(f->update.failure);
}

/* A twin is tried again in the boot in which it was, and no other: then nothing runs beside it. */
static void test_is_tried(Fixture *f, const void *data)
{
        definition_put(f, LATER);
        f->update.record.phase = UPDATE_PHASE_TRYING;
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_TRYING);

        g_free(f->update.record.boot_id);
        f->update.record.boot_id = g_strdup("another");
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_LOOKING);

        definition_put(f, FORMER);
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_RETURNING);
}

/* When the twin serves, it is not tried again. */
static void test_is_noted(Fixture *f, const void *data)
{
        _cleanup_update_record_ UpdateRecord record = {};

        f->update.record.phase = UPDATE_PHASE_TRYING;
        f->update.record.rolling = true;
        f->update.record.drain_usec = 5;
        update_work_note(&f->update);
        g_assert_cmpint(update_record_read("a", &record), ==, 0);
        g_assert_cmpint(record.phase, ==, UPDATE_PHASE_PROVING);
        g_assert_true(record.rolling);
        g_assert_cmpuint(record.drain_usec, ==, 5);
}

/* The record is written before the definition: the former text must not pass for the new generation. */
static void test_was_not_written(Fixture *f, const void *data)
{
        definition_put(f, FORMER);
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_RETURNING);
        g_assert_cmpint(f->update.outcome, ==, GENERATION_FAILED);
        g_assert_true(f->update.former_in_force);
        g_assert_true(f->update.was_active);

        update_work_return(&f->update);
        g_assert_null(f->update.error.message);
        expect_state(1, GENERATION_SET, NULL);
        expect_state(2, GENERATION_FAILED, "its definition was not written");
        expect_definition(f, FORMER);
}

/* Nor is a text overwritten that somebody has put there by hand meanwhile. */
static void test_leaves_a_foreign_text(Fixture *f, const void *data)
{
        definition_put(f, "[Unikernel]\nOwner=1001\nImage=/y\n");
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_RETURNING);
        update_work_return(&f->update);
        expect_definition(f, "[Unikernel]\nOwner=1001\nImage=/y\n");
        expect_state(2, GENERATION_FAILED, "its definition was not written");
}

/* The former text is back, but the record does not say so. */
static void test_was_restored(Fixture *f, const void *data)
{
        definition_put(f, FORMER);
        g_assert_cmpint(generation_mark("a", 2, GENERATION_FAILED, "abc", "exited with status 7", NULL), ==,
                        0);
        update_find_state(&f->update, &f->unikernel);
        g_assert_cmpint(f->update.state, ==, UPDATE_RETURNING);
        g_assert_cmpstr(f->update.failure, ==, "exited with status 7");
        g_assert_cmpstr(f->update.invocation, ==, "abc");
}

/* A return goes on even where the new text is not in force any more; after a boot only Autostart= starts
 * what was returned to. */
static void test_returns(Fixture *f, const void *data)
{
        static const struct {
                bool this_boot, autostart;
                const char *active_state;
                bool was_active;
        } cases[] = {
                        {true, false, "inactive", true},
                        {false, false, "inactive", false},
                        {false, false, "active", true},
                        {false, true, "inactive", true},
        };
        UpdateRecord *record = &f->update.record;

        record->phase = UPDATE_PHASE_RETURNING;
        record->reason = g_strdup("exited with status 7");
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *this_boot = record->boot_id;

                g_test_message("case %zu", i);
                f->unikernel.status.active_state = (char *) cases[i].active_state;
                f->unikernel.properties.autostart = cases[i].autostart;
                record->boot_id = g_strdup(cases[i].this_boot ? this_boot : "another");
                g_clear_pointer(&f->update.failure, g_free);
                update_find_state(&f->update, &f->unikernel);
                g_assert_cmpint(f->update.state, ==, UPDATE_RETURNING);
                g_assert_cmpint(f->update.outcome, ==, GENERATION_FAILED);
                g_assert_cmpstr(f->update.failure, ==, "exited with status 7");
                g_assert_false(f->update.former_in_force);
                g_assert_cmpint(f->update.was_active, ==, cases[i].was_active);
        }
}

/* The outcome is written even if the former text cannot be had. */
static void test_fails_to_return(Fixture *f, const void *data)
{
        definition_put(f, LATER);
        f->update.record.old_number = 9;
        f->update.outcome = GENERATION_FAILED;
        f->update.failure = g_strdup("exited with status 7");
        update_work_return(&f->update);
        g_assert_cmpint(f->update.error.code, ==, ERROR_NO_SUCH_GENERATION);
        expect_state(2, GENERATION_FAILED, "exited with status 7");
        expect_definition(f, LATER);
}

#define ADD(path, function)                                                                                 \
        g_test_add("/daemon/update-resume/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        ADD("is-looked-at", test_is_looked_at);
        ADD("is-tried", test_is_tried);
        ADD("is-noted", test_is_noted);
        ADD("was-not-written", test_was_not_written);
        ADD("leaves-a-foreign-text", test_leaves_a_foreign_text);
        ADD("was-restored", test_was_restored);
        ADD("returns", test_returns);
        ADD("fails-to-return", test_fails_to_return);

        return g_test_run();
}
