/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Executes shruthi-filter. */

#include "ctl/fleet/capture-filter.h"

#include <signal.h>
#include <sys/wait.h>

#include "common/keyfile.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "config.h"
#include "filter/filter.h"

#define SHOWN_MAX 160

static int filter_refuse(const FleetPlan *plan, const char *why, Error *ret_error)
{
        g_autofree char *shown = text_for_display(plan->capture_filter, SHOWN_MAX);

        return key_file_error(plan->path, plan->capture_filter_line, ret_error, "CaptureFilter=%s: %s",
                        shown, why);
}

static int filter_take(const FleetPlan *plan, int status, const char *program, const char *message,
                char **ret_program, Error *ret_error)
{
        g_autofree char *why = text_for_display(message, SHOWN_MAX);

        if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
                return filter_refuse(plan, "it takes too long to compile: write a simpler one", ret_error);
        if (WIFEXITED(status) && WEXITSTATUS(status) == FILTER_REFUSED) {
                g_autofree char *sentence = g_strdup_printf(
                                "%s: write a filter in the language of tcpdump, pcap-filter(7), such as udp "
                                "port 5000",
                                why);

                return filter_refuse(plan, sentence, ret_error);
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !*program) {
                g_autofree char *sentence = g_strdup_printf(FILTER_PROGRAM " ended with status %d: %s",
                                status, *why ? why : "no reason");

                return filter_refuse(plan, sentence, ret_error);
        }

        *ret_program = g_strdup(program);
        return 0;
}

int fleet_compile_capture_filter(const FleetPlan *plan, char **ret_program, Error *ret_error)
{
        g_autofree char *path = g_build_filename(paths_libexec_dir(), FILTER_PROGRAM, NULL), *program = NULL,
                        *message = NULL;
        char *words[] = {path, (char *) "--", plan->capture_filter, NULL};
        char *environment[] = {(char *) "LC_ALL=C", NULL};
        g_autoptr(GError) error = NULL;
        int status;

        if (!plan->capture_filter) {
                *ret_program = NULL;
                return 0;
        }
        if (!HAVE_CAPTURE_FILTER)
                return filter_refuse(plan,
                                "this build of SHRUTHI has no " FILTER_PROGRAM ", which compiles filters: "
                                "remove it, and filter what was captured with tcpdump -r",
                                ret_error);
        if (!g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, NULL, NULL, &program, &message, &status,
                            &error)) {
                g_autofree char *sentence = g_strdup_printf("cannot execute %s: %s", path, error->message);

                return filter_refuse(plan, sentence, ret_error);
        }
        return filter_take(plan, status, g_strstrip(program), g_strstrip(message), ret_program, ret_error);
}
