/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which service resolves the host's own name. Called for doctor and analyze. */

#include "common/own-name.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#define RESOLVED_SOCKET "/run/systemd/resolve/io.systemd.Resolve"

/* The words of a line, without its comment. */
static char **words_of(const char *line)
{
        g_autofree char *text = g_strndup(line, strcspn(line, "#"));

        return g_strsplit_set(text, " \t\r", -1);
}

static bool is_in_hosts(const char *name, const char *hosts)
{
        g_auto(GStrv) lines = g_strsplit(hosts ?: "", "\n", -1);

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = words_of(*line);

                for (char **word = words[0] ? words + 1 : words; *word; word++)
                        if (g_ascii_strcasecmp(*word, name) == 0)
                                return true;
        }

        return false;
}

/* The services of "hosts:"; glibc's default if that line is missing. */
static char **services_of(const char *nsswitch)
{
        g_auto(GStrv) lines = g_strsplit(nsswitch ?: "", "\n", -1);

        for (char **line = lines; *line; line++)
                if (g_str_has_prefix(g_strchug(*line), "hosts:"))
                        return words_of(*line + strlen("hosts:"));

        return g_strsplit("files dns", " ", -1);
}

bool own_name_needs_dns(const char *name, const char *hosts, const char *nsswitch, bool resolved)
{
        g_auto(GStrv) services = services_of(nsswitch);

        /* libvirt uses these names as they are. */
        if (strchr(name, '.') || g_str_has_prefix(name, "localhost"))
                return false;

        for (char **service = services; *service; service++) {
                if (g_str_equal(*service, "dns"))
                        return true;
                if (g_str_equal(*service, "myhostname") || (g_str_equal(*service, "resolve") && resolved) ||
                                (g_str_equal(*service, "files") && is_in_hosts(name, hosts)))
                        return false;
        }

        return false;
}

bool own_name_of_host_needs_dns(char **ret_name)
{
        g_autofree char *hosts = NULL, *nsswitch = NULL;
        char name[256] = "";

        (void) gethostname(name, sizeof name - 1);
        (void) g_file_get_contents("/etc/hosts", &hosts, NULL, NULL);
        (void) g_file_get_contents("/etc/nsswitch.conf", &nsswitch, NULL, NULL);
        *ret_name = g_strdup(name);
        return own_name_needs_dns(name, hosts, nsswitch, access(RESOLVED_SOCKET, F_OK) >= 0);
}
