/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a guest's processor, and serves its calls, until it ends. Nothing here takes memory, or makes other
 * system calls than the filter lets through. */

#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tender/confine.h"
#include "tender/exit-status.h"
#include "tender/filter.h"
#include "tender/hvt-machine.h"
#include "tender/layers.h"

#define STACK_SIZE (128 * 1024)

#define NO_FILTER                                                                                           \
        "shruthi-tender: The kernel refused the filter of system calls, so the guest was not started\n"

/* The guest is broken, and ends as a process does that uses memory which is not its own: by SIGSEGV. */
_Noreturn static void guest_trap(const HvtMachine *machine, const char *reason)
{
        struct kvm_regs registers = {};
        char sentence[256];
        int n;

        (void) ioctl(machine->processor_fd, KVM_GET_REGS, &registers);
        n = snprintf(sentence, sizeof sentence, "shruthi-tender: The guest is ended: %s, at 0x%llx\n",
                        reason, registers.rip);
        (void) !write(STDOUT_FILENO, sentence, (size_t) n);
        for (;;)
                *(volatile char *) (machine->memory.base - 1) = 0;
}

/* Why the processor stopped, if the guest cannot go on; NULL if it can. */
static const char *machine_serve(const HvtMachine *machine)
{
        const struct kvm_run *run = machine->run;
        uint32_t address;

        switch (run->exit_reason) {
        case KVM_EXIT_IO:
                if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != sizeof address ||
                                run->io.count != 1 || run->io.port < HVT_PORT)
                        return "it used a port that does not exist";
                memcpy(&address, (const char *) run + run->io.data_offset, sizeof address);
                return hvt_call(machine, run->io.port - HVT_PORT, address);
        case KVM_EXIT_INTR:
                return NULL;
        case KVM_EXIT_SHUTDOWN:
                return "a trap that it did not handle";
        case KVM_EXIT_HLT:
                return "it halted its processor, which nothing wakes up";
        case KVM_EXIT_MMIO:
                return "it used an address that is not in its memory";
        case KVM_EXIT_INTERNAL_ERROR:
                return "KVM cannot carry out an instruction of it";
        default:
                return "its processor cannot go on";
        }
}

void hvt_machine_loop(const HvtMachine *machine)
{
        for (;;) {
                const char *reason;

                if (ioctl(machine->processor_fd, KVM_RUN, 0) >= 0)
                        reason = machine_serve(machine);
                else if (errno == EINTR || errno == EAGAIN)
                        continue;
                else if (errno == EFAULT)
                        reason = "it wrote to memory that it can only read, or the host has no memory";
                else
                        reason = "KVM failed";

                if (reason)
                        guest_trap(machine, reason);
        }
}

static int filter_apply(const HvtMachine *machine)
{
        static struct sock_filter instructions[TENDER_FILTER_MAX];
        size_t size = tender_filter_machine(machine->manifest, machine->processor_fd, machine->epoll_fd,
                        machine->timer_fd, instructions);
        const struct sock_fprog program = {.len = (unsigned short) size, .filter = instructions};

        return (int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* So much of the stack is there, and need not be added when none may be. */
static void stack_take(void)
{
        volatile char area[STACK_SIZE];

        for (size_t i = 0; i < sizeof area; i += SOLO5_PAGE_SIZE)
                area[i] = 0;
}

int hvt_machine_run(const HvtMachine *machine, Error *ret_error)
{
        int r;

        r = tender_filter_check(ret_error);
        if (r < 0)
                return r;
        stack_take();
        r = tender_confine_memory(ret_error);
        if (r < 0)
                return r;

        if (tender_layer_is_on(LAYER_DESCRIPTORS))
                (void) close(STDERR_FILENO);
        if (tender_layer_is_on(LAYER_FILTER) && filter_apply(machine) < 0) {
                (void) !write(STDOUT_FILENO, NO_FILTER, strlen(NO_FILTER));
                _exit(TENDER_EXIT_FILTER);
        }
        hvt_machine_loop(machine);
}
