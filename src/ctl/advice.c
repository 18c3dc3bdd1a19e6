/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From how it ended to what helps. */

#include "ctl/advice.h"

#include <glib.h>
#include <string.h>

typedef struct Advice {
        const char *result;
        const char *text; /* a command with a word behind it; %s is the name */
} Advice;

/* By the Result property; several lines may stand for one result. */
static const Advice advice_table[] = {
        {"exit-status", "shruthictl logs %s            what did it say before it ended?"},
        {"exit-status", "shruthictl arguments %s       what did it get as its command line?"},
        {"aborted", "shruthictl logs %s            what did it say before it aborted?"},
        {"trapped", "shruthictl logs %s            what did it say before its fault?"},
        {"trapped", "shruthictl set %s --memory=64M     if it needs more memory"},
        {"halted", "shruthictl logs %s            what did it say before it halted?"},
        {"ended-from-outside",
                        "journalctl -u libvirtd.service        did libvirt or QEMU die, or somebody "
                        "destroy it?"},
        {"ended-from-outside", "shruthictl start %s           to start it again"},
        {"definition", "shruthictl edit %s            to correct its definition"},
        {"image", "shruthictl set %s --image=FILE     to give it another image"},
        {"image", "shruthictl image inspect FILE         to see whether it can be hosted here"},
        {"devices", "shruthictl set %s --network=DEVICE:BRIDGE     to connect its devices"},
        {"host", "shruthictl doctor                     to see what this host lacks"},
        {"libvirt", "systemctl status libvirtd.service     is libvirt running?"},
        {"libvirt", "shruthictl doctor                     to see what this host lacks"},
        {"runner", "journalctl -u unikernel@%s.service     what went wrong in SHRUTHI itself?"},
        {"timeout", "shruthictl logs %s            how far did it get?"},
        {"start-limit-hit", "shruthictl logs %s            why does it end again and again?"},
        {"start-limit-hit", "shruthictl start %s           to try anew"},
};

static void add_line(GString *out, const char *text, const char *name)
{
        const char *place = strstr(text, "%s");

        if (out->len > 0)
                g_string_append_c(out, '\n');
        if (place)
                g_string_append_printf(
                                out, "  %.*s%s%s", (int) (place - text), text, name, place + strlen("%s"));
        else
                g_string_append_printf(out, "  %s", text);
}

static char *advice_for_broken(const char *name, const char *origin, const char *path)
{
        /* What an administrator wrote is not ours to edit. */
        if (*path && !g_str_equal(origin, "state"))
                return g_strdup_printf("  sudoedit %s     to correct the definition, which is %s", path,
                                g_str_equal(origin, "config") ? "an administrator's" : "a package's");

        return g_strdup_printf("  shruthictl edit %s            to correct the definition", name);
}

char *advice_for(const char *name, const char *state, const char *result, int64_t exit_status,
                const char *origin, const char *path)
{
        g_autoptr(GString) out = g_string_new(NULL);

        if (g_str_equal(state, "broken"))
                return advice_for_broken(name, origin, path);
        if (!g_str_equal(state, "failed"))
                return NULL;

        /* MirageOS: the arguments were not accepted. */
        if (g_str_equal(result, "exit-status") && exit_status == 64)
                add_line(out, "shruthictl set %s --arguments=STRING     to give it arguments that it accepts",
                                name);
        for (size_t i = 0; i < G_N_ELEMENTS(advice_table); i++)
                if (g_str_equal(advice_table[i].result, result))
                        add_line(out, advice_table[i].text, name);
        if (out->len == 0)
                add_line(out, "systemctl status unikernel@%s.service     what does systemd say?", name);

        return g_string_free(g_steal_pointer(&out), FALSE);
}

char *arguments_addresses(const char *arguments)
{
        static const char *const keys[] = {"--ipv4=", "--ipv6="};
        g_auto(GStrv) words = g_strsplit(arguments, " ", -1);
        g_autoptr(GString) out = g_string_new(NULL);

        for (char **word = words; *word; word++)
                for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                        if (g_str_has_prefix(*word, keys[i]) && (*word)[strlen(keys[i])])
                                g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "",
                                                *word + strlen(keys[i]));

        return g_string_free(g_steal_pointer(&out), FALSE);
}
