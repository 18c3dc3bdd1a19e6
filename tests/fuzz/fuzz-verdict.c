/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a guest prints, its end is settled with a sentence in one harmless line and a status that
 * fits. */

#include <glib.h>
#include <string.h>

#include "fuzz.h"
#include "unikernel/verdict.h"

static void check_settled(const Verdict *seen, Ending ending)
{
        Verdict verdict = *seen;
        g_autofree char *sentence = NULL;
        int status;

        verdict_settle(&verdict, ending);
        status = verdict_unit_exit_status(&verdict);
        sentence = verdict_sentence(&verdict, "1000");

        g_assert_cmpint(verdict.result, !=, RESULT_NONE);
        g_assert_cmpint(verdict.result, <, RESULT_DEFINITION);
        g_assert_cmpint(status, >=, 0);
        g_assert_cmpint(status, <=, 255);
        g_assert_cmpint(status == 0, ==, result_is_success(verdict.result));
        g_assert_true(g_utf8_validate(sentence, -1, NULL));
        for (const char *p = sentence; *p; p = g_utf8_next_char(p))
                g_assert_true(g_unichar_isprint(g_utf8_get_char(p)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Verdict verdict = VERDICT_INIT;
        const char *p = (const char *) data;

        while (size > 0) {
                const char *newline = memchr(p, '\n', size);
                size_t length = newline ? (size_t) (newline - p) : size;
                Verdict before = verdict;

                if (!verdict_see_line(&verdict, p, length))
                        g_assert_cmpmem(&verdict, sizeof verdict, &before, sizeof before);
                length += newline ? 1 : 0;
                p += length;
                size -= length;
        }

        for (Ending ending = ENDING_CONSOLE; ending <= ENDING_HALTED; ending++)
                check_settled(&verdict, ending);
        return 0;
}
