/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-generator NORMAL EARLY LATE: run by systemd at boot and at each daemon-reload
 * (systemd.generator(7)). It always exits with 0: a broken definition must not disturb a boot. */

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/paths.h"
#include "config.h"
#include "generator/generate.h"

static const char help[] =
                "shruthi-generator [--root=DIR|--user] NORMAL-DIR [EARLY-DIR LATE-DIR]\n\n"
                "Tells systemd which unikernels start at boot and which are restarted. systemd runs it.\n\n"
                "  --root=DIR   read the definitions below DIR\n"
                "  --user       read the user's own definitions\n"
                "  --version    show the version\n"
                "  --help       show this\n\n"
                "See shruthi-generator(8).\n";

/* systemd says whose manager runs it (systemd.generator(7)). */
static bool is_of_user(const char *option)
{
        return g_strcmp0(option, "--user") == 0 || g_strcmp0(g_getenv("SYSTEMD_SCOPE"), "user") == 0;
}

int main(int argc, char *argv[])
{
        _cleanup_error_ Error error = ERROR_INIT;
        int first = 1;

        if (first < argc && g_str_equal(argv[first], "--help")) {
                fputs(help, stdout);
                return EXIT_SUCCESS;
        }
        if (first < argc && g_str_equal(argv[first], "--version")) {
                puts("shruthi-generator " SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        if (first < argc && g_str_has_prefix(argv[first], "--root="))
                paths_set_root(argv[first++] + sizeof "--root=" - 1);
        else if (is_of_user(argv[first])) {
                first += g_strcmp0(argv[first], "--user") == 0 ? 1 : 0;
                if (paths_use_user(&error) < 0) {
                        fprintf(stderr, "shruthi-generator: %s\n", error.message);
                        return EXIT_SUCCESS;
                }
        }
        if ((argc - first != 1 && argc - first != 3) || argv[first][0] != '/') {
                fputs(help, stderr);
                return 2;
        }

        (void) umask(0022);
        (void) generate(argv[first]);
        return EXIT_SUCCESS;
}
