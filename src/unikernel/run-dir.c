/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directory of a running unikernel. Called by the runner, and by shruthi-domain when it prepares, starts
 * and sweeps. */

#include "unikernel/run-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "unikernel/cut-off.h"
#include "unikernel/process.h"
#include "unikernel/run-state.h"

#define PREPARED     "prepared"
#define LEFT_DOMAIN  "left"
#define PREPARED_MAX (256 * 1024) /* bytes */

static const char *const fifos[] = {RUN_DIR_CONSOLE_INPUT, RUN_DIR_CONSOLE_OUTPUT};

/* What an earlier guest was cut off from. */
static void forget_cut_off(const char *name)
{
        g_autoptr(GPtrArray) none = cut_off_new();

        (void) cut_off_write(name, none);
}

static void empty_directory(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                (void) unlink(file);
        }
}

static bool run_dir_has(const char *name, const char *file)
{
        g_autofree char *dir = paths_unikernel_runtime(name), *path = g_build_filename(dir, file, NULL);

        return access(path, F_OK) >= 0;
}

bool run_dir_may_have_domain(const char *name)
{
        return run_dir_has(name, LEFT_DOMAIN);
}

/* What is there is of an earlier run that was not ended in order. */
static bool run_dir_has_domain(const char *name)
{
        return run_dir_has(name, LEFT_DOMAIN) || run_dir_has(name, PREPARED) ||
               (run_dir_has(name, RUN_STATE_FILE) && !process_is_body(name));
}

int run_dir_make(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);
        bool left = run_dir_has_domain(name);
        int r;

        /* QEMU's user passes through, to the FIFOs. The mode is set separately, since our umask allows
         * nobody else. */
        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return -errno;
        empty_directory(dir);
        forget_cut_off(name);
        if (chmod(dir, 0711) < 0)
                return -errno;
        r = left ? file_replace(dir, LEFT_DOMAIN, "", 0, 0600) : 0;
        if (r < 0)
                return r;

        for (size_t i = 0; i < G_N_ELEMENTS(fifos); i++) {
                g_autofree char *path = g_build_filename(dir, fifos[i], NULL);

                if (mkfifo(path, 0600) < 0)
                        return -errno;
                /* QEMU's user is just another user here; the folder above all of these decides who can reach
                 * the FIFO at all. */
                if (chmod(path, 0666) < 0)
                        return -errno;
        }

        return 0;
}

void run_dir_remove(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        empty_directory(dir);
        (void) rmdir(dir);
        forget_cut_off(name);
}

int run_dir_close(const char *name, char **ret_path)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        for (size_t i = 0; i < G_N_ELEMENTS(fifos); i++) {
                g_autofree char *path = g_build_filename(dir, fifos[i], NULL);

                if (chmod(path, 0600) < 0) {
                        int r = -errno;

                        *ret_path = g_steal_pointer(&path);
                        return r;
                }
        }

        return 0;
}

int run_dir_set_prepared(const char *name, const char *xml)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        return file_replace(dir, PREPARED, xml, strlen(xml), 0600);
}

static char *prepared_path(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        return g_build_filename(dir, PREPARED, NULL);
}

bool run_dir_is_prepared(const char *name)
{
        g_autofree char *path = prepared_path(name);

        return access(path, F_OK) >= 0;
}

char *run_dir_get_prepared(const char *name)
{
        g_autofree char *path = prepared_path(name);
        char *xml = NULL;

        return file_read_at(AT_FDCWD, path, PREPARED_MAX, &xml, NULL) < 0 ? NULL : xml;
}

void run_dir_forget_prepared(const char *name)
{
        g_autofree char *path = prepared_path(name);

        (void) unlink(path);
}
