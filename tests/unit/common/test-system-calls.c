/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The filter of system calls: what it answers, by reading its program as the kernel does, and what a process
 * meets that has put it on itself. */

#include "common/system-calls.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALLOWED SECCOMP_RET_ALLOW
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

/* Only those that the filter is made of; the kernel takes no jump back. */
static uint32_t run(const struct sock_filter *program, size_t size, const struct seccomp_data *data)
{
        uint32_t a = 0;

        for (size_t i = 0; i < size; i++) {
                const struct sock_filter *s = &program[i];

                switch (s->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        g_assert_cmpuint(s->k + sizeof a, <=, sizeof *data);
                        memcpy(&a, (const char *) data + s->k, sizeof a);
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= s->k;
                        break;
                case BPF_JMP | BPF_JA:
                        i += s->k;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        i += a == s->k ? s->jt : s->jf;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        i += a >= s->k ? s->jt : s->jf;
                        break;
                case BPF_JMP | BPF_JSET | BPF_K:
                        i += a & s->k ? s->jt : s->jf;
                        break;
                case BPF_RET | BPF_K:
                        return s->k;
                default:
                        g_error("an instruction that was not expected: %#x", s->code);
                }
        }

        g_error("the program has no end");
}

/* The architecture that this process is of, as the program expects it in its second instruction. */
static uint32_t answer_to(struct seccomp_data data)
{
        struct sock_filter program[SYSTEM_CALLS_PROGRAM_MAX];
        size_t size = system_calls_program(false, program);

        data.arch = program[1].k;
        return run(program, size, &data);
}

static void test_arguments(void)
{
        const struct {
                int number;
                uint64_t args[4];
                uint32_t answer;
        } cases[] = {
                {__NR_read, {}, ALLOWED},
                {__NR_exit_group, {}, ALLOWED},
                {__NR_tee, {}, ALLOWED},
                {__NR_execve, {}, ALLOWED},
                {__NR_ptrace, {}, REFUSED},
                {__NR_mount, {}, REFUSED},
                {__NR_unshare, {}, REFUSED},
                {__NR_setns, {}, REFUSED},
                {__NR_personality, {}, REFUSED},
                {__NR_keyctl, {}, REFUSED},
                {__NR_io_uring_setup, {}, REFUSED},
                {__NR_sched_setscheduler, {}, REFUSED},
                {__NR_process_vm_writev, {}, REFUSED},
                {__NR_init_module, {}, REFUSED},
                {__NR_setuid, {}, REFUSED},
                {__NR_clone3, {}, UNKNOWN},
                {__NR_openat2, {}, UNKNOWN},
                {0x3fffffff, {}, UNKNOWN},
                {__NR_socket, {AF_UNIX}, ALLOWED},
                {__NR_socket, {AF_INET}, SECCOMP_RET_ERRNO | EAFNOSUPPORT},
                {__NR_socket, {AF_NETLINK}, SECCOMP_RET_ERRNO | EAFNOSUPPORT},
                /* What the kernel looks at is an int. */
                {__NR_socket, {(UINT64_C(1) << 32) | AF_INET}, SECCOMP_RET_ERRNO | EAFNOSUPPORT},
                {__NR_mprotect, {0, 0, PROT_READ | PROT_WRITE}, ALLOWED},
                {__NR_mprotect, {0, 0, PROT_READ | PROT_EXEC}, REFUSED},
                {__NR_pkey_mprotect, {0, 0, PROT_EXEC}, REFUSED},
                {__NR_fchmod, {3, 0755}, ALLOWED},
                {__NR_fchmod, {3, 04755}, REFUSED},
                {__NR_fchmodat, {3, 0, 02755}, REFUSED},
                {__NR_mkdirat, {3, 0, 02755}, REFUSED},
                {__NR_mknodat, {3, 0, 04755}, REFUSED},
                {452 /* fchmodat2 */, {3, 0, 04755}, REFUSED},
                {__NR_openat, {3, 0, O_RDONLY, 04755}, ALLOWED},
                {__NR_openat, {3, 0, O_CREAT, 0755}, ALLOWED},
                {__NR_openat, {3, 0, O_CREAT, 04755}, REFUSED},
                {__NR_openat, {3, 0, O_TMPFILE, 02755}, REFUSED},
                {__NR_openat, {3, 0, O_DIRECTORY, 02755}, ALLOWED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                struct seccomp_data data = {.nr = cases[i].number};

                memcpy(data.args, cases[i].args, sizeof cases[i].args);
                g_test_message("case %zu: system call %d", i, cases[i].number);
                g_assert_cmphex(answer_to(data), ==, cases[i].answer);
        }
}

static void test_scheduler(void)
{
        struct seccomp_data data = {.nr = __NR_sched_setscheduler};
        struct sock_filter program[SYSTEM_CALLS_PROGRAM_MAX];
        size_t size = system_calls_program(true, program);

        g_assert_cmphex(answer_to(data), ==, REFUSED);
        data.arch = program[1].k;
        g_assert_cmphex(run(program, size, &data), ==, ALLOWED);
        data.nr = __NR_sched_setaffinity;
        g_assert_cmphex(run(program, size, &data), ==, REFUSED);
        data.nr = __NR_read;
        g_assert_cmphex(run(program, size, &data), ==, ALLOWED);
}

static void test_namespaces(void)
{
        static const uint32_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC,
                        CLONE_NEWUTS, CLONE_NEWCGROUP};
#ifdef __s390x__
        const unsigned argument = 1;
#else
        const unsigned argument = 0;
#endif
        struct seccomp_data data = {.nr = __NR_clone};

        data.args[argument] = CLONE_VM | CLONE_VFORK | 17;
        g_assert_cmphex(answer_to(data), ==, ALLOWED);
        for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
                data.args[argument] = flags[i] | 17;
                g_assert_cmphex(answer_to(data), ==, REFUSED);
        }
}

/* Not where mmap() has its arguments in memory. */
static void test_writable_code(void)
{
#ifdef __NR_mmap2
        struct seccomp_data data = {.nr = __NR_mmap2};
#else
        struct seccomp_data data = {.nr = __NR_mmap};
#endif
        const uint32_t both = sizeof(long) == 8 && data.nr == 90 ? ALLOWED : REFUSED;

        data.args[2] = PROT_READ | PROT_WRITE;
        g_assert_cmphex(answer_to(data), ==, ALLOWED);
        data.args[2] = PROT_READ | PROT_EXEC;
        g_assert_cmphex(answer_to(data), ==, ALLOWED);
        data.args[2] = PROT_READ | PROT_WRITE | PROT_EXEC;
        g_assert_cmphex(answer_to(data), ==, both);
}

static void test_architectures(void)
{
        static const uint32_t others[] = {AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM,
                        AUDIT_ARCH_AARCH64, AUDIT_ARCH_S390, AUDIT_ARCH_S390X, 0, UINT32_MAX};
        struct sock_filter program[SYSTEM_CALLS_PROGRAM_MAX];
        size_t size = system_calls_program(false, program);

        for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
                const struct seccomp_data data = {.nr = __NR_read, .arch = others[i]};

                g_assert_cmphex(run(program, size, &data), ==,
                                others[i] == program[1].k ? ALLOWED : SECCOMP_RET_KILL_PROCESS);
        }
#ifdef __x86_64__
        g_assert_cmphex(program[1].k, ==, AUDIT_ARCH_X86_64);
        g_assert_cmphex(answer_to((struct seccomp_data){.nr = 0x40000000}), ==, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* Each on its own: in a process that it leaves as it was. */
static int as_filtered(int (*try)(void))
{
        pid_t pid = fork();
        int status;

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                int r = system_calls_restrict(false);

                _exit(r < 0 ? 254 : r == 0 ? 255 : try());
        }

        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int try_socket(void)
{
        return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int try_personality(void)
{
        return personality(0xffffffff) < 0 ? errno : 0;
}

static int try_namespace(void)
{
        return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

#ifndef __s390x__
static int try_code(void)
{
        return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                               ? errno
                               : 0;
}
#endif

static int try_clone3(void)
{
        return syscall(__NR_clone3, NULL, 0) < 0 ? errno : 0;
}

/* What shruthi-run executes begins with a dynamic linker, threads and a few pipes. */
static int try_program(void)
{
        return system("/bin/sh -c 'echo one | cat' >/dev/null");
}

static void test_real(void)
{
        const struct {
                int (*try)(void);
                int result;
        } cases[] = {
                {try_socket, EAFNOSUPPORT},
                {try_personality, EPERM},
                {try_namespace, EPERM},
                {try_clone3, ENOSYS},
                {try_program, 0},
#ifndef __s390x__
                {try_code, EPERM},
#endif
        };

        if (as_filtered(try_program) == 255) {
                g_test_skip("there are no filters of system calls here");
                return;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(as_filtered(cases[i].try), ==, cases[i].result);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/system-calls/looks-at-arguments", test_arguments);
        g_test_add_func("/system-calls/lets-a-priority-be-set-on-demand", test_scheduler);
        g_test_add_func("/system-calls/lets-no-namespace-be-made", test_namespaces);
        g_test_add_func("/system-calls/lets-nothing-be-written-and-executed", test_writable_code);
        g_test_add_func("/system-calls/kills-who-speaks-another-architecture", test_architectures);
        g_test_add_func("/system-calls/is-what-a-process-meets", test_real);
        return g_test_run();
}
