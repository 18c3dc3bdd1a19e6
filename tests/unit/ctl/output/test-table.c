/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table is aligned for people and typed for programs. */

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/output/table.h"

/* What the function prints to standard output. */
static char *capture(void (*print)(const Table *table, const Options *options), const Table *table,
                const Options *options)
{
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "shruthi-table-XXXXXX", NULL);
        int file = g_mkstemp(path), saved = dup(STDOUT_FILENO);
        char *text = NULL;

        g_assert_cmpint(file, >=, 0);
        fflush(stdout);
        g_assert_cmpint(dup2(file, STDOUT_FILENO), >=, 0);
        print(table, options);
        fflush(stdout);
        g_assert_cmpint(dup2(saved, STDOUT_FILENO), >=, 0);
        close(saved);
        close(file);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        unlink(path);
        return text;
}

static void print(const Table *table, const Options *options)
{
        table_print(table, options, "things listed");
}

static Table *example(void)
{
        static const char *const headers[] = {"NAME", "SIZE", "WORD", NULL};
        Table *table = table_new(headers);

        table_add(table, "ä日", COLOR_RED, NULL);
        table_add(table, "32M", COLOR_NONE, json_number(32 << 20));
        table_add(table, "", COLOR_NONE, NULL);
        table_add(table, "longer-name", COLOR_NONE, NULL);
        table_add(table, "-", COLOR_NONE, json_number(UINT64_MAX));
        table_add(table, "\x1b[2J", COLOR_NONE, json_flag(true));
        return table;
}

static void test_text(void)
{
        g_autoptr(Table) table = example();
        Options options = {};
        g_autofree char *with = capture(print, table, &options), *without = NULL;

        g_assert_cmpstr(with, ==,
                        "NAME        SIZE WORD\n"
                        "ä日         32M  -\n"
                        "longer-name -    \\x1b[2J\n"
                        "\n2 things listed.\n");
        options.no_legend = true;
        without = capture(print, table, &options);
        g_assert_cmpstr(without, ==,
                        "ä日         32M -\n"
                        "longer-name -   \\x1b[2J\n");
}

static void test_json(void)
{
        g_autoptr(Table) table = example();
        Options options = {.json = JSON_SHORT};
        g_autofree char *line = capture(print, table, &options), *lines = NULL;

        g_assert_cmpstr(line, ==,
                        "[{\"Name\":\"ä日\",\"Size\":33554432,\"Word\":\"\"},"
                        "{\"Name\":\"longer-name\",\"Size\":null,\"Word\":true}]\n");
        options.json = JSON_PRETTY;
        lines = capture(print, table, &options);
        g_assert_nonnull(strstr(lines, "\n                \"Name\" : \"longer-name\""));
}

static void test_empty(void)
{
        static const char *const headers[] = {"NAME", NULL};
        g_autoptr(Table) table = table_new(headers);
        Options options = {};
        g_autofree char *text = capture(print, table, &options), *json = NULL;

        g_assert_cmpstr(text, ==, "0 things listed.\n");
        options.json = JSON_SHORT;
        json = capture(print, table, &options);
        g_assert_cmpstr(json, ==, "[]\n");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/table/text", test_text);
        g_test_add_func("/ctl/table/json", test_json);
        g_test_add_func("/ctl/table/empty", test_empty);
        return g_test_run();
}
