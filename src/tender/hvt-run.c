/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a guest's processor, and serves its calls, until it ends. Nothing here takes memory, or makes other
 * system calls than the filter lets through. */

#include <inttypes.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
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
#define LOOKS      2000 /* before the thread waits: some 50 µs, less than a wake-up takes the guest */

static sem_t ring_runs; /* the thread is where it needs no system call but those that the filter lets through
                         */

#define NO_FILTER                                                                                           \
        "shruthi-tender: The kernel refused the filter of system calls, so the guest was not started\n"

/* The guest is broken, and ends as a process does that uses memory which is not its own: by SIGSEGV. */
_Noreturn static void guest_break(const HvtMachine *machine, const char *reason, const char *where)
{
        char sentence[256];
        int n = snprintf(sentence, sizeof sentence, "shruthi-tender: The guest is ended: %s%s\n", reason,
                        where);

        (void) !write(STDOUT_FILENO, sentence, (size_t) n);
        for (;;)
                *(volatile char *) (machine->memory.base - 1) = 0;
}

_Noreturn static void guest_trap(const HvtMachine *machine, const char *reason)
{
        char where[32];

        (void) snprintf(where, sizeof where, ", at 0x%" PRIx64, hvt_processor_where(machine));
        guest_break(machine, reason, where);
}

void hvt_machine_loop(const HvtMachine *machine)
{
        for (;;) {
                const char *reason;

                if (ioctl(machine->processor_fd, KVM_RUN, 0) >= 0)
                        reason = hvt_processor_serve(machine);
                else if (errno == EINTR || errno == EAGAIN)
                        continue;
                else if (errno == EFAULT)
                        reason = "it wrote to memory that it can only read, or the host has no memory";
                else if (errno == ENOSYS) /* by an instruction that KVM cannot take apart */
                        reason = HVT_ELSEWHERE;
                else
                        reason = "KVM failed";

                if (reason)
                        guest_trap(machine, reason);
        }
}

static bool ring_look(const HvtMachine *machine)
{
        const char *reason;
        bool served;

        hvt_ring_lock(machine->ring);
        reason = hvt_ring_serve(machine, &served);
        if (reason)
                guest_break(machine, reason, "");
        hvt_ring_unlock(machine->ring);
        return served;
}

static void ring_wait(const HvtMachine *machine)
{
        HvtRingMemory *memory = machine->ring->memory;
        uint64_t kicks;

        /* The guest adds first and looks at this afterwards, so one of the two sees what the other did. */
        __atomic_store_n(&memory->needs_kick, 1, __ATOMIC_SEQ_CST);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(&memory->request_tail, __ATOMIC_SEQ_CST) == machine->ring->head)
                (void) !read(machine->ring->kick_fd, &kicks, sizeof kicks);
        __atomic_store_n(&memory->needs_kick, 0, __ATOMIC_SEQ_CST);
}

static void *ring_run(void *userdata)
{
        const HvtMachine *machine = userdata;

        (void) sem_post(&ring_runs);
        for (unsigned looks = 0;;) {
                if (ring_look(machine))
                        looks = 0;
                else if (looks++ < LOOKS)
                        hvt_relax();
                else {
                        looks = 0;
                        ring_wait(machine);
                }
        }

        return NULL;
}

/* The C library handles a signal of its own once there are threads (nptl(7): 33), and lets nobody else set
 * it. Its handler would return by a system call that the filter does not let through. */
static void signals_reset_again(void)
{
        static const struct {
                void *handler;
                unsigned long flags;
                void *restorer;
                uint64_t mask;
        } by_default; /* as the kernel has it */

        for (int i = 32; i < SIGRTMIN; i++)
                (void) syscall(SYS_rt_sigaction, i, &by_default, NULL, sizeof by_default.mask);
}

int hvt_machine_start_ring(const HvtMachine *machine, Error *ret_error)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        if (!machine->ring)
                return 0;

        /* Signals are for the other thread. */
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_attr_init(&attributes);
        if (r == 0)
                r = pthread_attr_setstacksize(&attributes, STACK_SIZE);
        if (r == 0)
                r = pthread_create(&thread, &attributes, ring_run, (void *) machine);
        /* What the C library does before it runs needs system calls. */
        if (r == 0)
                while (sem_wait(&ring_runs) < 0)
                        ;
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        signals_reset_again();
        return r == 0 ? 0
                      : error_set_errno(ret_error, r,
                                        "The thread of the guest's networks cannot be started");
}

static int filter_apply(const HvtMachine *machine)
{
        static struct sock_filter instructions[TENDER_FILTER_MAX];
        size_t size = tender_filter_machine(machine->manifest, machine->processor_fd, machine->epoll_fd,
                        machine->timer_fd, machine->ring ? machine->ring->kick_fd : -1, instructions);
        const struct sock_fprog program = {.len = (unsigned short) size, .filter = instructions};

        /* For both threads. */
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0
                               ? 0
                               : -EACCES;
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
