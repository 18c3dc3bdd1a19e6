/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest writes comes out as lines, and no byte of it is lost or made up. */

#include <glib.h>
#include <string.h>

#include "run/console-lines.h"

typedef struct Case {
        const char *path;
        const char *data;
        size_t size;
        bool complete;
        const char *text; /* NULL: no line yet */
        size_t text_size;
        size_t consumed;
} Case;

#define BYTES(s) (s), sizeof(s) - 1

static const Case cases[] = {
        {"nothing-is-no-line", BYTES(""), true, NULL, 0, 0},
        {"a-line-without-newline-waits", BYTES("abc"), false, NULL, 0, 0},
        {"a-last-line-without-newline-counts", BYTES("abc"), true, BYTES("abc"), 3},
        {"newline-ends-a-line", BYTES("abc\ndef"), false, BYTES("abc"), 4},
        {"carriage-return-goes-with-the-newline", BYTES("abc\r\n"), false, BYTES("abc"), 5},
        {"only-one-carriage-return-goes", BYTES("abc\r\r\n"), false, BYTES("abc\r"), 6},
        {"a-carriage-return-alone-stays", BYTES("abc\rdef\n"), false, BYTES("abc\rdef"), 8},
        {"an-empty-line-is-a-line", BYTES("\r\nx"), false, BYTES(""), 2},
        {"binary-stays-as-it-is", BYTES("a\0b\xff\x1b\n"), false, BYTES("a\0b\xff\x1b"), 6},
};

static void test_case(const void *data)
{
        const Case *c = data;
        ConsoleLine line = {};

        g_assert_cmpint(console_line_next(c->data, c->size, c->complete, &line), ==, c->text != NULL);
        if (c->text) {
                g_assert_cmpmem(line.text, line.size, c->text, c->text_size);
                g_assert_cmpuint(line.consumed, ==, c->consumed);
        }
}

/* A line of just the limit is whole, one byte more is split, whatever ends it. */
static void test_splits_at_the_limit(void)
{
        static const char *const ends[] = {"\n", "\r\n"};

        for (size_t e = 0; e < G_N_ELEMENTS(ends); e++)
                for (size_t extra = 0; extra < 3; extra++) {
                        g_autoptr(GString) data = g_string_new(NULL);
                        ConsoleLine line = {};

                        for (size_t i = 0; i < CONSOLE_LINE_MAX + extra; i++)
                                g_string_append_c(data, 'x');
                        g_string_append(data, ends[e]);

                        g_assert_true(console_line_next(data->str, data->len, false, &line));
                        g_assert_cmpuint(line.size, ==, CONSOLE_LINE_MAX);
                        if (extra == 0) {
                                g_assert_cmpuint(line.consumed, ==, data->len);
                                continue;
                        }
                        g_assert_cmpuint(line.consumed, ==, CONSOLE_LINE_MAX);
                        g_assert_true(console_line_next(
                                        data->str + line.consumed, data->len - line.consumed, false, &line));
                        g_assert_cmpuint(line.size, ==, extra);
                }
}

/* While the limit may still be met by a newline, nothing is split. */
static void test_waits_for_the_newline_at_the_limit(void)
{
        g_autofree char *data = g_malloc(CONSOLE_LINE_MAX + 2);
        ConsoleLine line = {};

        memset(data, 'x', CONSOLE_LINE_MAX + 2);
        data[CONSOLE_LINE_MAX] = '\r';
        g_assert_false(console_line_next(data, CONSOLE_LINE_MAX + 1, false, &line));
        g_assert_true(console_line_next(data, CONSOLE_LINE_MAX + 2, false, &line));
        g_assert_cmpuint(line.consumed, ==, CONSOLE_LINE_MAX);
}

/* However the bytes come in, the same lines come out, and all of the bytes are accounted for. */
static void test_any_cut_gives_the_same_lines(void)
{
        static const char data[] = "one\r\n\ntwo\r\r\n\rthree";

        for (size_t cut = 0; cut < sizeof data; cut++) {
                g_autoptr(GString) lines = g_string_new(NULL);
                size_t from = 0, to = cut;

                for (int round = 0; round < 2; round++, to = sizeof data - 1) {
                        ConsoleLine line;

                        while (console_line_next(data + from, to - from, round == 1 && to == sizeof data - 1,
                                        &line)) {
                                g_string_append_len(lines, line.text, (gssize) line.size);
                                g_string_append_c(lines, '|');
                                from += line.consumed;
                        }
                }
                g_assert_cmpstr(lines->str, ==, "one||two\r|\rthree|");
                g_assert_cmpuint(from, ==, sizeof data - 1);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_strconcat("/run/console-lines/", cases[i].path, NULL);

                g_test_add_data_func(path, &cases[i], test_case);
        }
        g_test_add_func("/run/console-lines/splits-at-the-limit", test_splits_at_the_limit);
        g_test_add_func("/run/console-lines/waits-for-the-newline-at-the-limit",
                        test_waits_for_the_newline_at_the_limit);
        g_test_add_func("/run/console-lines/any-cut-gives-the-same-lines",
                        test_any_cut_gives_the_same_lines);
        return g_test_run();
}
