/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts and watches shruthi-tender. */

#include "tender-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender/exit-status.h"

#define DEADLINE_MS 30000
#ifdef __aarch64__
#define SUFFIX "-aarch64"
#else
#define SUFFIX ""
#endif

static char *guest_path(const char *name, const char *suffix)
{
        g_autofree char *file = g_strdup_printf("guest-%s%s", name, suffix);

        g_assert_nonnull(g_getenv("GUEST_IMAGES"));
        return g_build_filename(g_getenv("GUEST_IMAGES"), file, NULL);
}

char *tender_guest(const char *name)
{
        return guest_path(name, SUFFIX ".spt");
}

char *tender_guest_machine(const char *name)
{
        return guest_path(name, SUFFIX ".hvt");
}

/* Above those that the child will have, so that none is overwritten before it is moved. */
static int fd_high(int fd)
{
        int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);

        g_assert_cmpint(high, >=, 100);
        close(fd);
        return high;
}

_Noreturn static void child_run(
                const char *program, const char *const *argv, int output, int network, int block)
{
        bool asks = false;

        for (size_t i = 0; argv[i]; i++)
                asks |= strstr(argv[i], "--kvm=6") != NULL;
        if (asks && tender_can_kvm()) {
                int kvm = open("/dev/kvm", O_RDWR);

                if (kvm != KVM_FD) {
                        dup2(kvm, KVM_FD);
                        close(kvm);
                }
        }
        if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
                        dup2(network, NETWORK_FD) < 0 || dup2(block, BLOCK_FD) < 0)
                _exit(99);
        execv(program, (char *const *) (uintptr_t) argv);
        _exit(98);
}

TenderRun tender_run_argv(const char *program, const char *const *argv)
{
        TenderRun run = {.text = g_strdup("")};
        int pipes[2], sockets[2], theirs;

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
        run.output = fd_high(pipes[0]);
        run.network = fd_high(sockets[0]);
        theirs = fd_high(sockets[1]);
        run.block = fd_high(memfd_create("block", MFD_CLOEXEC));
        g_assert_cmpint(ftruncate(run.block, BLOCK_SIZE), ==, 0);
        pipes[1] = fd_high(pipes[1]);

        (void) tender_can_kvm(); /* so that the child knows */
        run.pid = fork();
        g_assert_cmpint(run.pid, >=, 0);
        if (run.pid == 0)
                child_run(program, argv, pipes[1], theirs, run.block);
        close(pipes[1]);
        close(theirs);
        return run;
}

static TenderRun run_words(const char *program, const char *first, bool is_machine, const char *guest,
                const char *options, const char *arguments)
{
        g_autofree char *image = is_machine ? tender_guest_machine(guest) : tender_guest(guest);
        g_auto(GStrv) before = g_strsplit(options, " ", -1), after = g_strsplit(arguments, " ", -1);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();

        g_ptr_array_add(argv, (gpointer) "shruthi-tender");
        if (first)
                g_ptr_array_add(argv, (gpointer) first);
        if (is_machine)
                g_ptr_array_add(argv, (gpointer) "--kvm=6");
        if (!g_str_equal(guest, "plain"))
                g_ptr_array_add(argv, (gpointer) "--network=service=3,mac=52:54:00:00:00:01");
        if (g_str_equal(guest, "disk"))
                g_ptr_array_add(argv, (gpointer) "--block=storage=4");
        for (char **word = before; *word; word++)
                if (**word != '\0')
                        g_ptr_array_add(argv, *word);
        g_ptr_array_add(argv, image);
        for (char **word = after; *word; word++)
                if (**word != '\0')
                        g_ptr_array_add(argv, *word);
        g_ptr_array_add(argv, NULL);
        return tender_run_argv(program, (const char *const *) argv->pdata);
}

TenderRun tender_run(const char *guest, const char *options, const char *arguments)
{
        return run_words(g_getenv("TENDER"), NULL, false, guest, options, arguments);
}

TenderRun tender_run_without(
                const char *layer, const char *guest, const char *options, const char *arguments)
{
        g_autofree char *without = g_strdup_printf("--without=%s", layer);

        return run_words(g_getenv("TENDER_TESTING"), without, false, guest, options, arguments);
}

TenderRun tender_run_machine(const char *guest, const char *options, const char *arguments)
{
        return run_words(g_getenv("TENDER"), NULL, true, guest, options, arguments);
}

TenderRun tender_run_machine_without(
                const char *layer, const char *guest, const char *options, const char *arguments)
{
        g_autofree char *without = g_strdup_printf("--without=%s", layer);

        return run_words(g_getenv("TENDER_TESTING"), without, true, guest, options, arguments);
}

/* A processor at the beginning of its memory, which writes to a port, or to an address that is no memory. */
#ifdef __aarch64__
static const uint32_t kvm_code[] = {
                0xd2a00200, /* movz x0, #0x10, lsl #16 */
                0xb9000000, /* str w0, [x0] */
};

static void kvm_prepare(int machine, int processor)
{
        struct kvm_vcpu_init init = {};
        uint64_t zero = 0;
        const struct kvm_one_reg pc = {.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
                                             KVM_REG_ARM_CORE_REG(regs.pc),
                        .addr = (uintptr_t) &zero};

        g_assert_cmpint(ioctl(machine, KVM_ARM_PREFERRED_TARGET, &init), ==, 0);
        g_assert_cmpint(ioctl(processor, KVM_ARM_VCPU_INIT, &init), ==, 0);
        g_assert_cmpint(ioctl(processor, KVM_SET_ONE_REG, &pc), ==, 0);
}

static bool kvm_wrote(const struct kvm_run *run)
{
        return run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write && run->mmio.phys_addr == 0x100000;
}
#else
static const uint8_t kvm_code[] = {0xe6, 0x10}; /* out %al, $0x10 */

static void kvm_prepare(int machine, int processor)
{
        const struct kvm_regs registers = {.rflags = 2};
        struct kvm_sregs system;

        (void) machine;
        g_assert_cmpint(ioctl(processor, KVM_GET_SREGS, &system), ==, 0);
        system.cs.base = system.cs.selector = 0;
        g_assert_cmpint(ioctl(processor, KVM_SET_SREGS, &system), ==, 0);
        g_assert_cmpint(ioctl(processor, KVM_SET_REGS, &registers), ==, 0);
}

static bool kvm_wrote(const struct kvm_run *run)
{
        return run->exit_reason == KVM_EXIT_IO && run->io.port == 0x10;
}
#endif

static bool kvm_runs(int kvm, char *memory)
{
        const struct kvm_userspace_memory_region region = {
                        .memory_size = 4096, .userspace_addr = (uintptr_t) memory};
        int machine = ioctl(kvm, KVM_CREATE_VM, 0UL), processor = ioctl(machine, KVM_CREATE_VCPU, 0UL);
        int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
        struct kvm_run *run;
        bool runs;

        if (machine < 0 || processor < 0 || size <= 0)
                return false;

        memcpy(memory, kvm_code, sizeof kvm_code);
        run = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE, MAP_SHARED, processor, 0);
        g_assert_true(run != MAP_FAILED);
        g_assert_cmpint(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region), ==, 0);
        kvm_prepare(machine, processor);
        runs = ioctl(processor, KVM_RUN, 0) >= 0 && kvm_wrote(run);
        munmap(run, (size_t) size);
        close(processor);
        close(machine);
        return runs;
}

bool tender_can_kvm(void)
{
        static int known = -1;

        if (known < 0) {
                int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
                char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                known = kvm >= 0 && kvm_runs(kvm, memory);
                munmap(memory, 4096);
                if (kvm >= 0)
                        close(kvm);
        }

        return known;
}

bool tender_run_read(TenderRun *run)
{
        struct pollfd poll_fd = {.fd = run->output, .events = POLLIN};
        g_autofree char *before = run->text;
        char buffer[4096];
        ssize_t n;

        g_assert_cmpint(poll(&poll_fd, 1, DEADLINE_MS), ==, 1);
        n = read(run->output, buffer, sizeof buffer - 1);
        g_assert_cmpint((int) n, >=, 0);
        buffer[n] = '\0';
        run->text = g_strconcat(before, buffer, NULL);
        return n > 0;
}

void tender_run_expect(TenderRun *run, const char *text)
{
        while (!strstr(run->text, text))
                if (!tender_run_read(run))
                        g_error("\"%s\" is not in \"%s\"", text, run->text);
}

void tender_run_end(TenderRun *run)
{
        while (tender_run_read(run))
                ;
        g_assert_cmpint(waitpid(run->pid, &run->status, 0), ==, run->pid);
        run->pid = 0;
}

void tender_run_clear(TenderRun *run)
{
        if (run->pid > 0) {
                kill(run->pid, SIGKILL);
                waitpid(run->pid, NULL, 0);
        }
        close(run->output);
        close(run->network);
        close(run->block);
        g_free(run->text);
}

void tender_assert_exit(const TenderRun *run, int status)
{
        if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != status)
                g_error("it ended with the wait status %#x, not with %d, and said: %s",
                                (unsigned) run->status, status, run->text);
}

void tender_assert_signal(const TenderRun *run, int signal)
{
        if (!WIFSIGNALED(run->status) || WTERMSIG(run->status) != signal)
                g_error("it ended with the wait status %#x, not by signal %d, and said: %s",
                                (unsigned) run->status, signal, run->text);
}

bool tender_can_filter(void)
{
        uint32_t action = SECCOMP_RET_KILL_PROCESS;

        return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) >= 0;
}

bool tender_assert_no_filter(TenderRun *run)
{
        if (tender_can_filter())
                return false;

        tender_run_end(run);
        tender_assert_exit(run, TENDER_EXIT_FILTER);
        g_assert_nonnull(strstr(run->text,
                        "The system calls of the guest cannot be filtered, so it is not started"));
        g_assert_null(strstr(run->text, "SHRUTHI test guest"));
        return true;
}
