/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by main.c. A second filter of system calls, as small as the task. */

#include "filter/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/unistd.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"

/* The optimizer of libpcap may take long for some filters. */
#define CPU_SEC      2
#define MEMORY_BYTES (512 * 1024 * 1024)

#if HAVE_SECCOMP

#include "common/filter-program.h"

#define PROGRAM_MAX    256
#define OPEN_WRITES    (O_ACCMODE | O_CREAT | O_TRUNC)
#define ANSWER_REFUSED (SECCOMP_RET_ERRNO | EPERM)

/* What glibc and libpcap use for memory, and for reading tables of names. */
static const uint32_t allowed[] = {
                __NR_read,
                __NR_pread64,
                __NR_write,
                __NR_writev,
                __NR_close,
                __NR_brk,
                __NR_munmap,
                __NR_mprotect,
                __NR_mremap,
                __NR_madvise,
                __NR_futex,
                __NR_getpid,
                __NR_gettid,
                __NR_exit,
                __NR_exit_group,
                __NR_rt_sigprocmask,
                __NR_rt_sigreturn,
                __NR_restart_syscall,
                __NR_clock_gettime,
#ifdef __NR_fstat
                __NR_fstat,
#endif
#ifdef __NR_fstat64
                __NR_fstat64,
#endif
#ifdef __NR_newfstatat
                __NR_newfstatat,
#endif
#ifdef __NR_fstatat64
                __NR_fstatat64,
#endif
#ifdef __NR_stat
                __NR_stat,
#endif
#ifdef __NR_stat64
                __NR_stat64,
#endif
#ifdef __NR_access
                __NR_access,
#endif
                __NR_faccessat,
                __NR_statx,
#ifdef __NR_lseek
                __NR_lseek,
#endif
#ifdef __NR__llseek
                __NR__llseek,
#endif
#ifdef __NR_mmap
                __NR_mmap,
#endif
#ifdef __NR_mmap2
                __NR_mmap2,
#endif
#ifdef __NR_clock_gettime64
                __NR_clock_gettime64,
#endif
#ifdef __NR_futex_time64
                __NR_futex_time64,
#endif
                __NR_getrandom,
                __NR_fcntl,
#ifdef __NR_fcntl64
                __NR_fcntl64,
#endif
                __NR_uname,
                __NR_getuid,
                __NR_geteuid,
};

static void program_allow(FilterProgram *program, uint32_t number)
{
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        filter_program_answer(program, SECCOMP_RET_ALLOW);
}

/* Files are opened for reading alone. */
static void program_allow_open(FilterProgram *program, uint32_t number, unsigned flags)
{
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
        filter_program_load(program, ARGUMENT_LOW(flags));
        filter_program_expect_none(program, OPEN_WRITES, ANSWER_REFUSED);
        filter_program_answer(program, SECCOMP_RET_ALLOW);
}

static int confine_system_calls(void)
{
        struct sock_filter instructions[PROGRAM_MAX];
        FilterProgram program = {.instructions = instructions, .max = PROGRAM_MAX};
        struct sock_fprog kernel = {.filter = instructions};

        filter_program_load(&program, offsetof(struct seccomp_data, arch));
        filter_program_expect(&program, BPF_JEQ, OUR_ARCHITECTURE, SECCOMP_RET_KILL_PROCESS);
        filter_program_load(&program, offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++)
                program_allow(&program, allowed[i]);
#ifdef __NR_open
        program_allow_open(&program, __NR_open, 1);
#endif
        program_allow_open(&program, __NR_openat, 2);
        filter_program_answer(&program, ANSWER_REFUSED);

        kernel.len = (unsigned short) program.size;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        /* A kernel without filters is taken as it is: system-calls.h. */
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &kernel, 0, 0) < 0)
                return errno == EINVAL ? 0 : -errno;
        return 0;
}

#else

static int confine_system_calls(void)
{
        return 0;
}

#endif

int confine(void)
{
        static const struct {
                int resource;
                rlim_t limit;
        } limits[] = {
                {RLIMIT_CPU, CPU_SEC},
#if HAVE_SECCOMP /* an address sanitizer reserves far more */
                {RLIMIT_AS, MEMORY_BYTES},
#endif
                {RLIMIT_CORE, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
                struct rlimit limit = {.rlim_cur = limits[i].limit, .rlim_max = limits[i].limit};

                if (setrlimit(limits[i].resource, &limit) < 0)
                        return -errno;
        }
        return confine_system_calls();
}
