/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest that is a machine has, without KVM: page tables by which no page is written and executed, and
 * calls that touch nothing but its memory and its devices. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender/devices.h"
#include "tender/hvt-machine.h"

#define MEMORY  UINT64_C(0x600000) /* three large pages */
#define LARGE   UINT64_C(0x200000)
#define BUFFER  UINT64_C(0x300000)
#define CALL_AT UINT64_C(0x2ff000)

/* What a walk through the tables comes to. */
#define WRITABLE   UINT64_C(1)
#define NO_EXECUTE UINT64_C(2)
#define DEVICE     UINT64_C(4)
#define NOTHING    UINT64_MAX

/* What is mapped behind all memory. */
#ifdef __aarch64__
#define BEHIND (WRITABLE | NO_EXECUTE | DEVICE)
#else
#define BEHIND NOTHING
#endif

static const Solo5Image image_plain = {
                .entry = 0x100000,
                .end = 0x203800,
                .n_segments = 4,
                .segments =
                                {
                                                {.address = 0x100000,
                                                                .memory_size = 0x2345,
                                                                .readable = true,
                                                                .executable = true},
                                                {.address = 0x103000,
                                                                .memory_size = 0x1000,
                                                                .readable = true},
                                                {.address = 0x104000, .memory_size = 0x1000},
                                                {.address = 0x105000,
                                                                .memory_size = 0xfe800,
                                                                .readable = true,
                                                                .writable = true},
                                },
};

/* Of an entry of a table of that level. */
#ifdef __aarch64__
static bool entry_is_page(uint64_t entry, int level)
{
        g_assert_true(level > 0 || (entry & 2));
        return level == 0 || (entry & 2) == 0;
}

/* Only its own level, cached or as a device, without anything that the processor writes back. */
static uint64_t entry_rights(uint64_t entry, bool is_page)
{
        if (!is_page) {
                g_assert_cmphex(entry & UINT64_C(0xfff0000000000fff), ==, 3);
                return WRITABLE;
        }
        g_assert_cmphex(entry & UINT64_C(0xfc9f000000000f61), ==, UINT64_C(0x0000000000000701));
        g_assert_cmphex(entry & UINT64_C(0x0040000000000000), !=, 0);
        return ((entry & 0x80) ? 0 : WRITABLE) | ((entry >> 53 & 1) ? NO_EXECUTE : 0) |
               ((entry & 0x1c) == 4 ? DEVICE : 0);
}
#else
static bool entry_is_page(uint64_t entry, int level)
{
        return level == 0 || (entry & 0x80);
}

/* Marked as seen, so that the processor has nothing to write. */
static uint64_t entry_rights(uint64_t entry, bool is_page)
{
        (void) is_page;
        g_assert_cmphex(entry & 0x60, ==, 0x60);
        return ((entry & 2) ? WRITABLE : 0) | ((entry >> 63) ? NO_EXECUTE : 0);
}
#endif

/* As the processor finds it: the rights to the page at that address, or NOTHING. */
static uint64_t tables_look_up(const TenderMemory *memory, uint64_t address)
{
        uint64_t table = HVT_TABLES, writable = WRITABLE, others = 0;

        for (int level = 3; level >= 0; level--) {
                unsigned shift = 12 + 9 * (unsigned) level;
                uint64_t entry;

                g_assert_cmpuint(table, >=, HVT_TABLES);
                g_assert_cmpuint(table, <, SOLO5_IMAGE_MIN);
                memcpy(&entry, memory->base + table + (address >> shift) % 512 * 8, sizeof entry);
                if ((entry & 1) == 0)
                        return NOTHING;
                bool is_page = entry_is_page(entry, level);
                uint64_t rights = entry_rights(entry, is_page);

                writable &= rights;
                others |= rights & ~WRITABLE;
                table = entry & UINT64_C(0x000ffffffffff000);
                if (is_page) {
                        uint64_t mask = (UINT64_C(1) << shift) - 1;

                        /* One to one. */
                        g_assert_cmpuint((table & ~mask) + (address & mask), ==, address);
                        return writable | others;
                }
        }

        g_assert_not_reached();
}

static TenderMemory memory_new(uint64_t size)
{
        TenderMemory memory;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(hvt_memory_make(size, &memory, &error), >=, 0);
        return memory;
}

static void memory_free(const TenderMemory *memory)
{
        munmap(memory->base - TENDER_GUARD_SIZE, memory->size + 2 * TENDER_GUARD_SIZE);
}

static void test_tables(void)
{
        static const struct {
                uint64_t from, to, flags;
        } areas[] = {
                        {0, HVT_BOOT_INFO, NOTHING},
                        {HVT_BOOT_INFO, HVT_BOOT_INFO + sizeof(HvtLowMemory), NO_EXECUTE},
                        {HVT_TABLES, SOLO5_IMAGE_MIN, NOTHING},
                        {0x100000, 0x103000, 0},
                        {0x103000, 0x104000, NO_EXECUTE},
                        {0x104000, 0x105000, NOTHING},
                        {0x105000, MEMORY, WRITABLE | NO_EXECUTE},
                        {MEMORY, 2 * MEMORY, NOTHING},
                        {HVT_MEMORY_MAX, HVT_MEMORY_MAX + LARGE, BEHIND},
                        {2 * HVT_MEMORY_MAX, 2 * HVT_MEMORY_MAX + LARGE, NOTHING},
        };
        _cleanup_error_ Error error = ERROR_INIT;
        TenderMemory memory = memory_new(MEMORY);

        g_assert_cmpint(hvt_memory_map(&image_plain, &memory, false, &error), >=, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(areas); i++)
                for (uint64_t page = areas[i].from; page < areas[i].to; page += SOLO5_PAGE_SIZE)
                        g_assert_cmphex(tables_look_up(&memory, page), ==, areas[i].flags);
        memory_free(&memory);
}

static void test_tables_of_executable_heap(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        TenderMemory memory = memory_new(MEMORY);

        g_assert_cmpint(hvt_memory_map(&image_plain, &memory, true, &error), >=, 0);
        g_assert_cmphex(tables_look_up(&memory, 0x100000), ==, 0);
        g_assert_cmphex(tables_look_up(&memory, 0x203000), ==, WRITABLE | NO_EXECUTE);
        g_assert_cmphex(tables_look_up(&memory, 0x204000), ==, WRITABLE);
        g_assert_cmphex(tables_look_up(&memory, MEMORY - 1), ==, WRITABLE);
        memory_free(&memory);
}

/* Any size of whole pages, up to all that there can be. */
static void test_sizes(void)
{
        static const uint64_t sizes[] = {LARGE + LARGE / 2, LARGE * 2 - SOLO5_PAGE_SIZE, LARGE * 2,
                        LARGE * 2 + SOLO5_PAGE_SIZE, HVT_MEMORY_MAX};

        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                TenderMemory memory = memory_new(sizes[i]);

                g_assert_cmpint(hvt_memory_map(&image_plain, &memory, false, &error), >=, 0);
                g_assert_cmphex(tables_look_up(&memory, sizes[i] - 1), ==, WRITABLE | NO_EXECUTE);
                g_assert_cmphex(tables_look_up(&memory, sizes[i]), ==,
                                sizes[i] == HVT_MEMORY_MAX ? BEHIND : NOTHING);
                memory_free(&memory);
        }
}

static void test_too_much(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        TenderMemory memory;

        g_assert_cmpint(hvt_memory_make(HVT_MEMORY_MAX + SOLO5_PAGE_SIZE, &memory, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
        g_assert_nonnull(strstr(error.message, "can have at most 4G of memory, and is given "));
}

/* As many segments as an image can have, each in the middle of a large page. */
static void test_scattered(void)
{
        g_autofree Solo5Image *image = g_new0(Solo5Image, 1);
        _cleanup_error_ Error error = ERROR_INIT;
        TenderMemory memory = memory_new(HVT_MEMORY_MAX);

        image->n_segments = ELF_SEGMENTS_MAX;
        for (unsigned i = 0; i < ELF_SEGMENTS_MAX; i++)
                image->segments[i] = (Solo5Segment){.address = 2 * i * LARGE + 0x100000,
                                .memory_size = SOLO5_PAGE_SIZE,
                                .readable = true};
        image->end = 2 * ELF_SEGMENTS_MAX * LARGE;
        g_assert_cmpint(hvt_memory_map(image, &memory, false, &error), >=, 0);
        g_assert_cmphex(tables_look_up(&memory, 10 * LARGE + 0x100000), ==, NO_EXECUTE);

        /* Each over two of them: more tables than there is room for. */
        for (unsigned i = 0; i < ELF_SEGMENTS_MAX; i++) {
                image->segments[i].address = 4 * i * LARGE + 0x100000;
                image->segments[i].memory_size = 2 * LARGE;
        }
        image->end = 4 * ELF_SEGMENTS_MAX * LARGE;
        g_assert_cmpint(hvt_memory_map(image, &memory, false, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "in more places than this program has page tables for"));
        memory_free(&memory);
}

static void test_described(void)
{
        static char *const arguments[] = {(char *) "--one", (char *) "two", NULL};
        const Solo5Manifest manifest = {
                        .version = 1, .n_entries = 2, .entries = {{}, {.name = "a", .fd = 7}}};
        _cleanup_error_ Error error = ERROR_INIT;
        TenderMemory memory = memory_new(MEMORY);
        const HvtLowMemory *low = (const HvtLowMemory *) (const void *) (memory.base + HVT_BOOT_INFO);

        g_assert_cmpint(hvt_memory_describe(&image_plain, &memory, &manifest, 1234567, arguments, &error),
                        >=, 0);
        g_assert_cmpuint(low->boot_info.memory_size, ==, MEMORY);
        g_assert_cmpuint(low->boot_info.kernel_end, ==, 0x204000);
        g_assert_cmpuint(low->boot_info.tsc_hz, ==, 1234567);
        g_assert_cmpuint(low->boot_info.host_features, ==, 0);
        g_assert_cmpuint(low->boot_info.net_ring, ==, 0);
        g_assert_cmpstr(memory.base + low->boot_info.cmdline, ==, "--one two");
        g_assert_true(memory.base + low->boot_info.manifest == (const char *) &low->manifest);
        g_assert_cmpstr(low->manifest.entries[1].name, ==, "a");
        /* No business of the guest's. */
        g_assert_cmpint(low->manifest.entries[1].fd, ==, -1);
        memory_free(&memory);
}

/* A machine that stands still: its calls are made by the test. Network and block device are entries 1 and 2.
 */
typedef struct Fixture {
        HvtMachine machine;
        Solo5Manifest manifest;
        int network; /* our end */
        HvtRing ring;
} Fixture;

static void *guest_at(const Fixture *f, uint64_t address)
{
        return f->machine.memory.base + address;
}

static void fixture_set_up(Fixture *f, const void *data)
{
        int sockets[2];
        _cleanup_error_ Error error = ERROR_INIT;

        (void) data;
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sockets), ==, 0);
        f->network = sockets[0];
        f->manifest = (Solo5Manifest){
                        .version = 1,
                        .n_entries = 3,
                        .entries = {{.type = SOLO5_ENTRY_RESERVED_FIRST},
                                        {.type = SOLO5_ENTRY_NETWORK, .fd = sockets[1]},
                                        {.type = SOLO5_ENTRY_BLOCK,
                                                        .fd = memfd_create("block", 0),
                                                        .block = {4096, 512}}},
        };
        g_assert_cmpint(ftruncate(f->manifest.entries[2].fd, 4096), ==, 0);
        f->machine = (HvtMachine){
                        .memory = memory_new(MEMORY), .manifest = &f->manifest, .processor_fd = -1};
        g_assert_cmpint(tender_devices_watch(
                                        &f->manifest, &f->machine.epoll_fd, &f->machine.timer_fd, &error),
                        >=, 0);
}

/* The same with a ring at the end of the memory. */
static void ring_set_up(Fixture *f, const void *data)
{
        fixture_set_up(f, data);
        f->machine.memory.ring = MEMORY - 0xd000;
        f->ring = (HvtRing){.memory = guest_at(f, f->machine.memory.ring), .kick_fd = -1};
        f->machine.ring = &f->ring;
}

static void fixture_tear_down(Fixture *f, const void *data)
{
        (void) data;
        memory_free(&f->machine.memory);
        close(f->network);
        close(f->manifest.entries[1].fd);
        close(f->manifest.entries[2].fd);
        close(f->machine.epoll_fd);
        close(f->machine.timer_fd);
}

/* With arguments of that size at CALL_AT. */
static const char *fixture_call(const Fixture *f, unsigned number, const void *arguments, size_t size)
{
        memcpy(guest_at(f, CALL_AT), arguments, size);
        return hvt_call(&f->machine, number, CALL_AT);
}

static int fixture_block(const Fixture *f, unsigned number, HvtBlock call)
{
        call.ret = 77;
        g_assert_null(fixture_call(f, number, &call, sizeof call));
        return ((const HvtBlock *) guest_at(f, CALL_AT))->ret;
}

static HvtNet fixture_net(const Fixture *f, unsigned number, HvtNet call)
{
        call.ret = 77;
        g_assert_null(fixture_call(f, number, &call, sizeof call));
        return *(const HvtNet *) guest_at(f, CALL_AT);
}

static void test_no_call(Fixture *f, const void *data)
{
        static const unsigned numbers[] = {0, HVT_CALLS_END, HVT_CALLS_END + 1, 0xfaff, UINT_MAX};

        (void) data;
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                g_assert_cmpstr(hvt_call(&f->machine, numbers[i], CALL_AT), ==,
                                "it made a call that does not exist");
}

/* Neither what is below the image, nor behind the memory, nor around the end of numbers. */
static void test_arguments_elsewhere(Fixture *f, const void *data)
{
        static const uint64_t addresses[] = {0, 0x1000, HVT_BOOT_INFO, HVT_TABLES, SOLO5_IMAGE_MIN - 1,
                        MEMORY - 7, MEMORY, MEMORY + 1, UINT32_MAX, UINT64_MAX - 7, UINT64_MAX};

        (void) data;
        for (unsigned number = 1; number < HVT_CALLS_END; number++)
                for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
                        g_assert_cmpstr(hvt_call(&f->machine, number, addresses[i]), ==,
                                        "it called for memory that is not its own");
}

static void test_data_elsewhere(Fixture *f, const void *data)
{
        static const struct {
                uint64_t address, size;
        } ranges[] = {
                        {0, 512},
                        {HVT_TABLES, 512},
                        {HVT_TABLES - 1, 512},
                        {HVT_BOOT_INFO - 1, 512},
                        {SOLO5_IMAGE_MIN - 1, 512},
                        {MEMORY - 511, 512},
                        {MEMORY, 512},
                        {BUFFER, MEMORY},
                        {BUFFER, MEMORY - BUFFER + 1},
                        {BUFFER, UINT64_MAX},
                        {BUFFER, UINT64_MAX - BUFFER},
                        {UINT64_MAX, 1},
                        {UINT64_MAX - 511, 512},
                        {UINT64_C(1) << 32, 512},
        };

        (void) data;
        for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
                HvtPuts puts = {ranges[i].address, ranges[i].size};
                HvtBlock block = {.entry = 2, .data = ranges[i].address, .size = ranges[i].size};
                HvtNet net = {.entry = 1, .data = ranges[i].address, .size = ranges[i].size};

                g_assert_nonnull(fixture_call(f, HVT_CALL_PUTS, &puts, sizeof puts));
                g_assert_nonnull(fixture_call(f, HVT_CALL_BLOCK_READ, &block, sizeof block));
                g_assert_nonnull(fixture_call(f, HVT_CALL_BLOCK_WRITE, &block, sizeof block));
                g_assert_nonnull(fixture_call(f, HVT_CALL_NET_READ, &net, sizeof net));
                g_assert_nonnull(fixture_call(f, HVT_CALL_NET_WRITE, &net, sizeof net));
        }
}

/* It may say what it was given, and have nothing written there. */
static void test_boot_information(Fixture *f, const void *data)
{
        HvtBlock block = {.entry = 2, .data = HVT_BOOT_INFO, .size = 512};

        (void) data;
        g_assert_cmpint(fixture_block(f, HVT_CALL_BLOCK_WRITE, block), ==, HVT_OK);
        g_assert_nonnull(fixture_call(f, HVT_CALL_BLOCK_READ, &block, sizeof block));
}

static void test_block(Fixture *f, const void *data)
{
        static const struct {
                uint64_t entry, offset, size;
                int ret;
        } cases[] = {
                        {2, 0, 512, HVT_OK},
                        {2, 3584, 512, HVT_OK},
                        {2, 0, 4096, HVT_OK},
                        {2, 0, 0, HVT_OK},
                        {2, 4096, 0, HVT_OK},
                        {2, 4096, 512, HVT_INVALID},
                        {2, 3585, 512, HVT_INVALID},
                        {2, 512, 4096, HVT_INVALID},
                        {2, 0, 511, HVT_INVALID},
                        {2, 0, 4608, HVT_INVALID},
                        {2, UINT64_MAX, 512, HVT_INVALID},
                        {2, UINT64_MAX - 511, 512, HVT_INVALID},
                        {0, 0, 512, HVT_INVALID},
                        {1, 0, 512, HVT_INVALID},
                        {3, 0, 512, HVT_INVALID},
                        {UINT64_MAX, 0, 512, HVT_INVALID},
                        {UINT64_C(1) << 32 | 2, 0, 512, HVT_INVALID},
        };
        uint8_t file[4096];

        (void) data;
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const HvtBlock call = {cases[i].entry, cases[i].offset, BUFFER, cases[i].size, 0};

                memset(guest_at(f, BUFFER), (int) i + 1, 8192);
                g_assert_cmpint(fixture_block(f, HVT_CALL_BLOCK_WRITE, call), ==, cases[i].ret);
                memset(guest_at(f, BUFFER), 0, 8192);
                g_assert_cmpint(fixture_block(f, HVT_CALL_BLOCK_READ, call), ==, cases[i].ret);
                if (cases[i].ret != HVT_OK || cases[i].size == 0)
                        continue;
                g_assert_cmpint((int) pread(f->manifest.entries[2].fd, file, sizeof file, 0), ==,
                                sizeof file);
                g_assert_cmpuint(file[cases[i].offset], ==, i + 1);
                g_assert_cmpmem(guest_at(f, BUFFER), cases[i].size, file + cases[i].offset, cases[i].size);
        }
        g_assert_cmpint((int) lseek(f->manifest.entries[2].fd, 0, SEEK_END), ==, 4096);
}

/* The guest is told, and goes on. */
static void test_block_fails(Fixture *f, const void *data)
{
        const HvtBlock call = {.entry = 2, .data = BUFFER, .size = 512};

        (void) data;
        g_assert_cmpint(ftruncate(f->manifest.entries[2].fd, 100), ==, 0);
        g_assert_cmpint(fixture_block(f, HVT_CALL_BLOCK_READ, call), ==, HVT_UNSPECIFIED);
}

static void test_net(Fixture *f, const void *data)
{
        uint8_t frame[64];
        HvtNet net;

        (void) data;
        net = fixture_net(f, HVT_CALL_NET_READ, (HvtNet){.entry = 1, .data = BUFFER, .size = 1514});
        g_assert_cmpint(net.ret, ==, HVT_AGAIN);

        memset(guest_at(f, BUFFER), 5, 60);
        net = fixture_net(f, HVT_CALL_NET_WRITE, (HvtNet){.entry = 1, .data = BUFFER, .size = 60});
        g_assert_cmpint(net.ret, ==, HVT_OK);
        g_assert_cmpint((int) recv(f->network, frame, sizeof frame, 0), ==, 60);
        g_assert_cmpuint(frame[59], ==, 5);

        g_assert_cmpint((int) send(f->network, frame, 42, 0), ==, 42);
        net = fixture_net(f, HVT_CALL_NET_READ, (HvtNet){.entry = 1, .data = BUFFER + 1, .size = 1514});
        g_assert_cmpint(net.ret, ==, HVT_OK);
        g_assert_cmpuint(net.size, ==, 42);
        g_assert_cmpmem(guest_at(f, BUFFER + 1), 42, frame, 42);

        for (uint64_t entry = 0; entry < 5; entry++)
                if (entry != 1) {
                        net = fixture_net(f, HVT_CALL_NET_READ,
                                        (HvtNet){.entry = entry, .data = BUFFER, .size = 9});
                        g_assert_cmpint(net.ret, ==, HVT_INVALID);
                        net = fixture_net(f, HVT_CALL_NET_WRITE,
                                        (HvtNet){.entry = entry, .data = BUFFER, .size = 9});
                        g_assert_cmpint(net.ret, ==, HVT_INVALID);
                }
}

/* What the other end has no room for is lost, as on a wire; the guest is not told of an error. */
static void test_net_full(Fixture *f, const void *data)
{
        unsigned i, received = 0;
        char frame[1514];

        (void) data;
        for (i = 0; i < 10000; i++) {
                HvtNet net = fixture_net(f, HVT_CALL_NET_WRITE, (HvtNet){.entry = 1, .data = BUFFER, .size = 1514});

                g_assert_cmpint(net.ret, ==, HVT_OK);
        }
        while (recv(f->network, frame, sizeof frame, MSG_DONTWAIT) == (ssize_t) sizeof frame)
                received++;
        g_assert_cmpuint(received, >, 0);
        g_assert_cmpuint(received, <, i);
}

static void test_net_fails(Fixture *f, const void *data)
{
        HvtNet net;

        (void) data;
        shutdown(f->network, SHUT_RDWR);
        net = fixture_net(f, HVT_CALL_NET_WRITE, (HvtNet){.entry = 1, .data = BUFFER, .size = 60});
        g_assert_cmpint(net.ret, ==, HVT_UNSPECIFIED);
}

/* As the guest puts it there. */
static void ring_ask(Fixture *f, HvtRingRequest request)
{
        HvtRingMemory *memory = f->ring.memory;

        memory->requests[memory->request_tail % HVT_RING_SIZE] = request;
        memory->request_tail++;
}

static const char *ring_serve(Fixture *f)
{
        bool served;

        return hvt_ring_serve(&f->machine, &served);
}

static HvtRingAnswer ring_answer(Fixture *f)
{
        HvtRingMemory *memory = f->ring.memory;

        g_assert_cmpuint(memory->answer_head, !=, memory->answer_tail);
        return memory->answers[memory->answer_head++ % HVT_RING_SIZE];
}

static void ring_write_one(Fixture *f, uint8_t mark)
{
        uint8_t frame[2048];

        memset(guest_at(f, BUFFER), mark, 60);
        ring_ask(f, (HvtRingRequest){.operation = HVT_RING_WRITE, .entry = 1, .data = BUFFER, .size = 60});
        g_assert_null(ring_serve(f));
        g_assert_cmpuint(f->ring.memory->request_head, ==, f->ring.memory->request_tail);
        g_assert_cmpint((int) recv(f->network, frame, sizeof frame, 0), ==, 60);
        g_assert_cmpuint(frame[59], ==, mark);
}

static void ring_read_one(Fixture *f, uint8_t mark)
{
        uint8_t frame[42];
        HvtRingAnswer answer;

        memset(frame, mark, sizeof frame);
        g_assert_cmpint((int) send(f->network, frame, sizeof frame, 0), ==, sizeof frame);
        ring_ask(f, (HvtRingRequest){.operation = HVT_RING_READ,
                                    .entry = 1,
                                    .data = BUFFER,
                                    .size = 1514,
                                    .id = mark});
        g_assert_null(ring_serve(f));
        answer = ring_answer(f);
        g_assert_cmpuint(answer.id, ==, mark);
        g_assert_cmpint(answer.ret, ==, HVT_OK);
        g_assert_cmpuint(answer.size, ==, sizeof frame);
        g_assert_cmpmem(guest_at(f, BUFFER), sizeof frame, frame, sizeof frame);
}

/* Also where the counters begin anew. */
static void test_ring(Fixture *f, const void *data)
{
        static const uint32_t begins[] = {0, HVT_RING_SIZE - 3, UINT32_MAX - 3};

        (void) data;
        for (size_t i = 0; i < G_N_ELEMENTS(begins); i++) {
                HvtRingMemory *memory = f->ring.memory;

                f->ring.head = f->ring.tail = begins[i];
                memory->request_tail = memory->request_head = memory->answer_head = memory->answer_tail =
                                begins[i];
                for (unsigned n = 0; n < 10; n++) {
                        ring_write_one(f, (uint8_t) n);
                        ring_read_one(f, (uint8_t) n);
                }
        }
}

static void test_ring_without_answer(Fixture *f, const void *data)
{
        (void) data;
        for (uint32_t entry = 0; entry < 5; entry++) {
                HvtRingAnswer answer;

                ring_ask(f, (HvtRingRequest){.operation = HVT_RING_READ,
                                            .entry = entry,
                                            .data = BUFFER,
                                            .size = 9});
                ring_ask(f, (HvtRingRequest){.operation = 7, .entry = entry, .data = UINT64_MAX, .size = 9});
                g_assert_null(ring_serve(f));
                answer = ring_answer(f);
                g_assert_cmpint(answer.ret, ==, entry == 1 ? HVT_AGAIN : HVT_INVALID);
                g_assert_cmpuint(answer.size, ==, 0);
        }
        g_assert_cmpuint(f->ring.memory->request_head, ==, 10);
}

/* Full is not too much, and what was written at the end goes out. */
static void test_ring_drained(Fixture *f, const void *data)
{
        unsigned received = 0;
        uint8_t frame[64];

        (void) data;
        for (unsigned i = 0; i < HVT_RING_SIZE; i++)
                ring_ask(f, (HvtRingRequest){.operation = i < 20 ? HVT_RING_WRITE : 0,
                                            .entry = 1,
                                            .data = BUFFER,
                                            .size = 60});
        hvt_ring_drain(&f->machine);
        while (recv(f->network, frame, sizeof frame, 0) == 60)
                received++;
        g_assert_cmpuint(received, ==, 20);
        g_assert_true(f->ring.locked);
}

static void test_ring_broken(Fixture *f, const void *data)
{
        static const uint64_t addresses[] = {
                        0, HVT_TABLES, SOLO5_IMAGE_MIN - 1, MEMORY - 8, MEMORY, UINT64_MAX - 4};

        (void) data;
        for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
                for (uint32_t operation = HVT_RING_WRITE; operation <= HVT_RING_READ; operation++) {
                        ring_ask(f, (HvtRingRequest){.operation = operation,
                                                    .entry = 1,
                                                    .data = addresses[i],
                                                    .size = 9});
                        g_assert_cmpstr(ring_serve(f), ==, "it called for memory that is not its own");
                        f->ring.head++;
                }
        f->ring.memory->request_tail = f->ring.head + HVT_RING_SIZE + 1;
        g_assert_cmpstr(ring_serve(f), ==, "it put more into its ring than there is room for");
        f->ring.memory->request_tail = f->ring.head - 1;
        g_assert_cmpstr(ring_serve(f), ==, "it put more into its ring than there is room for");
        /* What only we count the guest cannot change. */
        f->ring.memory->request_tail = f->ring.head;
        f->ring.memory->request_head = 12345;
        g_assert_null(ring_serve(f));
}

static HvtPoll fixture_poll(const Fixture *f, uint64_t timeout_ns)
{
        const HvtPoll call = {.timeout_ns = timeout_ns, .ret_ready = 77, .ret_n = 77};

        g_assert_null(fixture_call(f, HVT_CALL_POLL, &call, sizeof call));
        return *(const HvtPoll *) guest_at(f, CALL_AT);
}

static void test_poll(Fixture *f, const void *data)
{
        gint64 before = g_get_monotonic_time();
        HvtPoll poll = fixture_poll(f, 0);

        (void) data;
        g_assert_cmpuint(poll.ret_ready, ==, 0);
        g_assert_cmpint(poll.ret_n, ==, 0);
        poll = fixture_poll(f, 50 * 1000 * 1000);
        g_assert_cmpuint(poll.ret_ready, ==, 0);
        g_assert_cmpint(g_get_monotonic_time() - before, >=, 50 * 1000);
        /* The timer of before is no reason. */
        poll = fixture_poll(f, 0);
        g_assert_cmpint(poll.ret_n, ==, 0);

        g_assert_cmpint((int) send(f->network, "x", 1, 0), ==, 1);
        poll = fixture_poll(f, UINT64_MAX);
        g_assert_cmpuint(poll.ret_ready, ==, 1 << 1);
        g_assert_cmpint(poll.ret_n, ==, 1);
}

static void test_walltime(Fixture *f, const void *data)
{
        const HvtWalltime call = {};
        gint64 before = g_get_real_time();
        uint64_t ns;

        (void) data;
        g_assert_null(fixture_call(f, HVT_CALL_WALLTIME, &call, sizeof call));
        ns = ((const HvtWalltime *) guest_at(f, CALL_AT))->ret_ns;
        g_assert_cmpuint(ns / 1000, >=, (guint64) before);
        g_assert_cmpuint(ns / 1000, <=, (guint64) g_get_real_time());
}

/* In a process of its own, since it is the process's end; and what it said before. */
static void test_halt(Fixture *f, const void *data)
{
        static const int statuses[] = {0, 1, 254, 255};

        (void) data;
        for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
                const HvtHalt halt = {.status = statuses[i]};
                const HvtPuts puts = {BUFFER, 5};
                char said[16] = "";
                int pipes[2], status;
                pid_t pid;

                memcpy(guest_at(f, BUFFER), "hello", 5);
                g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
                pid = fork();
                g_assert_cmpint(pid, >=, 0);
                if (pid == 0) {
                        dup2(pipes[1], STDOUT_FILENO);
                        if (fixture_call(f, HVT_CALL_PUTS, &puts, sizeof puts))
                                _exit(99);
                        fixture_call(f, HVT_CALL_HALT, &halt, sizeof halt);
                        _exit(98);
                }
                close(pipes[1]);
                g_assert_cmpint((int) read(pipes[0], said, sizeof said), ==, 5);
                g_assert_cmpstr(said, ==, "hello");
                close(pipes[0]);
                g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
                g_assert_true(WIFEXITED(status));
                g_assert_cmpint(WEXITSTATUS(status), ==, statuses[i]);
        }
}

#define ADD(path, function)                                                                                 \
        g_test_add("/tender/machine-parts/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

#define ADD_RING(path, function)                                                                            \
        g_test_add("/tender/machine-parts/ring/" path, Fixture, NULL, ring_set_up, function,                \
                        fixture_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/machine-parts/maps each page for what it is", test_tables);
        g_test_add_func("/tender/machine-parts/executes the heap where that is asked for",
                        test_tables_of_executable_heap);
        g_test_add_func("/tender/machine-parts/maps memory of any size", test_sizes);
        g_test_add_func("/tender/machine-parts/refuses more memory than the target has", test_too_much);
        g_test_add_func("/tender/machine-parts/refuses what its tables are too few for", test_scattered);
        g_test_add_func("/tender/machine-parts/tells the guest what it has", test_described);
        ADD("knows no other call", test_no_call);
        ADD("takes no arguments from other memory", test_arguments_elsewhere);
        ADD("touches no other memory", test_data_elsewhere);
        ADD("only reads what it told the guest", test_boot_information);
        ADD("holds a block device to its bounds", test_block);
        ADD("tells the guest that its block device failed", test_block_fails);
        ADD("sends and receives frames", test_net);
        ADD("loses frames that its network does not take", test_net_full);
        ADD("tells the guest that its network failed", test_net_fails);
        ADD_RING("sends and receives frames", test_ring);
        ADD_RING("answers what cannot be done, and passes over what is unknown", test_ring_without_answer);
        ADD_RING("sends at the end what is there", test_ring_drained);
        ADD_RING("is held to the guest's memory and its size", test_ring_broken);
        ADD("waits for frames and for time", test_poll);
        ADD("tells the time", test_walltime);
        ADD("prints, and ends with the guest's status", test_halt);
        return g_test_run();
}
