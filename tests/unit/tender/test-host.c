/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host that refuses one of the last steps: the guest is not started, and it is said why. Filters of this
 * program's own, which the tender inherits, make the calls fail. They stay: each test refuses an earlier
 * call than the one before it. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/filter-program.h"
#include "tender-fixture.h"
#include "tender/exit-status.h"

#define LOAD(at)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* Goes over that many instructions if the value loaded is another. */
#define UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))

static void filter_add(struct sock_filter *instructions, size_t n)
{
        const struct sock_fprog program = {.len = (unsigned short) n, .filter = instructions};

        g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
        g_assert_cmpint((int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), ==, 0);
}

static TenderRun guest_end(void)
{
        g_autofree char *image = tender_guest("plain");
        const char *argv[] = {"shruthi-tender", "--memory=4M", "--image=5", "--", "--exit=9", NULL};
        int fd = open(image, O_RDONLY);
        TenderRun run;

        g_assert_cmpint(dup2(fd, IMAGE_FD), ==, IMAGE_FD);
        if (fd != IMAGE_FD)
                close(fd);
        run = tender_run_argv(g_getenv("TENDER"), argv);
        close(IMAGE_FD);
        tender_run_end(&run);
        return run;
}

static void assert_refused(int status, const char *sentence)
{
        g_auto(TenderRun) run = guest_end();

        tender_assert_exit(&run, status);
        if (!g_str_has_prefix(run.text, "shruthi-tender: ") || !strstr(run.text, sentence))
                g_error("\"%s\" is not in: %s", sentence, run.text);
        g_assert_null(strstr(run.text, "SHRUTHI test guest"));
}

/* As where it has sealed its own pages: what begins in the first 4 GiB and reaches to the last page or the
 * one before it is all memory at once. */
static void test_unmap_in_parts(void)
{
        struct sock_filter filter[] = {
                        LOAD(offsetof(struct seccomp_data, nr)),
                        UNLESS(SYS_munmap, 11),
                        LOAD(ARGUMENT_HIGH(0)),
                        UNLESS(0, 9),
                        LOAD(ARGUMENT_HIGH(1)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 7, 0),
                        LOAD(ARGUMENT_LOW(1)),
                        BPF_STMT(BPF_MISC | BPF_TAX, 0),
                        LOAD(ARGUMENT_LOW(0)),
                        BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
                        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 4096),
                        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 4096, 1, 0),
                        REFUSE(EPERM),
                        ALLOW,
        };
        g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};

        if (!tender_can_filter())
                return;
        filter_add(filter, G_N_ELEMENTS(filter));
        run = guest_end();
        tender_assert_exit(&run, 9);
        g_assert_nonnull(strstr(run.text, "SHRUTHI test guest"));
}

static void test_unmap(void)
{
        struct sock_filter filter[] = {
                        LOAD(offsetof(struct seccomp_data, nr)),
                        UNLESS(SYS_munmap, 3),
                        LOAD(ARGUMENT_HIGH(1)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
                        REFUSE(EPERM),
                        ALLOW,
        };

        if (!tender_can_filter())
                return;
        filter_add(filter, G_N_ELEMENTS(filter));
        assert_refused(TENDER_EXIT_HOST,
                        "The kernel does not take away memory that is not the guest's, so the guest was not "
                        "started\n");
}

static bool has_capabilities(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};

        g_assert_cmpint((int) syscall(SYS_capget, &header, sets), ==, 0);
        return sets[0].permitted != 0 || sets[1].permitted != 0;
}

static void test_capabilities(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
        struct sock_filter filter[] = {
                        LOAD(offsetof(struct seccomp_data, nr)),
                        UNLESS(SYS_capset, 1),
                        REFUSE(EPERM),
                        ALLOW,
        };
        int status;
        pid_t pid;

        if (!tender_can_filter())
                return;

        /* Who has none need not be able to give them up: a sandbox may have ruled that out. */
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                g_auto(TenderRun) run = {.output = -1, .network = -1, .block = -1};

                g_assert_cmpint((int) syscall(SYS_capset, &header, none), ==, 0);
                filter_add(filter, G_N_ELEMENTS(filter));
                run = guest_end();
                g_assert_null(strstr(run.text, "capabilities"));
                _exit(0);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);

        filter_add(filter, G_N_ELEMENTS(filter));
        /* By then nobody may look into the process, as a sanitizer's search for leaks does. */
        g_assert_true(g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE));
        if (has_capabilities())
                assert_refused(TENDER_EXIT_HOST,
                                "The capabilities cannot be given up: Operation not permitted\n");
}

/* Nor is it taken for a kernel without filters. */
static void test_close_range(void)
{
        struct sock_filter filter[] = {
                        LOAD(offsetof(struct seccomp_data, nr)),
                        UNLESS(SYS_close_range, 1),
                        REFUSE(ENOSYS),
                        ALLOW,
        };

        if (!tender_can_filter())
                return;
        filter_add(filter, G_N_ELEMENTS(filter));
        assert_refused(TENDER_EXIT_HOST, "cannot be closed (that needs Linux 5.9)");
}

static void test_read(void)
{
        struct sock_filter filter[] = {
                        LOAD(offsetof(struct seccomp_data, nr)),
                        UNLESS(SYS_pread64, 3),
                        LOAD(ARGUMENT_LOW(0)),
                        UNLESS(IMAGE_FD, 1),
                        REFUSE(EIO),
                        ALLOW,
        };

        if (!tender_can_filter())
                return;
        filter_add(filter, G_N_ELEMENTS(filter));
        assert_refused(TENDER_EXIT_IMAGE, "The image cannot be read: Input/output error");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/host/takes memory away in parts", test_unmap_in_parts);
        g_test_add_func("/tender/host/keeps memory", test_unmap);
        g_test_add_func("/tender/host/keeps capabilities", test_capabilities);
        g_test_add_func("/tender/host/cannot close descriptors", test_close_range);
        g_test_add_func("/tender/host/cannot read the image", test_read);
        return g_test_run();
}
