/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* import-rhyzome: converts a rhyzome.conf to a drop-in of shruthi.conf. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/cli/rhyzome.h"
#include "ctl/output/terminal.h"

#define DROPIN_NAME   "50-rhyzome.conf"
#define FILE_SIZE_MAX (1024 * 1024)

static int rhyzome_read_file(const char *path, char **ret_text, size_t *ret_size, Error *ret_error)
{
        g_autofree char *shown = text_for_display(path, 1024);
        int r;

        r = g_str_equal(path, "-") ? fd_read_all(STDIN_FILENO, FILE_SIZE_MAX, ret_text, ret_size)
                                   : file_read_at(AT_FDCWD, path, FILE_SIZE_MAX, ret_text, ret_size);
        if (r == -E2BIG)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "%s is larger than 1 MiB: it is not a rhyzome.conf.", shown);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot read %s", shown) : 0;
}

static int rhyzome_write_dropin(const char *conf, char **ret_path, Error *ret_error)
{
        g_autofree char *dir = g_strconcat(paths_config_dir(), "/shruthi.conf.d", NULL);
        int r;

        r = directory_make(paths_config_dir(), 0755);
        if (r >= 0)
                r = directory_make(dir, 0755);
        if (r >= 0)
                r = file_replace(dir, DROPIN_NAME, conf, strlen(conf), 0644);
        if (r == -EACCES || r == -EPERM)
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "Only root can write %s/" DROPIN_NAME
                                ": sudo shruthictl import-rhyzome FILE",
                                dir);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write %s/" DROPIN_NAME, dir);

        *ret_path = g_strconcat(dir, "/" DROPIN_NAME, NULL);
        return 0;
}

int verb_import_rhyzome(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autofree char *text = NULL, *conf = NULL, *notes = NULL, *path = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        size_t size = 0;
        int r;

        r = rhyzome_read_file(operands[0], &text, &size, ret_error);
        if (r < 0)
                return r;
        r = rhyzome_convert(text, size, &conf, &notes, ret_error);
        if (r < 0) {
                g_autofree char *shown = text_for_display(operands[0], 1024);

                error_prefix(ret_error, "%s", shown);
                return r;
        }

        fputs(notes, stderr);
        if (!conf) {
                fprintf(stderr, "It has no BridgeInterface: nothing was written.\n");
                return CTL_EXIT_SUCCESS;
        }
        r = rhyzome_write_dropin(conf, &path, ret_error);
        if (r < 0)
                return r;
        if (!ctl->options.quiet)
                printf("Wrote %s.\n", path);

        /* If shruthid does not run, it reads the file when it starts. */
        r = client_call(ctl, "Reload", NULL, &error, NULL);
        if (r < 0) {
                error_prefix(&error, "shruthid has not read it yet");
                terminal_print_error(&error, r);
        }
        return CTL_EXIT_SUCCESS;
}
