/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exit statuses mean what shruthictl(1) says, whatever the verb: scripts go by them. */

#include <glib.h>

#include "ctl/cli/ctl.h"

/* "No such name" is about what was named on the command line, and never about what that needs: who starts a
 * unikernel whose bridge is missing has named one that is there. */
static void test_verb_by_error(void)
{
        static const struct {
                const char *noun;
                ErrorCode code;
                int status;
        } cases[] = {
                        {NULL, ERROR_NO_SUCH_UNIKERNEL, CTL_EXIT_NO_SUCH},
                        {NULL, ERROR_NO_SUCH_NETWORK, CTL_EXIT_FAILURE},
                        {NULL, ERROR_NO_SUCH_VOLUME, CTL_EXIT_FAILURE},
                        {NULL, ERROR_NO_SUCH_IMAGE, CTL_EXIT_FAILURE},
                        {NULL, ERROR_NOT_RUNNING, CTL_EXIT_NOT_RUNNING},
                        {NULL, ERROR_INVALID_NAME, CTL_EXIT_USAGE},
                        {NULL, ERROR_INVALID_ARGS, CTL_EXIT_USAGE},
                        {NULL, ERROR_START_FAILED, CTL_EXIT_FAILURE},
                        {NULL, ERROR_ACCESS_DENIED, CTL_EXIT_FAILURE},
                        {"volume", ERROR_NO_SUCH_VOLUME, CTL_EXIT_NO_SUCH},
                        {"volume", ERROR_NO_SUCH_NETWORK, CTL_EXIT_FAILURE},
                        {"network", ERROR_NO_SUCH_NETWORK, CTL_EXIT_NO_SUCH},
                        {"network", ERROR_NO_SUCH_VOLUME, CTL_EXIT_FAILURE},
                        {"network", ERROR_INVALID_NAME, CTL_EXIT_USAGE},
                        {"credential", ERROR_NO_SUCH_UNIKERNEL, CTL_EXIT_NO_SUCH},
                        {"credential", ERROR_NO_SUCH_NETWORK, CTL_EXIT_FAILURE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Ctl ctl = {.noun = cases[i].noun};
                const Error error = {.code = cases[i].code};

                g_assert_cmpint(ctl_exit_status(&ctl, &error), ==, cases[i].status);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/exit/verb-by-error", test_verb_by_error);
        return g_test_run();
}
