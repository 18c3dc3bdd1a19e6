/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever the files of a running unikernel have become: a state is read as it would be written again or not at all,
 * and so are the ports of a process. */

#include <glib.h>

#include "fuzz.h"
#include "unikernel/process.h"
#include "unikernel/run-state.h"

static void check_state(const char *text)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT, again = RUN_STATE_INIT, empty = RUN_STATE_INIT;
        g_autofree char *first = NULL, *second = NULL, *nothing = run_state_format(&empty);
        int r = run_state_parse(text, &state);

        first = run_state_format(&state);
        if (r < 0) {
                g_assert_cmpstr(first, ==, nothing);
                return;
        }
        g_assert_cmpint(run_state_parse(first, &again), ==, 0);
        second = run_state_format(&again);
        g_assert_cmpstr(first, ==, second);
}

static void check_ports(const char *text)
{
        g_autoptr(GPtrArray) ports = process_ports_parse(text), again = NULL;
        g_autofree char *first = process_ports_format(ports), *second = NULL;

        again = process_ports_parse(first);
        second = process_ports_format(again);
        g_assert_cmpuint(ports->len, ==, again->len);
        g_assert_cmpstr(first, ==, second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup(size > 0 ? (const char *) data : "", size);

        check_state(text);
        check_ports(text);
        return 0;
}
