/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ring of a guest's networks. Of the shared memory each word is read once, and nothing of it is
 * believed. */

#include <errno.h>
#include <linux/kvm.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/io.h"
#include "tender/hvt-machine.h"

uint64_t hvt_ring_size(int kvm_fd, const Solo5Manifest *manifest)
{
        cpu_set_t processors;

        if (sched_getaffinity(0, sizeof processors, &processors) >= 0 && CPU_COUNT(&processors) < 2)
                return 0;
        if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD) <= 0)
                return 0;

        for (uint32_t i = 0; i < manifest->n_entries; i++)
                if (manifest->entries[i].type == SOLO5_ENTRY_NETWORK)
                        return (sizeof(HvtRingMemory) + SOLO5_PAGE_SIZE - 1) & ~(SOLO5_PAGE_SIZE - 1);

        return 0;
}

int hvt_ring_make(
                int machine_fd, const TenderMemory *memory, uint64_t address, HvtRing *ret, Error *ret_error)
{
        _cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC);
        struct kvm_ioeventfd kick = hvt_kick;

        kick.fd = fd;
        if (fd < 0 || ioctl(machine_fd, KVM_IOEVENTFD, &kick) < 0)
                return error_set_errno(ret_error, errno, "The ring of the guest's networks cannot be made");

        *ret = (HvtRing){
                        .memory = (HvtRingMemory *) (void *) (memory->base + address),
                        .kick_fd = TAKE_FD(fd),
        };
        return 0;
}

static HvtRingRequest request_read(const HvtRingRequest *shared)
{
        return (HvtRingRequest){
                        .operation = __atomic_load_n(&shared->operation, __ATOMIC_RELAXED),
                        .entry = __atomic_load_n(&shared->entry, __ATOMIC_RELAXED),
                        .data = __atomic_load_n(&shared->data, __ATOMIC_RELAXED),
                        .size = __atomic_load_n(&shared->size, __ATOMIC_RELAXED),
                        .id = __atomic_load_n(&shared->id, __ATOMIC_RELAXED),
        };
}

static void ring_answer(HvtRing *ring, uint32_t id, const HvtNet *net)
{
        HvtRingAnswer *answer = &ring->memory->answers[ring->tail % HVT_RING_SIZE];

        __atomic_store_n(&answer->id, id, __ATOMIC_RELAXED);
        __atomic_store_n(&answer->ret, net->ret, __ATOMIC_RELAXED);
        __atomic_store_n(&answer->size, net->ret == HVT_OK ? (uint32_t) net->size : 0, __ATOMIC_RELAXED);
        __atomic_store_n(&ring->memory->answer_tail, ++ring->tail, __ATOMIC_RELEASE);
}

/* What is sent is not answered, and what is neither is passed over, as by Solo5's own tender. */
static const char *request_serve(const HvtMachine *machine, const HvtRingRequest *request)
{
        HvtNet net = {.entry = request->entry, .data = request->data, .size = request->size};
        const char *reason;

        if (request->operation == HVT_RING_WRITE)
                return hvt_net_write(machine, &net);
        if (request->operation != HVT_RING_READ)
                return NULL;

        reason = hvt_net_read(machine, &net);
        if (!reason)
                ring_answer(machine->ring, request->id, &net);
        return reason;
}

const char *hvt_ring_serve(const HvtMachine *machine, bool *ret_served)
{
        HvtRing *ring = machine->ring;
        uint32_t tail = __atomic_load_n(&ring->memory->request_tail, __ATOMIC_ACQUIRE);

        *ret_served = ring->head != tail;
        if (tail - ring->head > HVT_RING_SIZE)
                return "it put more into its ring than there is room for";

        while (ring->head != tail) {
                HvtRingRequest request = request_read(&ring->memory->requests[ring->head % HVT_RING_SIZE]);
                const char *reason = request_serve(machine, &request);

                if (reason)
                        return reason;
                __atomic_store_n(&ring->memory->request_head, ++ring->head, __ATOMIC_RELEASE);
        }

        return NULL;
}

void hvt_ring_lock(HvtRing *ring)
{
        while (__atomic_test_and_set(&ring->locked, __ATOMIC_ACQUIRE))
                hvt_relax();
}

void hvt_ring_unlock(HvtRing *ring)
{
        __atomic_clear(&ring->locked, __ATOMIC_RELEASE);
}

void hvt_ring_drain(const HvtMachine *machine)
{
        bool served;

        if (!machine->ring)
                return;
        hvt_ring_lock(machine->ring);
        (void) hvt_ring_serve(machine, &served);
}
