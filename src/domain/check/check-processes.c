/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether unikernels can run as processes here, and what confines them; and those that KVM runs, without
 * libvirt. Called by check.c. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "domain/check/check-private.h"
#include "kvm/device.h"
#include "kvm/protocol.h"

#define TENDER            "shruthi-tender"
#define MMAP_MIN_ADDR     "/proc/sys/vm/mmap_min_addr"
#define MMAP_MIN_ADDR_MAX 65536 /* the lowest address that a guest uses */
#define SECCOMP_ACTIONS   "/proc/sys/kernel/seccomp/actions_avail"
#define SECURITY_MODULES  "/sys/kernel/security/lsm"
#define TEXT_MAX          4096 /* bytes */

/* Whether the kernel's file has the word. This program itself may make no such system call to find out. */
static bool kernel_says(const char *path, const char *word)
{
        g_autofree char *text = NULL;

        return file_read_at(AT_FDCWD, path, TEXT_MAX, &text, NULL) >= 0 && strstr(text, word);
}

static bool kernel_maps_guests(void)
{
        g_autofree char *text = NULL;
        uint64_t least;

        return file_read_at(AT_FDCWD, MMAP_MIN_ADDR, 32, &text, NULL) < 0 ||
               number_parse(g_strchomp(text), 0, UINT64_MAX, &least) < 0 || least <= MMAP_MIN_ADDR_MAX;
}

void check_processes(const Host *host)
{
        g_autofree char *tender = g_build_filename(paths_libexec_dir(), TENDER, NULL);
        const char *whose = host->conf->allow_processes == ALLOW_PROCESSES_USERS ? "Everybody's"
                                                                                 : "Administrators'";

        if (host->conf->allow_processes == ALLOW_PROCESSES_NO)
                check_emit("processes", "ok", "",
                                "Images for Solo5's spt target do not run (AllowProcesses=no)");
        else if (access(tender, X_OK) < 0)
                check_emit("processes", "ok", "",
                                "Images for Solo5's spt target do not run: %s is not installed, or not for "
                                "this processor",
                                tender);
        else if (!kernel_says(SECCOMP_ACTIONS, "kill_process"))
                check_emit("processes", "warning", "a kernel with CONFIG_SECCOMP_FILTER",
                                "Images for Solo5's spt target do not run, because this kernel does not "
                                "filter system calls");
        else if (!kernel_maps_guests())
                check_emit("processes", "warning", "sysctl vm.mmap_min_addr=65536",
                                "Images for Solo5's spt target do not run, because this host does not let "
                                "programs use the addresses from 65536 on");
        else
                check_emit("processes", "ok", "",
                                "%s unikernels with images for Solo5's spt target run as processes "
                                "(AllowProcesses=), confined by a filter of system calls%s",
                                whose, kernel_says(SECURITY_MODULES, "landlock") ? " and by Landlock" : "");
}

static int hvt_try(Error *ret_error)
{
        _cleanup_close_ int connection = -EBADF, none = -EBADF;
        int r;

        if (paths_are_of_user())
                return device_check(ret_error);
        r = kvm_ask(KVM_ASK_CHECK, &connection, ret_error);
        return r < 0 ? r : kvm_receive(connection, &none, ret_error);
}

/* Somebody who has no such image misses nothing: a host without KVM is told of already. */
void check_hvt(const Host *host)
{
        g_autofree char *tender = g_build_filename(paths_libexec_dir(), TENDER, NULL);
        _cleanup_error_ Error error = ERROR_INIT;

        if (host->conf->acceleration == ACCELERATION_TCG)
                check_emit("hvt", "ok", "", "Images for Solo5's hvt target do not run (Acceleration=tcg)");
        else if (access(tender, X_OK) < 0)
                check_emit("hvt", "ok", "", "Images for Solo5's hvt target do not run: %s is not installed",
                                tender);
        else if (hvt_try(&error) < 0)
                check_emit("hvt", "ok", "", "Images for Solo5's hvt target do not run: %s", error.message);
        else
                check_emit("hvt", "ok", "",
                                "Images for Solo5's hvt target run with KVM, each in a machine of its own "
                                "without devices");
}
