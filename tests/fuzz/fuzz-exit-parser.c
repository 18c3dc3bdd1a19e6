/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a guest prints, its end is settled with a sentence in one harmless line and a status that
 * fits. */

#include <glib.h>
#include <string.h>

#include "fuzz.h"
#include "unikernel/exit-parser.h"

static void check_settled(const ExitParser *seen, TerminationCause ending)
{
        ExitParser exit_parser = *seen;
        g_autofree char *sentence = NULL;
        int status;

        exit_parser_settle(&exit_parser, ending);
        status = exit_parser_unit_exit_status(&exit_parser);
        sentence = exit_parser_message(&exit_parser, "1000");

        g_assert_cmpint(exit_parser.result, !=, RESULT_NONE);
        g_assert_cmpint(exit_parser.result, <, RESULT_DEFINITION);
        g_assert_cmpint(status, >=, 0);
        g_assert_cmpint(status, <=, 255);
        g_assert_cmpint(status == 0, ==, result_is_success(exit_parser.result));
        g_assert_true(g_utf8_validate(sentence, -1, NULL));
        for (const char *p = sentence; *p; p = g_utf8_next_char(p))
                g_assert_true(g_unichar_isprint(g_utf8_get_char(p)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        ExitParser exit_parser = EXIT_PARSER_INIT;
        const char *p = (const char *) data;

        while (size > 0) {
                const char *newline = memchr(p, '\n', size);
                size_t length = newline ? (size_t) (newline - p) : size;
                ExitParser before = exit_parser;

                if (!exit_parser_feed_line(&exit_parser, p, length))
                        g_assert_cmpmem(&exit_parser, sizeof exit_parser, &before, sizeof before);
                length += newline ? 1 : 0;
                p += length;
                size -= length;
        }

        for (TerminationCause ending = TERMINATION_CONSOLE; ending <= TERMINATION_HALTED; ending++)
                check_settled(&exit_parser, ending);
        return 0;
}
