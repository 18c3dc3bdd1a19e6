/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* logs: console and messages, as journalctl shows them, for those who are in no journal group too. */

#include "ctl/log-reader.h"
#include "ctl/pager.h"

#define FOLLOW_LINES_DEFAULT 10

int verb_logs(Ctl *ctl, char **operands, Error *ret_error)
{
        const Options *options = &ctl->options;
        g_auto(GStrv) names = NULL;
        LogRequest request = {.lines = options->lines, .follow = options->follow, .json = options->json};
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        if (request.lines == LINES_UNSET)
                request.lines = options->follow ? FOLLOW_LINES_DEFAULT : LINES_ALL;
        if (!options->follow)
                pager_open(options);

        return log_print(ctl, names, &request, ret_error);
}
