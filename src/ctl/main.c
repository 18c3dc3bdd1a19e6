/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthictl: the command line client of shruthid. */

#include <locale.h>
#include <stdio.h>

#include "common/paths.h"
#include "config.h"
#include "ctl/bus/agent.h"
#include "ctl/output/pager.h"
#include "ctl/output/terminal.h"
#include "ctl/remote/remote.h"
#include "ctl/verbs/verbs.h"

static int ctl_run(Ctl *ctl, int argc, char **argv, Error *ret_error)
{
        char **words = NULL, **operands = NULL;
        const Verb *verb = NULL;
        int r;

        r = options_parse(&ctl->options, argc, argv, &words, ret_error);
        if (r < 0)
                return r;

        if (ctl->options.help) {
                pager_open(&ctl->options);
                verbs_print_help(stdout, terminal_has_colors());
                return CTL_EXIT_SUCCESS;
        }
        if (ctl->options.version) {
                puts("shruthi " SHRUTHI_VERSION);
                return CTL_EXIT_SUCCESS;
        }

        r = verb_find(words, &verb, &operands, ret_error);
        if (r < 0)
                return r;
        r = verb_check_operands(verb, operands, &ctl->options, ret_error);
        if (r < 0)
                return r;

        ctl->noun = verb->noun;
        if (ctl->options.host)
                return remote_run(ctl, verb, operands, ret_error);

        r = ctl->options.user ? paths_use_user(ret_error) : 0;
        return r < 0 ? r : verb->run(ctl, operands, ret_error);
}

int main(int argc, char *argv[])
{
        _cleanup_error_ Error error = ERROR_INIT;
        Ctl ctl = {};
        int r;

        setlocale(LC_ALL, "");
        terminal_init();
        options_init(&ctl.options);

        r = ctl_run(&ctl, argc, argv, &error);
        pager_close();
        if (r < 0) {
                terminal_print_error(&error, r);
                r = ctl_exit_status(&ctl, &error);
        }
        if (fflush(stdout) != 0 && r == CTL_EXIT_SUCCESS)
                r = CTL_EXIT_FAILURE;

        agent_close();
        sd_bus_flush_close_unref(ctl.bus);
        options_clear(&ctl.options);
        return r;
}
