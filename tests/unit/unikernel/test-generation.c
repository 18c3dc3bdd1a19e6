/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is kept of a definition comes back as it was, whatever is in it, and what is no generation is none.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/generation.h"
#include "unikernel/update-record.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEADER "[Generation]\nNumber=1\nTime=2\nUser=3\nState=set\n"

typedef struct Fixture {
        char *root;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-generation-XXXXXX", NULL);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_dir(), 0700), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->root);
        g_free(f->root);
}

static void put(uint64_t number, GenerationState state, const char *text)
{
        const Generation generation = {.number = number,
                        .time = 1000 + number,
                        .user = 1001,
                        .image = (char *) DIGEST,
                        .state = state,
                        .text = (char *) text};

        g_assert_cmpint(generation_write("a", &generation, NULL), ==, 0);
}

static void test_goes_there_and_back(Fixture *f, const void *data)
{
        /* The text is not read: an empty line, a section of that name, and no newline at the end are its
         * own. */
        const char *text = "# a\n\n[Generation]\nNumber=9\n\n[Unikernel]\nImage=/x\n\n# end";
        Generation written = {.number = 7,
                        .time = 5000,
                        .user = 1001,
                        .image = (char *) DIGEST,
                        .initrd = (char *) DIGEST,
                        .invocation = (char *) "0123456789abcdef0123456789abcdef",
                        .reason = (char *) "two\nlines",
                        .text = (char *) text};

        for (GenerationState state = 0; state < _GENERATION_STATE_MAX; state++) {
                g_autoptr(Generation) generation = NULL;

                written.state = state;
                g_assert_cmpint(generation_write("a", &written, NULL), ==, 0);
                g_assert_cmpint(generation_read("a", 7, &generation, NULL), ==, 0);
                g_assert_cmpuint(generation->number, ==, 7);
                g_assert_cmpuint(generation->time, ==, 5000);
                g_assert_cmpuint(generation->user, ==, 1001);
                g_assert_cmpstr(generation->image, ==, DIGEST);
                g_assert_cmpstr(generation->initrd, ==, DIGEST);
                g_assert_cmpint(generation->state, ==, state);
                g_assert_cmpstr(generation->invocation, ==, written.invocation);
                g_assert_cmpstr(generation->reason, ==, "two\\x0alines");
                g_assert_cmpstr(generation->text, ==, text);
        }
}

static void test_refuses_what_is_none(void)
{
        static const char *const texts[] = {"", "[Unikernel]\n\n", "[Generation]\n", HEADER,
                        "[Generation]\nNumber=0\n\ntext", "[Generation]\nNumber=-1\n\ntext",
                        "[Generation]\nNumber=99999999999\n\ntext", "[Generation]\nTime=1\n\ntext",
                        "[Generation]\nNumber=1\nUser=4294967295\n\ntext",
                        "[Generation]\nNumber=1\nState=other\n\ntext",
                        "[Generation]\nNumber=1\nImage=/etc/passwd\n\ntext",
                        "[Generation]\nNumber=1\nno value\n\ntext"};
        g_autoptr(Generation) generation = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                g_assert_cmpint(generation_parse(texts[i], strlen(texts[i]), &generation), ==, -EBADMSG);
        g_assert_cmpint(generation_parse(HEADER "\nte\0xt", strlen(HEADER) + 6, &generation), ==, -EBADMSG);
        g_assert_cmpint(generation_parse(HEADER "Newer=1\n\ntext", strlen(HEADER "Newer=1\n\ntext"),
                                        &generation),
                        ==, 0);
        g_assert_cmpstr(generation->text, ==, "text");
}

static void test_lists(Fixture *f, const void *data)
{
        g_autoptr(GPtrArray) generations = NULL;
        g_autofree char *dir = g_build_filename(paths_generations(), "a", NULL);
        g_auto(GStrv) names = NULL;

        generations = generations_list("a");
        g_assert_cmpuint(generations->len, ==, 0);
        g_clear_pointer(&generations, g_ptr_array_unref);
        put(10, GENERATION_SET, "ten");
        put(9, GENERATION_PROVEN, "nine");
        fixture_put(dir, "11", "damaged");
        fixture_put(dir, "12x", HEADER "\nx");
        fixture_put(dir, "2", HEADER "\nnumber and name differ");
        generations = generations_list("a");
        g_assert_cmpuint(generations->len, ==, 2);
        g_assert_cmpuint(((Generation *) generations->pdata[0])->number, ==, 9);
        g_assert_cmpuint(((Generation *) generations->pdata[1])->number, ==, 10);
        names = generations_list_names();
        g_assert_cmpuint(g_strv_length(names), ==, 1);
        g_assert_cmpstr(names[0], ==, "a");
}

static void test_names_those_there_are(Fixture *f, const void *data)
{
        g_autoptr(Generation) generation = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        put(3, GENERATION_SET, "three");
        put(4, GENERATION_SET, "four");
        g_assert_cmpint(generation_read("a", 5, &generation, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_GENERATION);
        g_assert_cmpstr(error.message, ==, "There is no generation 5 of unikernel 'a'; there are: 3, 4");
}

/* What is in force is what the text says, and a failure that says the same is not it. */
static void test_finds_the_current_and_the_former(Fixture *f, const void *data)
{
        g_autoptr(GPtrArray) generations = NULL;

        put(1, GENERATION_SET, "one");
        put(2, GENERATION_PROVEN, "two");
        put(3, GENERATION_FAILED, "two");
        put(4, GENERATION_FAILED, "four");
        put(5, GENERATION_UNPROVEN, "one");
        generations = generations_list("a");
        g_assert_cmpuint(generations_find_text(generations, "one")->number, ==, 5);
        g_assert_cmpuint(generations_find_text(generations, "two")->number, ==, 2);
        g_assert_cmpuint(generations_find_text(generations, "four")->number, ==, 4);
        g_assert_null(generations_find_text(generations, "six"));
        g_assert_cmpuint(generations_find_former(generations, 5)->number, ==, 2);
        g_assert_cmpuint(generations_find_former(generations, 2)->number, ==, 1);
        g_assert_null(generations_find_former(generations, 1));
        g_assert_cmpuint(generations_find(generations, 3)->number, ==, 3);
        g_assert_null(generations_find(generations, 6));
        g_assert_cmpuint(generation_find_current("a", "one"), ==, 5);
        g_assert_cmpuint(generation_find_current("a", "two"), ==, 2);
        g_assert_cmpuint(generation_find_current("a", "four"), ==, 4);
        g_assert_cmpuint(generation_find_current("a", "six"), ==, 0);
}

static void add_image(GPtrArray *generations, const char *image, GenerationState state, const char *source)
{
        Generation *generation = g_new0(Generation, 1);

        *generation = (Generation){.number = generations->len + 1,
                        .image = g_strdup(image),
                        .state = state,
                        .source = g_strdup(source)};
        g_ptr_array_add(generations, generation);
}

static uint64_t find_left(const GPtrArray *generations, const char *image)
{
        const Generation *generation = generations_find_left(generations, image);

        return generation ? generation->number : 0;
}

/* What was left by hand stays left, and a source may go back to an image that it has replaced itself. */
static void test_finds_what_was_left(void)
{
        g_autoptr(GPtrArray) generations = g_ptr_array_new_with_free_func((GDestroyNotify) generation_free);

        g_assert_cmpuint(find_left(generations, "a"), ==, 0);
        add_image(generations, "a", GENERATION_SET, NULL);
        add_image(generations, "b", GENERATION_PROVEN, "from x");
        add_image(generations, "c", GENERATION_FAILED, "from x");
        g_assert_cmpuint(find_left(generations, "a"), ==, 0);
        g_assert_cmpuint(find_left(generations, "c"), ==, 3);
        g_assert_cmpuint(find_left(generations, "d"), ==, 0);
        g_test_message("a rollback to a");
        g_assert_cmpuint(find_left(generations, "b"), ==, 2);
        g_test_message("and a change of its memory");
        add_image(generations, "a", GENERATION_SET, NULL);
        g_assert_cmpuint(find_left(generations, "b"), ==, 2);
        g_test_message("another from the source");
        add_image(generations, "d", GENERATION_PROVEN, "from x");
        g_assert_cmpuint(find_left(generations, "a"), ==, 0);
        g_assert_cmpuint(find_left(generations, "c"), ==, 3);
}

static void test_trims(Fixture *f, const void *data)
{
        g_autoptr(GPtrArray) generations = NULL;

        for (uint64_t number = 1; number <= 12; number++)
                put(number, GENERATION_SET, "x");
        generations_trim("a", 4, 2, 12);
        generations = generations_list("a");
        g_assert_cmpuint(generations->len, ==, 4);
        g_assert_nonnull(generations_find(generations, 2));
        g_assert_nonnull(generations_find(generations, 10));
        g_assert_nonnull(generations_find(generations, 12));
        generations_remove("a");
        g_clear_pointer(&generations, g_ptr_array_unref);
        generations = generations_list("a");
        g_assert_cmpuint(generations->len, ==, 0);
        generations_remove("../a");
}

static void test_record_goes_there_and_back(Fixture *f, const void *data)
{
        const UpdateRecord written = {.phase = UPDATE_PHASE_RETURNING,
                        .old_number = 3,
                        .new_number = 4,
                        .probation_usec = 5,
                        .old_started = 6,
                        .user = 1001,
                        .boot_id = (char *) "0123",
                        .reason = (char *) "a\nb"};
        _cleanup_update_record_ UpdateRecord record = {};
        g_auto(GStrv) names = NULL;

        g_assert_cmpint(update_record_write("../a", &written), ==, -EINVAL);
        g_assert_cmpint(update_record_read("a", &record), ==, -ENOENT);
        g_assert_cmpint(update_record_write("a", &written), ==, 0);
        g_assert_cmpint(update_record_read("a", &record), ==, 0);
        g_assert_cmpint(record.phase, ==, UPDATE_PHASE_RETURNING);
        g_assert_cmpuint(record.old_number, ==, 3);
        g_assert_cmpuint(record.new_number, ==, 4);
        g_assert_cmpuint(record.probation_usec, ==, 5);
        g_assert_cmpuint(record.old_started, ==, 6);
        g_assert_cmpuint(record.user, ==, 1001);
        g_assert_cmpstr(record.boot_id, ==, "0123");
        g_assert_cmpstr(record.reason, ==, "a\\x0ab");
        names = update_records_list();
        g_assert_cmpuint(g_strv_length(names), ==, 1);
        g_assert_cmpint(update_record_remove("a"), ==, 0);
        g_assert_cmpint(update_record_remove("a"), ==, -ENOENT);
}

static void test_record_refuses_what_is_none(void)
{
        static const char *const texts[] = {"", "OLD=1\n", "OLD=1\nNEW=2\nPHASE=other\n", "OLD=1\nNEW=x\n",
                        "OLD=1\nNEW=2\nUSER=4294967295\n", "OLD=1\nNEW=2\nno value\n"};
        _cleanup_update_record_ UpdateRecord record = {};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                g_assert_cmpint(update_record_parse(texts[i], &record), ==, -EBADMSG);
        g_assert_cmpint(update_record_parse("OLD=1\nNEW=2\nNEWER=3\n", &record), ==, 0);
}

#define ADD(path, function) g_test_add("/generation/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        ADD("goes-there-and-back", test_goes_there_and_back);
        g_test_add_func("/generation/refuses-what-is-none", test_refuses_what_is_none);
        ADD("lists-those-that-can-be-read", test_lists);
        ADD("names-those-there-are", test_names_those_there_are);
        ADD("finds-the-current-and-the-former", test_finds_the_current_and_the_former);
        g_test_add_func("/generation/finds-what-was-left", test_finds_what_was_left);
        ADD("trims-the-oldest-but-for-two", test_trims);
        ADD("an-update's-record-goes-there-and-back", test_record_goes_there_and_back);
        g_test_add_func("/generation/an-update's-record-refuses-what-is-none",
                        test_record_refuses_what_is_none);

        return g_test_run();
}
