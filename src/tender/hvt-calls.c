/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest's calls. Addresses and sizes are its own, and nothing of them is believed: what is read and
 * written is within its memory, or the call is broken. It stands still meanwhile, so nothing changes in
 * between; and the filter of system calls lets nothing through that does not suit the device. */

#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tender/hvt-machine.h"

#define NS_PER_S   UINT64_C(1000000000)
#define NOT_MEMORY "it called for memory that is not its own"

static const Solo5ManifestEntry *entry_find(const HvtMachine *machine, uint64_t entry, uint32_t type)
{
        const Solo5Manifest *manifest = machine->manifest;

        return entry < manifest->n_entries && manifest->entries[entry].type == type
                               ? &manifest->entries[entry]
                               : NULL;
}

static const char *call_walltime(const HvtMachine *machine, void *arguments)
{
        HvtWalltime *call = arguments;
        struct timespec now = {};

        (void) machine;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        call->ret_ns = (uint64_t) now.tv_sec * NS_PER_S + (uint64_t) now.tv_nsec;
        return NULL;
}

/* It waits if nobody reads; and if nobody can any more, what it says is lost. */
static const char *call_puts(const HvtMachine *machine, void *arguments)
{
        const HvtPuts *call = arguments;
        const char *data = hvt_memory_readable_at(&machine->memory, call->data, call->size);

        if (!data)
                return NOT_MEMORY;

        for (uint64_t done = 0; done < call->size;) {
                ssize_t n = write(STDOUT_FILENO, data + done, call->size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                done += (uint64_t) n;
        }

        return NULL;
}

static const char *call_poll(const HvtMachine *machine, void *arguments)
{
        HvtPoll *call = arguments;
        struct itimerspec timer = {.it_value = {.tv_sec = (time_t) (call->timeout_ns / NS_PER_S),
                                                   .tv_nsec = (long) (call->timeout_ns % NS_PER_S)}};
        struct epoll_event events[MANIFEST_DEVICES_MAX + 1];
        int n;

        if (call->timeout_ns > 0)
                (void) timerfd_settime(machine->timer_fd, 0, &timer, NULL);
        do
                n = epoll_pwait(machine->epoll_fd, events, (int) (sizeof events / sizeof *events),
                                call->timeout_ns > 0 ? -1 : 0, NULL);
        while (n < 0 && errno == EINTR);

        call->ret_ready = 0;
        call->ret_n = 0;
        for (int i = 0; i < n; i++)
                if (events[i].data.u64 != TIMER_EVENT) {
                        call->ret_ready |= UINT64_C(1) << events[i].data.u64;
                        call->ret_n++;
                }

        return NULL;
}

/* Solo5's bindings ask for one block; the interface allows more. */
static int block_transfer(const Solo5ManifestEntry *entry, const HvtBlock *call, char *data, bool is_write)
{
        uint64_t step = entry->block.block_size;

        if (call->size % step != 0 || call->offset > entry->block.capacity ||
                        call->size > entry->block.capacity - call->offset)
                return HVT_INVALID;

        for (uint64_t done = 0; done < call->size; done += step) {
                off_t at = (off_t) (call->offset + done);
                ssize_t n = is_write ? pwrite(entry->fd, data + done, step, at)
                                     : pread(entry->fd, data + done, step, at);

                if (n != (ssize_t) step)
                        return HVT_UNSPECIFIED;
        }

        return HVT_OK;
}

static const char *call_block(const HvtMachine *machine, HvtBlock *call, bool is_write)
{
        const Solo5ManifestEntry *entry = entry_find(machine, call->entry, SOLO5_ENTRY_BLOCK);
        /* What is only written from here is only read. */
        const void *data = is_write ? hvt_memory_readable_at(&machine->memory, call->data, call->size)
                                    : hvt_memory_at(&machine->memory, call->data, call->size);

        if (!data)
                return NOT_MEMORY;

        call->ret = entry ? block_transfer(entry, call, (char *) (uintptr_t) data, is_write) : HVT_INVALID;
        return NULL;
}

static const char *call_block_write(const HvtMachine *machine, void *arguments)
{
        return call_block(machine, arguments, true);
}

static const char *call_block_read(const HvtMachine *machine, void *arguments)
{
        return call_block(machine, arguments, false);
}

/* A frame that the network does not take now is lost, as on every network. */
static int net_write(const Solo5ManifestEntry *entry, const void *frame, uint64_t size)
{
        ssize_t n = write(entry->fd, frame, size);

        return n == (ssize_t) size || (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) ? HVT_OK
                                                                                       : HVT_UNSPECIFIED;
}

const char *hvt_net_write(const HvtMachine *machine, HvtNet *call)
{
        const Solo5ManifestEntry *entry = entry_find(machine, call->entry, SOLO5_ENTRY_NETWORK);
        const void *data = hvt_memory_readable_at(&machine->memory, call->data, call->size);

        if (!data)
                return NOT_MEMORY;

        call->ret = entry ? net_write(entry, data, call->size) : HVT_INVALID;
        return NULL;
}

const char *hvt_net_read(const HvtMachine *machine, HvtNet *call)
{
        const Solo5ManifestEntry *entry = entry_find(machine, call->entry, SOLO5_ENTRY_NETWORK);
        void *data = hvt_memory_at(&machine->memory, call->data, call->size);
        ssize_t n;

        if (!data)
                return NOT_MEMORY;
        if (!entry) {
                call->ret = HVT_INVALID;
                return NULL;
        }

        n = read(entry->fd, data, call->size);
        if (n > 0) {
                call->size = (uint64_t) n;
                call->ret = HVT_OK;
        } else
                call->ret = n == 0 || errno == EAGAIN ? HVT_AGAIN : HVT_UNSPECIFIED;
        return NULL;
}

static const char *call_net_write(const HvtMachine *machine, void *arguments)
{
        return hvt_net_write(machine, arguments);
}

static const char *call_net_read(const HvtMachine *machine, void *arguments)
{
        return hvt_net_read(machine, arguments);
}

static const char *call_halt(const HvtMachine *machine, void *arguments)
{
        const HvtHalt *call = arguments;

        hvt_ring_drain(machine);
        _exit(call->status);
}

static const struct {
        const char *(*serve)(const HvtMachine *machine, void *arguments);
        size_t size; /* of the arguments */
} calls[HVT_CALLS_END] = {
                [HVT_CALL_WALLTIME] = {call_walltime, sizeof(HvtWalltime)},
                [HVT_CALL_PUTS] = {call_puts, sizeof(HvtPuts)},
                [HVT_CALL_POLL] = {call_poll, sizeof(HvtPoll)},
                [HVT_CALL_BLOCK_WRITE] = {call_block_write, sizeof(HvtBlock)},
                [HVT_CALL_BLOCK_READ] = {call_block_read, sizeof(HvtBlock)},
                [HVT_CALL_NET_WRITE] = {call_net_write, sizeof(HvtNet)},
                [HVT_CALL_NET_READ] = {call_net_read, sizeof(HvtNet)},
                [HVT_CALL_HALT] = {call_halt, sizeof(HvtHalt)},
};

const char *hvt_call(const HvtMachine *machine, unsigned number, uint64_t address)
{
        /* A copy: the guest's own may have any alignment, and lie within what the call writes. */
        uint64_t arguments[8];
        void *at;
        const char *reason;

        if (number >= HVT_CALLS_END || !calls[number].serve)
                return "it made a call that does not exist";
        at = hvt_memory_at(&machine->memory, address, calls[number].size);
        if (!at)
                return NOT_MEMORY;

        memcpy(arguments, at, calls[number].size);
        reason = calls[number].serve(machine, arguments);
        if (!reason)
                memcpy(at, arguments, calls[number].size);
        return reason;
}
