/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The generations of a unikernel, as files. */

#include "unikernel/generation.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "unikernel/definition.h"

#define HEADER                "[Generation]\n"
#define HEADER_SIZE_MAX       (16 * 1024)
#define REASON_LENGTH_MAX     2048 /* characters */
#define SOURCE_LENGTH_MAX     1024 /* the same */
#define GENERATION_DIGITS_MAX 9

static const char *const generation_state_table[_GENERATION_STATE_MAX] = {
                [GENERATION_SET] = "set",
                [GENERATION_PROVING] = "proving",
                [GENERATION_PROVEN] = "proven",
                [GENERATION_UNPROVEN] = "unproven",
                [GENERATION_FAILED] = "failed",
};

DEFINE_STRING_TABLE(generation_state, GenerationState, generation_state_table, _GENERATION_STATE_MAX)

void generation_free(Generation *generation)
{
        if (!generation)
                return;

        g_free(generation->image);
        g_free(generation->initrd);
        g_free(generation->invocation);
        g_free(generation->reason);
        g_free(generation->source);
        g_free(generation->text);
        g_free(generation);
}

static void generation_destroy(gpointer data)
{
        generation_free(data);
}

static char *generation_dir(const char *name)
{
        return g_build_filename(paths_generations(), name, NULL);
}

char *generation_format(const Generation *generation)
{
        g_autofree char *reason = text_for_display(generation->reason ?: "", REASON_LENGTH_MAX),
                        *source = text_for_display(generation->source ?: "", SOURCE_LENGTH_MAX);

        return g_strdup_printf(HEADER
                        "Number=%" G_GUINT64_FORMAT "\nTime=%" G_GUINT64_FORMAT
                        "\nUser=%u\nImage=%s\nInitrd=%s\nState=%s\nInvocation=%s\nReason=%s\n%s%s%s\n%s",
                        generation->number, generation->time, (unsigned) generation->user,
                        generation->image ?: "", generation->initrd ?: "",
                        generation_state_to_string(generation->state), generation->invocation ?: "", reason,
                        *source ? "Source=" : "", source, *source ? "\n" : "", generation->text);
}

/* "" stands for none. */
static int generation_parse_digest(const char *value, char **ret)
{
        if (*value && !digest_is_valid(value))
                return -EBADMSG;

        g_free(*ret);
        *ret = *value ? g_strdup(value) : NULL;
        return 0;
}

static int generation_parse_line(Generation *generation, const char *line)
{
        const char *value = strchr(line, '=');
        g_autofree char *key = NULL;
        uint64_t number;
        int r;

        if (!value)
                return -EBADMSG;
        key = g_strndup(line, (size_t) (value - line));
        value++;

        if (g_str_equal(key, "Number"))
                return number_parse(value, 0, UINT32_MAX, &generation->number);
        if (g_str_equal(key, "Time"))
                return number_parse(value, 0, INT64_MAX, &generation->time);
        if (g_str_equal(key, "User")) {
                r = number_parse(value, 0, UINT32_MAX - 1, &number);
                generation->user = r < 0 ? 0 : (uid_t) number;
                return r;
        }
        if (g_str_equal(key, "Image"))
                return generation_parse_digest(value, &generation->image);
        if (g_str_equal(key, "Initrd"))
                return generation_parse_digest(value, &generation->initrd);
        if (g_str_equal(key, "State")) {
                generation->state = generation_state_from_string(value);
                return (int) generation->state < 0 ? -EBADMSG : 0;
        }
        if (g_str_equal(key, "Invocation")) {
                g_free(generation->invocation);
                generation->invocation = *value ? g_strdup(value) : NULL;
        } else if (g_str_equal(key, "Reason")) {
                g_free(generation->reason);
                generation->reason = *value ? g_strdup(value) : NULL;
        } else if (g_str_equal(key, "Source")) {
                g_free(generation->source);
                generation->source = *value ? g_strdup(value) : NULL;
        }

        return 0;
}

int generation_parse(const char *text, size_t size, Generation **ret_generation)
{
        g_autoptr(Generation) generation = g_new0(Generation, 1);
        g_autofree char *header = NULL;
        g_auto(GStrv) lines = NULL;
        const char *end;
        int r;

        if (!g_str_has_prefix(text, HEADER) || strlen(text) != size)
                return -EBADMSG;
        text += strlen(HEADER);
        end = strstr(text, "\n\n");
        if (!end || end - text > HEADER_SIZE_MAX)
                return -EBADMSG;

        header = g_strndup(text, (size_t) (end - text));
        lines = g_strsplit(header, "\n", -1);
        for (char **line = lines; *line; line++) {
                r = generation_parse_line(generation, *line);
                if (r < 0)
                        return r;
        }
        if (generation->number == 0)
                return -EBADMSG;
        generation->text = g_strdup(end + 2);

        *ret_generation = g_steal_pointer(&generation);
        return 0;
}

static int generation_read_file(const char *name, const char *file, Generation **ret_generation)
{
        g_autofree char *dir = generation_dir(name), *path = g_build_filename(dir, file, NULL), *text = NULL;
        g_autoptr(Generation) generation = NULL;
        g_autofree char *number = NULL;
        size_t size;
        int r;

        r = file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX + HEADER_SIZE_MAX, &text, &size);
        if (r >= 0)
                r = generation_parse(text, size, &generation);
        if (r < 0)
                return r;
        number = g_strdup_printf("%" G_GUINT64_FORMAT, generation->number);
        if (!g_str_equal(number, file))
                return -EBADMSG;

        *ret_generation = g_steal_pointer(&generation);
        return 0;
}

static int generation_compare(const void *a, const void *b)
{
        const Generation *const *x = a, *const *y = b;

        return (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

static bool generation_is_file(const char *file)
{
        size_t length = strlen(file);

        return length <= GENERATION_DIGITS_MAX && strspn(file, "0123456789") == length;
}

GPtrArray *generations_list(const char *name)
{
        GPtrArray *generations = g_ptr_array_new_with_free_func(generation_destroy);
        g_autofree char *path = generation_dir(name);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *file;

        while (dir && (file = g_dir_read_name(dir))) {
                Generation *generation;

                if (generation_is_file(file) && generation_read_file(name, file, &generation) >= 0)
                        g_ptr_array_add(generations, generation);
        }
        g_ptr_array_sort(generations, generation_compare);
        return generations;
}

static char *generations_describe(const char *name)
{
        g_autoptr(GPtrArray) generations = generations_list(name);
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < generations->len; i++)
                g_string_append_printf(text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "",
                                ((const Generation *) generations->pdata[i])->number);
        return text->len > 0 ? g_strdup(text->str) : g_strdup("none yet");
}

int generation_read(const char *name, uint64_t number, Generation **ret_generation, Error *ret_error)
{
        g_autofree char *file = g_strdup_printf("%" G_GUINT64_FORMAT, number), *known = NULL;
        int r = generation_read_file(name, file, ret_generation);

        if (r == -ENOENT || r == -EBADMSG) {
                known = generations_describe(name);
                return error_set(ret_error, ERROR_NO_SUCH_GENERATION,
                                "There is no generation %s of unikernel '%s'; there are: %s", file, name,
                                known);
        }
        return r < 0 ? error_set_errno(ret_error, r, "Cannot read generation %s of '%s'", file, name) : 0;
}

int generation_write(const char *name, const Generation *generation, Error *ret_error)
{
        g_autofree char *dir = generation_dir(name), *text = generation_format(generation);
        g_autofree char *file = g_strdup_printf("%" G_GUINT64_FORMAT, generation->number);
        int r;

        r = directory_make(paths_generations(), 0700);
        if (r >= 0)
                r = directory_make(dir, 0700);
        if (r >= 0)
                r = file_replace(dir, file, text, strlen(text), 0640);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s/%s", dir, file) : 0;
}

int generation_mark(const char *name, uint64_t number, GenerationState state, const char *invocation,
                const char *reason, Error *ret_error)
{
        g_autoptr(Generation) generation = NULL;
        int r;

        r = generation_read(name, number, &generation, ret_error);
        if (r < 0)
                return r;

        generation->state = state;
        g_free(generation->invocation);
        generation->invocation = g_strdup(invocation);
        g_free(generation->reason);
        generation->reason = g_strdup(reason);
        return generation_write(name, generation, ret_error);
}

Generation *generations_find_text(const GPtrArray *generations, const char *text)
{
        Generation *failed = NULL;

        for (guint i = generations->len; i > 0; i--) {
                Generation *generation = generations->pdata[i - 1];

                if (!g_str_equal(generation->text, text))
                        continue;
                if (generation->state != GENERATION_FAILED)
                        return generation;
                failed = failed ?: generation;
        }

        return failed;
}

static int generation_compare_newest(const void *a, const void *b)
{
        guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

        return x < y ? 1 : x > y ? -1 : 0;
}

uint64_t generation_find_current(const char *name, const char *text)
{
        g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
        g_autofree char *path = generation_dir(name);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        uint64_t failed = 0;
        const char *file;

        while (dir && (file = g_dir_read_name(dir))) {
                guint64 number;

                if (generation_is_file(file) &&
                                g_ascii_string_to_unsigned(file, 10, 1, UINT32_MAX, &number, NULL))
                        g_array_append_val(numbers, number);
        }
        g_array_sort(numbers, generation_compare_newest);
        for (guint i = 0; i < numbers->len; i++) {
                g_autoptr(Generation) generation = NULL;
                g_autofree char *newest =
                                g_strdup_printf("%" G_GUINT64_FORMAT, g_array_index(numbers, guint64, i));

                if (generation_read_file(name, newest, &generation) < 0 ||
                                !g_str_equal(generation->text, text))
                        continue;
                if (generation->state != GENERATION_FAILED)
                        return generation->number;
                failed = failed ?: generation->number;
        }

        return failed;
}

Generation *generations_find(const GPtrArray *generations, uint64_t number)
{
        for (guint i = 0; i < generations->len; i++)
                if (((Generation *) generations->pdata[i])->number == number)
                        return generations->pdata[i];

        return NULL;
}

Generation *generations_find_former(const GPtrArray *generations, uint64_t number)
{
        for (guint i = generations->len; i > 0; i--) {
                Generation *generation = generations->pdata[i - 1];

                if (generation->number < number && generation->state != GENERATION_FAILED)
                        return generation;
        }

        return NULL;
}

const Generation *generations_find_left(const GPtrArray *generations, const char *image)
{
        const Generation *next = NULL;

        for (guint i = generations->len; i > 0; i--) {
                const Generation *generation = generations->pdata[i - 1];
                bool failed = generation->state == GENERATION_FAILED;

                if (g_strcmp0(generation->image, image) == 0)
                        return failed || !next || !next->source ? generation : NULL;
                if (!failed)
                        next = generation;
        }

        return NULL;
}

void generations_trim(const char *name, unsigned keep, uint64_t in_force, uint64_t other)
{
        g_autoptr(GPtrArray) generations = generations_list(name);
        g_autofree char *dir = generation_dir(name);
        guint left = generations->len;

        for (guint i = 0; i < generations->len && left > keep; i++) {
                const Generation *generation = generations->pdata[i];
                g_autofree char *file = g_strdup_printf("%" G_GUINT64_FORMAT, generation->number);

                if (generation->number == in_force || generation->number == other)
                        continue;
                if (file_remove(dir, file) >= 0)
                        left--;
        }
}

void generations_remove(const char *name)
{
        g_autofree char *path = generation_dir(name);
        g_autoptr(GDir) dir = name_is_valid(name) ? g_dir_open(path, 0, NULL) : NULL;
        const char *file;

        while (dir && (file = g_dir_read_name(dir))) {
                g_autofree char *entry = g_build_filename(path, file, NULL);

                (void) unlink(entry);
        }
        if (dir && rmdir(path) >= 0)
                (void) directory_sync(paths_generations());
}

char **generations_list_names(void)
{
        return names_list(paths_generations(), NULL);
}
