/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks whether keys can be sealed on this host, with what, and whether they stay in memory. Called by
 * check.c. */

#include "domain/check/check-private.h"

#include <glib.h>
#include <sys/stat.h>

#include "common/paths.h"
#include "domain/host/swap-check.h"

/* The exit status of systemd-creds tells whether firmware, driver and libraries all support a TPM. */
static gboolean creds_has_tpm(char *program)
{
        char *argv[] = {program, (char *) "has-tpm2", NULL};
        int status = -1;

        return g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                               NULL, NULL, NULL, &status, NULL) &&
               g_spawn_check_wait_status(status, NULL);
}

static void check_sealing(void)
{
        g_autofree char *program = g_find_program_in_path("systemd-creds");
        g_autofree char *path = g_build_filename(paths_runtime_dir(), "seal", NULL);
        struct stat st;

        if (!program)
                check_emit("keys", "warning",
                                "install systemd-creds, which comes with systemd 250 and later",
                                "systemd-creds is not installed; keys cannot be set");
        else if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
                check_emit("keys", "warning", "systemctl enable --now shruthi-seal.socket",
                                "%s does not exist; keys cannot be set", path);
        else if (creds_has_tpm(program))
                check_emit("keys", "ok", "", "Keys are sealed with this host's TPM2 chip and its own key");
        else
                check_emit("keys", "ok", "",
                                "Keys are sealed with this host's own key; there is no TPM2 chip that "
                                "systemd can use");
}

static void check_keeping(void)
{
        g_autofree char *path = g_build_filename(paths_runtime_dir(), "seal", NULL);
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
                check_emit("keys", "warning", "systemctl --user start shruthi-seal.socket",
                                "%s does not exist; keys cannot be set", path);
        else
                check_emit("keys", "ok", "", "Keys are kept in %s, which only you and root can read",
                                paths_credentials());
}

static void check_swap_encryption(void)
{
        g_autofree char *text = NULL, *plain = NULL;

        if (!g_file_get_contents("/proc/swaps", &text, NULL, NULL))
                return;

        plain = swap_check_find_plain(text, "/sys");
        if (plain)
                check_emit("swap", "warning",
                                "encrypt it with a random key at each boot (swap in crypttab(5)), or use "
                                "zram",
                                "The swap on %s may not be encrypted; memory of guests, including keys, can "
                                "be written to it in clear",
                                plain);
        else
                check_emit("swap", "ok", "", "Memory of guests is not written to disk in clear");
}

void check_keys(void)
{
        if (paths_are_of_user())
                check_keeping();
        else
                check_sealing();
        check_swap_encryption();
}
