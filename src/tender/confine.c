/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives up all rights that the process was started with. */

#include "tender/confine.h"

#include <glib.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tender/layers.h"

/* Newer than Debian 12's headers. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_restrict_self  446
#endif

/* struct landlock_ruleset_attr of linux/landlock.h as of version 6 of Landlock, and what each version
 * brought (kernel documentation, userspace-api/landlock.rst). A kernel takes as much of it as it knows. */
typedef struct LandlockRules {
        uint64_t files;
        uint64_t network;
        uint64_t scopes;
} LandlockRules;

static const struct {
        LandlockRules rights;
        size_t size;
} landlock_versions[] = {
                {{0x1fff, 0, 0}, 8}, {{0x3fff, 0, 0}, 8}, /* 2: moving files */
                {{0x7fff, 0, 0}, 8},                      /* 3: truncating */
                {{0x7fff, 3, 0}, 16},                     /* 4: TCP */
                {{0xffff, 3, 0}, 16},                     /* 5: ioctl of devices */
                {{0xffff, 3, 3}, 24},                     /* 6: abstract sockets, signals */
};

static int fds_compare(const void *a, const void *b)
{
        unsigned left = *(const unsigned *) a, right = *(const unsigned *) b;

        return left < right ? -1 : left > right;
}

int tender_close_others(const Solo5Manifest *manifest, const int *others, size_t n_others, Error *ret_error)
{
        unsigned keep[MANIFEST_DEVICES_MAX + TENDER_OTHERS_MAX + 3] = {STDOUT_FILENO, STDERR_FILENO};
        unsigned next = 0;
        size_t n = 2;

        if (!tender_layer_is_on(LAYER_DESCRIPTORS))
                return 0;

        for (uint32_t i = 1; i < manifest->n_entries; i++)
                keep[n++] = (unsigned) manifest->entries[i].fd;
        for (size_t i = 0; i < n_others; i++)
                if (others[i] >= 0)
                        keep[n++] = (unsigned) others[i];
        qsort(keep, n, sizeof *keep, fds_compare);
        keep[n++] = UINT_MAX;

        for (size_t i = 0; i < n; i++) {
                if (keep[i] > next && syscall(SYS_close_range, next, keep[i] - 1, 0) < 0)
                        return error_set_errno(ret_error, errno,
                                        "The descriptors that are not the guest's cannot be closed (that "
                                        "needs Linux 5.9)");
                next = keep[i] + 1;
        }

        return 0;
}

/* A handler, or a signal that is ignored, cannot come back: the guest may not make the call. */
static void signals_reset(void)
{
        sigset_t none;

        for (int i = 1; i < NSIG; i++)
                (void) signal(i, SIG_DFL);
        /* A console that nobody reads any more is no reason for the guest to end. */
        (void) signal(SIGPIPE, SIG_IGN);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool capabilities_are_none(const struct __user_cap_data_struct *sets)
{
        for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
                if (sets[i].effective != 0 || sets[i].permitted != 0 || sets[i].inheritable != 0)
                        return false;

        return true;
}

static int capabilities_drop(Error *ret_error)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {},
                                      none[_LINUX_CAPABILITY_U32S_3] = {};

        /* A caller without any may have ruled out the call that gives them up. */
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) >= 0 &&
                        syscall(SYS_capget, &header, held) >= 0 && capabilities_are_none(held))
                return 0;

        /* Needs a capability itself, and is of use only to whoever has that. */
        for (unsigned long i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) >= 0; i++)
                ;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
                        syscall(SYS_capset, &header, none) < 0)
                return error_set_errno(ret_error, errno, "The capabilities cannot be given up");

        return 0;
}

static int landlock_restrict(Error *ret_error)
{
        long version, fd;
        size_t i;
        int r = 0;

        if (!tender_layer_is_on(LAYER_LANDLOCK))
                return 0;

        version = syscall(__NR_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
        if (version < 1) /* not in this kernel, switched off, or not allowed by a filter of the caller's */
                return 0;

        i = MIN((size_t) version, G_N_ELEMENTS(landlock_versions)) - 1;
        fd = syscall(__NR_landlock_create_ruleset, &landlock_versions[i].rights, landlock_versions[i].size,
                        0);
        if (fd < 0 || syscall(__NR_landlock_restrict_self, fd, 0) < 0)
                r = error_set_errno(ret_error, errno, "Landlock cannot be put in force");
        if (fd >= 0)
                (void) close((int) fd);
        return r;
}

static int limit_set(int resource, rlim_t value, Error *ret_error)
{
        struct rlimit old, limit = {value, value};

        if (getrlimit((__rlimit_resource_t) resource, &old) >= 0 && old.rlim_max < value)
                return 0;
        if (setrlimit((__rlimit_resource_t) resource, &limit) < 0)
                return error_set_errno(ret_error, errno, "The limit %d cannot be set", resource);

        return 0;
}

/* How long files can get: the guest's block devices have their size already. It holds for a console that is
 * a file as well, so then there is none. */
static int limits_set_file_size(const Solo5Manifest *manifest, Error *ret_error)
{
        uint64_t max = 0;
        struct stat st;

        if (fstat(STDOUT_FILENO, &st) < 0 || S_ISREG(st.st_mode))
                return 0;

        for (uint32_t i = 1; i < manifest->n_entries; i++)
                if (manifest->entries[i].type == SOLO5_ENTRY_BLOCK)
                        max = MAX(max, manifest->entries[i].block.capacity);
        return limit_set(RLIMIT_FSIZE, max, ret_error);
}

static int limits_set(const Solo5Manifest *manifest, Error *ret_error)
{
        static const int none[] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
                        RLIMIT_RTPRIO};

        if (!tender_layer_is_on(LAYER_LIMITS))
                return limit_set(RLIMIT_CORE, 0, ret_error);

        for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
                int r = limit_set(none[i], 0, ret_error);

                if (r < 0)
                        return r;
        }

        return limits_set_file_size(manifest, ret_error);
}

int tender_confine_thread(Error *ret_error)
{
        int r;

        signals_reset();
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_set_errno(ret_error, errno, "New privileges cannot be ruled out");
        r = landlock_restrict(ret_error);
        return r < 0 ? r : capabilities_drop(ret_error);
}

int tender_confine_process(const Solo5Manifest *manifest, Error *ret_error)
{
        int r;

        /* No descriptor is needed any more. */
        r = limits_set(manifest, ret_error);
        if (r < 0)
                return r;
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return error_set_errno(ret_error, errno, "The process cannot be closed to debuggers");
        /* Since Linux 6.3; before, the filter alone keeps memory as it is. */
        if (tender_layer_is_on(LAYER_EXECUTION))
                (void) prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);

        return 0;
}

int tender_confine(const Solo5Manifest *manifest, Error *ret_error)
{
        int r = tender_confine_thread(ret_error);

        return r < 0 ? r : tender_confine_process(manifest, ret_error);
}

int tender_confine_memory(Error *ret_error)
{
        return tender_layer_is_on(LAYER_LIMITS) ? limit_set(RLIMIT_AS, 0, ret_error) : 0;
}

int tender_filter_check(Error *ret_error)
{
        uint32_t action = SECCOMP_RET_KILL_PROCESS;

        if (!tender_layer_is_on(LAYER_FILTER) ||
                        syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) >= 0)
                return 0;

        (void) error_set_errno(ret_error, errno,
                        "The system calls of the guest cannot be filtered, so it is not started (that needs "
                        "a kernel with CONFIG_SECCOMP_FILTER, and a caller that allows seccomp())");
        ret_error->code = ERROR_NOT_SUPPORTED;
        return error_code_to_errno(ERROR_NOT_SUPPORTED);
}
