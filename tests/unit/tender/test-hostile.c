/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hostile guest has its own memory and the calls that Solo5 makes, with the values that it makes them
 * with; and what one layer of its confinement would let through, another one stops. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender-fixture.h"

#define CALLS_MAX 512

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif

static bool is_allowed_without_arguments(long number)
{
        return number == SYS_exit_group || number == SYS_clock_gettime;
}

/* uretprobe() and uprobe() go past each filter (kernel/seccomp.c), and then fail, or kill by SIGILL,
 * wherever the kernel did not put them itself. */
static bool is_never_filtered(long number)
{
#ifdef __x86_64__
        return number == 335 || number == 336;
#else
        return number < -1;
#endif
}

static void assert_fails(long number)
{
        g_autofree char *attempt = g_strdup_printf("--break=call:%ld", number);
        g_auto(TenderRun) run = tender_run("plain", "--memory=2M", attempt);

        while (!strstr(run.text, "break: -"))
                if (!tender_run_read(&run))
                        break;
        if (strstr(run.text, "break: -"))
                return;
        tender_run_end(&run);
        g_assert_true(WIFSIGNALED(run.status));
        g_assert_true(WTERMSIG(run.status) == SIGSYS || WTERMSIG(run.status) == SIGILL);
}

/* What a guest tries, and its end. */
static void assert_killed(const char *guest, const char *attempt, int signal)
{
        g_auto(TenderRun) run = tender_run(guest, "--memory=2M", attempt);

        if (tender_assert_no_filter(&run))
                return;
        tender_run_end(&run);
        g_assert_nonnull(strstr(run.text, attempt)); /* it came so far … */
        if (strstr(run.text, "break: ") || !WIFSIGNALED(run.status) || WTERMSIG(run.status) != signal)
                g_error("%s ended with the wait status %#x, and said: %s", attempt, (unsigned) run.status,
                                run.text);
}

static void test_all_calls(void)
{
        unsigned last = tender_can_filter() ? CALLS_MAX : 3;

        for (long number = -1; number < last; number++) {
                g_autofree char *attempt = g_strdup_printf("--break=call:%ld", number);

                if (is_never_filtered(number) && tender_can_filter())
                        assert_fails(number);
                else if (!is_allowed_without_arguments(number))
                        assert_killed("plain", attempt, SIGSYS);
        }
}

static void test_other_interfaces(void)
{
#ifdef __x86_64__
        /* x32's numbers, and those of 32-bit programs, where the kernel takes either. */
        g_autofree char *x32 = g_strdup_printf("--break=call:%ld:1:b:0", 0x40000000L + SYS_write);
        g_auto(TenderRun) run = tender_run("plain", "--memory=2M", "--break=int80");

        assert_killed("plain", x32, SIGSYS);
        tender_run_end(&run);
        g_assert_true(WIFSIGNALED(run.status));
        g_assert_true(WTERMSIG(run.status) == SIGSYS || WTERMSIG(run.status) == SIGSEGV);
#else
        assert_killed("plain", "--break=call:4294967296", SIGSYS);
#endif
}

static void test_arguments(void)
{
        const struct {
                long number;
                const char *arguments;
        } cases[] = {
                        {SYS_read, "0:b:1"}, {SYS_read, "1:b:1"}, {SYS_read, "4:b:1"},
                        {SYS_read, "4294967299:b:1"}, {SYS_write, "0:b:1"}, {SYS_write, "2:b:1"},
                        {SYS_write, "4:b:1"}, {SYS_write, "5:b:1"}, {SYS_write, "-1:b:1"},
                        {SYS_write, "4294967297:b:1"}, {SYS_pread64, "1:b:512:0"},
                        {SYS_pread64, "3:b:512:0"}, {SYS_pread64, "4:b:511:0"}, {SYS_pread64, "4:b:1024:0"},
                        {SYS_pread64, "4:b:4294967808:0"}, {SYS_pread64, "4:b:512:1048065"},
                        {SYS_pread64, "4:b:512:1048576"}, {SYS_pread64, "4:b:512:4294967296"},
                        {SYS_pread64, "4:b:512:-512"}, {SYS_pwrite64, "1:b:512:0"},
                        {SYS_pwrite64, "4:b:513:0"}, {SYS_pwrite64, "4:b:512:1048065"},
                        {SYS_pwrite64, "4:b:512:1048576"}, {SYS_pwrite64, "4:b:512:4294967296"},
                        {SYS_epoll_pwait, "3:b:1:0:0"}, {SYS_epoll_pwait, "5:b:1:0:b"},
                        {SYS_timerfd_settime, "3:0:b:0"}, {SYS_clock_gettime, "2:b"},
                        {SYS_clock_gettime, "-6:b"}, {SYS_openat, "-100:b:0"}, {SYS_mmap, "0:4096:7:34:-1"},
                        {SYS_mprotect, "1048576:4096:7"}, {SYS_munmap, "1048576:4096"},
                        {SYS_rt_sigaction, "11:b:0:8"}, {SYS_execve, "b:0:0"}, {SYS_socket, "2:1:0"},
                        {SYS_ioctl, "3:1:b"}, {SYS_exit, "0"},
#ifdef __x86_64__
                        {SYS_arch_prctl, "4097:0"}, /* ARCH_SET_GS */
                        {SYS_arch_prctl, "4099:b"}, /* ARCH_GET_FS */
#endif
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *attempt =
                                g_strdup_printf("--break=call:%ld:%s", cases[i].number, cases[i].arguments);

                assert_killed("disk", attempt, SIGSYS);
        }
}

/* The same calls are made where they are in order: the ones above fail by their arguments alone. */
static void test_arguments_in_order(void)
{
        const struct {
                long number;
                const char *arguments;
                long result;
        } cases[] = {
                        {SYS_read, "3:b:64", -EAGAIN}, {SYS_write, "1:b:0", 0},
                        {SYS_pread64, "4:b:512:0", 512}, {SYS_pread64, "4:b:512:1048064", 512},
                        {SYS_pwrite64, "4:b:512:1048064", 512}, {SYS_clock_gettime, "1:b", 0},
                        {SYS_clock_gettime, "0:b", 0}, {SYS_clock_gettime, "0:0", -EFAULT},
                        {SYS_write, "1:140737488347136:1", -EFAULT},
#ifdef __x86_64__
                        {SYS_arch_prctl, "4098:0", 0}, /* ARCH_SET_FS */
#endif
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *attempt = g_strdup_printf(
                                "--break=call:%ld:%s --exit=0", cases[i].number, cases[i].arguments);
                g_autofree char *said = g_strdup_printf("break: %ld\n", cases[i].result);
                g_auto(TenderRun) run = tender_run("disk", "--memory=2M", attempt);

                if (tender_assert_no_filter(&run))
                        return;
                tender_run_end(&run);
                tender_assert_exit(&run, 0);
                g_assert_nonnull(strstr(run.text, said));
        }
}

static void test_memory(void)
{
        static const char *const attempts[] = {
                        "--break=read:0",
                        "--break=write:65536",  /* the last code of ours */
                        "--break=write:131072", /* the plan with the filter */
                        "--break=read:196608",  /* nothing, up to the image */
                        "--break=read:1044480",
                        "--break=write:1048576", /* its own code */
                        "--break=read:2097152",  /* behind its memory */
                        "--break=write:2097152",
                        "--break=read:2162688",
                        "--break=jump:heap",
                        "--break=jump:stack",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(attempts); i++)
                assert_killed("plain", attempts[i], SIGSEGV);
}

static void test_heap_executable(void)
{
        g_auto(TenderRun) run = tender_run("plain", "--memory=2M --executable-heap",
                        "--break=jump:heap --break=jump:stack --exit=0");

        if (tender_assert_no_filter(&run))
                return;
        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        g_assert_nonnull(strstr(run.text, "break: came back\nbreak: came back\n"));
        assert_killed("plain", "--break=write:1048576", SIGSEGV);
}

static char *proc_read(const TenderRun *run, const char *file)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", run->pid, file);
        char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

/* As anybody sees the process from outside. */
static void test_process(void)
{
        static const char *const lines[] = {
                        "\nSeccomp:\t2\n",
                        "\nNoNewPrivs:\t1\n",
                        "\nCapPrm:\t0000000000000000\n",
                        "\nCapEff:\t0000000000000000\n",
                        "\nCapInh:\t0000000000000000\n",
                        "\nCapAmb:\t0000000000000000\n",
                        "\nSigBlk:\t0000000000000000\n",
                        "\nSigIgn:\t0000000000001000\n", /* SIGPIPE */
                        "\nSigCgt:\t0000000000000000\n",
                        "\nThreads:\t1\n",
        };
        g_auto(TenderRun) run = tender_run("disk", "--memory=4M", "--tick=1000");
        g_autofree char *status = NULL, *limits = NULL, *statm = NULL;

        if (tender_assert_no_filter(&run))
                return;
        tender_run_expect(&run, "device: block");
        status = proc_read(&run, "status");
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                if (!strstr(status, lines[i]))
                        g_error("\"%s\" is not in: %s", lines[i], status);

        limits = proc_read(&run, "limits");
        g_assert_true(g_regex_match_simple("Max core file size +0 +0 ", limits, 0, 0));
        g_assert_true(g_regex_match_simple("Max open files +0 +0 ", limits, 0, 0));
        g_assert_true(g_regex_match_simple("Max address space +0 +0 ", limits, 0, 0));

        /* In pages: what is reserved up to the end of its memory, and perhaps the kernel's own, for clocks.
         */
        statm = proc_read(&run, "statm");
        g_assert_cmpuint(g_ascii_strtoull(statm, NULL, 10), >=, 1024);
        g_assert_cmpuint(g_ascii_strtoull(statm, NULL, 10), <=, 1024 + 32);
}

/* A call's result without these layers. */
static void assert_result(const char *layers, const char *attempt, long result)
{
        g_autofree char *arguments = g_strdup_printf("--break=text:/etc/passwd %s --exit=0", attempt);
        g_autofree char *said = g_strdup_printf("break: %ld\n", result);
        g_auto(TenderRun) run = tender_run_without(layers, "disk", "--memory=2M", arguments);

        tender_run_end(&run);
        tender_assert_exit(&run, 0);
        if (!strstr(run.text, said))
                g_error("%s without %s: expected %ld, and it said: %s", attempt, layers, result, run.text);
}

static void assert_signal(const char *layers, const char *attempt, int signal)
{
        g_auto(TenderRun) run = tender_run_without(layers, "disk", "--memory=2M", attempt);

        tender_run_end(&run);
        tender_assert_signal(&run, signal);
        g_assert_null(strstr(run.text, "break: "));
}

static bool kernel_has_landlock(void)
{
        return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) > 0;
}

static bool kernel_has_mdwe(void)
{
        return prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0;
}

static char *call_to(long number, const char *arguments)
{
        return g_strdup_printf("--break=call:%ld:%s", number, arguments);
}

/* Not through the filter: then it is stopped by what is behind. */
static void test_without_filter(void)
{
        g_autofree char *open = call_to(SYS_openat, "-100:b:0"), *map = call_to(SYS_mmap, "0:4096:3:34:-1");
        g_autofree char *execute = call_to(SYS_mprotect, "1900544:4096:5");
        g_autofree char *longer = call_to(SYS_pwrite64, "4:b:512:1048576");
        g_autofree char *unlink = call_to(SYS_unlinkat, "-100:b:0");

        if (!tender_can_filter()) {
                assert_result("filter,unmap", open, -EMFILE);
                return;
        }

        assert_result("filter", open, -EMFILE);
        assert_result("filter", map, -ENOMEM);
        assert_signal("filter", longer, SIGXFSZ);
        if (kernel_has_landlock()) {
                assert_result("filter,limits", open, -EACCES);
                assert_result("filter,limits", unlink, -EACCES);
        } else
                g_test_message("this kernel has no Landlock");
        if (kernel_has_mdwe()) {
                assert_result("filter", execute, -EACCES);
                assert_result("filter,execution", execute, 0); /* nothing else is in its way */
        } else
                g_test_message("this kernel cannot refuse executable memory");

        for (int fd = 0; fd < 64; fd++) {
                g_autofree char *arguments = g_strdup_printf("%d:%d", fd, F_GETFD);
                g_autofree char *ask = call_to(SYS_fcntl, arguments);

                /* Console, network, block device; then epoll set and timer, which are close-on-exec. */
                if (fd != 1 && (fd < 3 || fd > 7))
                        assert_result("filter", ask, -EBADF);
        }
}

/* With the filter, any other may be missing. */
static void test_without_others(void)
{
        static const char *const layers[] = {"unmap", "descriptors", "landlock", "limits", "execution",
                        "unmap,descriptors,landlock,limits,execution"};
        g_autofree char *in_order = call_to(SYS_clock_gettime, "1:b");
        const long numbers[] = {SYS_openat, SYS_mmap, SYS_mprotect, SYS_socket, SYS_clone, SYS_fcntl};

        if (!tender_can_filter())
                return; /* said above: then nothing runs with the filter */

        for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
                for (size_t j = 0; j < G_N_ELEMENTS(numbers); j++) {
                        g_autofree char *attempt = call_to(numbers[j], "0:b:3");

                        assert_signal(layers[i], attempt, SIGSYS);
                }
                assert_signal(layers[i], "--break=jump:heap", SIGSEGV);
                assert_result(layers[i], in_order, 0);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/hostile/is killed by any other system call", test_all_calls);
        g_test_add_func("/tender/hostile/is killed by the calls of other interfaces", test_other_interfaces);
        g_test_add_func("/tender/hostile/is killed by its calls with other values", test_arguments);
        g_test_add_func("/tender/hostile/makes its calls with the right values", test_arguments_in_order);
        g_test_add_func("/tender/hostile/is killed by other memory", test_memory);
        g_test_add_func("/tender/hostile/executes its heap where that is allowed", test_heap_executable);
        g_test_add_func("/tender/hostile/is a process without rights", test_process);
        g_test_add_func("/tender/hostile/is stopped without the filter", test_without_filter);
        g_test_add_func("/tender/hostile/is stopped by the filter alone", test_without_others);
        return g_test_run();
}
