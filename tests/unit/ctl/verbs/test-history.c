/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* diff compares with the generation that a rollback would return to. */

#include <glib.h>

#include "ctl/output/value.h"
#include "ctl/verbs/verb-history.h"

/* Each letter is the state of a generation, numbered from 1: superseded, current, proving, failed; F is
 * current, though it failed. */
static GPtrArray *generations_of(const char *states)
{
        GPtrArray *generations = g_ptr_array_new_with_free_func((GDestroyNotify) json_object_unref);

        for (size_t i = 0; states[i]; i++) {
                JsonObject *generation = json_object_new();
                const char *state = states[i] == 's'   ? "superseded"
                                    : states[i] == 'p' ? "proving"
                                    : states[i] == 'f' ? "failed"
                                                       : "current";
                const char *outcome = states[i] == 'f' || states[i] == 'F' ? "failed"
                                      : states[i] == 'p'                   ? "proving"
                                                                           : "proven";

                json_object_set_int_member(generation, "Number", (int64_t) i + 1);
                json_object_set_string_member(generation, "State", state);
                json_object_set_string_member(generation, "Outcome", outcome);
                g_ptr_array_add(generations, generation);
        }
        return generations;
}

static void test_former(void)
{
        static const struct {
                const char *states;
                uint64_t former;
        } cases[] = {
                        {"", 0},
                        {"c", 0},
                        {"sc", 1},
                        {"sfc", 1},
                        {"fc", 0},
                        {"scs", 1},
                        {"ssF", 2},
                        /* The text in force was written by hand. */
                        {"ss", 2},
                        /* During an update, and during a rollback. */
                        {"sp", 1},
                        {"sfp", 1},
                        {"sps", 1},
                        {"ps", 0},
                        /* One that an update has left so is not in force. */
                        {"sspc", 3},
                        {"scp", 1},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) generations = generations_of(cases[i].states);

                g_test_message("case %zu: %s", i, cases[i].states);
                g_assert_cmpuint(history_find_former(generations), ==, cases[i].former);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/history/finds-the-former-generation", test_former);

        return g_test_run();
}
