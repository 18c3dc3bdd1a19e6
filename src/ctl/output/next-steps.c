/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the commands that help after a unikernel has ended. */

#include "ctl/output/next-steps.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "common/names.h"
#include "common/paths.h"

#define COMMAND_WIDTH 40

/* By the Result property; one result may have several rows. %s is the name. */
static const struct {
        const char *result, *command, *why;
} next_step_table[] = {
                {"exit-status", "shruthictl logs %s", "to see its output before it ended"},
                {"exit-status", "shruthictl arguments %s", "to see its command line"},
                {"aborted", "shruthictl logs %s", "to see its output before it aborted"},
                {"trapped", "shruthictl logs %s", "to see its output before the fault"},
                {"trapped", "shruthictl set %s --memory=64M", "if it needs more memory"},
                {"system-call", "shruthictl logs %s", "to see its output before that"},
                {"system-call", "shruthictl image inspect FILE", "to check what the image was built for"},
                {"halted", "shruthictl logs %s", "to see its output before it halted"},
                {"reset", "shruthictl logs %s", "to see how far it got"},
                {"reset", "shruthictl set %s --memory=64M", "if it needs more memory"},
                {"reset", "shruthictl set %s --restart=on-failure", "to restart it automatically"},
                {"ended-from-outside", "shruthictl logs %s", "to see whether someone ended it"},
                {"ended-from-outside", "journalctl -u libvirtd.service",
                                "if it is a virtual machine, to see whether libvirt or QEMU died"},
                {"ended-from-outside", "shruthictl start %s", "to start it again"},
                {"definition", "shruthictl edit %s", "to correct its definition"},
                {"image", "shruthictl set %s --image=FILE", "to give it another image"},
                {"image", "shruthictl image inspect FILE", "to check whether an image can run here"},
                {"devices", "shruthictl set %s --network=DEVICE:BRIDGE", "to connect its devices"},
                {"host", "shruthictl doctor", "to see what this host lacks"},
                {"libvirt", "systemctl status libvirtd.service", "to check whether libvirt is running"},
                {"libvirt", "shruthictl doctor", "to see what this host lacks"},
                {"credentials", "journalctl -u unikernel@%s.service", "to see which key could not be read"},
                {"credentials", "shruthictl cat %s", "to see where its keys come from"},
                {"not-ready", "shruthictl logs %s", "to see how far it got"},
                {"not-ready", "shruthictl set %s ReadyTimeoutSec=5min",
                                "to give it more time to become ready"},
                {"unhealthy", "shruthictl start %s", "to start it again"},
                {"unhealthy", "shruthictl logs %s", "to see what happened before"},
                {"dependency", "systemctl list-dependencies unikernel@%s.service",
                                "to see what it requires"},
                {"dependency", "shruthictl start %s", "to try again"},
                {"runner", "journalctl -u unikernel@%s.service", "to see what failed in SHRUTHI itself"},
                {"timeout", "shruthictl logs %s", "to see how far it got"},
                {"start-limit-hit", "shruthictl logs %s", "to see why it keeps ending"},
                {"start-limit-hit", "shruthictl start %s", "to try again"},
};

/* Adds the command with its "%s" replaced by argument, and the reasons, aligned. */
static void next_steps_add(GString *out, const char *command, const char *argument, const char *why)
{
        g_autofree char *here = paths_command(command);
        g_auto(GStrv) parts = g_strsplit(here, "%s", 2);
        g_autofree char *whole = g_strjoinv(argument, parts);

        g_string_append_printf(out, "%s  %-*s  %s", out->len > 0 ? "\n" : "", COMMAND_WIDTH, whole, why);
}

static bool result_is_of_definition(const char *result)
{
        static const char *const results[] = {"definition", "image", "devices", NULL};

        return g_strv_contains(results, result);
}

char *next_steps_for(const char *name, const char *state, const char *result, int64_t exit_status,
                const char *origin, const char *path)
{
        g_autoptr(GString) out = g_string_new(NULL);

        /* Definitions written by an administrator are not edited by us. */
        if (*path && g_str_equal(origin, "config") &&
                        (g_str_equal(state, "broken") ||
                                        (g_str_equal(state, "failed") && result_is_of_definition(result)))) {
                next_steps_add(out, "sudoedit %s", path, "to correct the definition");
                return g_string_free(g_steal_pointer(&out), FALSE);
        }
        if (g_str_equal(state, "paused"))
                next_steps_add(out, "shruthictl resume %s", name, "to resume it");
        if (g_str_equal(state, "broken"))
                next_steps_add(out, "shruthictl edit %s", name, "to correct the definition");
        if (!g_str_equal(state, "failed") && !g_str_equal(result, "dependency"))
                return out->len > 0 ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;

        /* MirageOS: the arguments were not accepted. */
        if (g_str_equal(result, "exit-status") && exit_status == 64)
                next_steps_add(out, "shruthictl set %s --arguments=STRING", name, "to change its arguments");
        for (size_t i = 0; i < G_N_ELEMENTS(next_step_table); i++)
                if (g_str_equal(next_step_table[i].result, result))
                        next_steps_add(out, next_step_table[i].command, name, next_step_table[i].why);
        if (out->len == 0)
                next_steps_add(out, "systemctl status unikernel@%s.service", name,
                                "to see the status of its unit");

        return g_string_free(g_steal_pointer(&out), FALSE);
}
