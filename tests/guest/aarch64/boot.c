/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the boot loader left in memory: the device tree (Devicetree Specification 0.4, chapter 5), of which the
 * arguments, the size of the memory, the place of PCI's configuration and the version of the interrupt controller are
 * read.
 */

#include "guest.h"
#include "machine.h"

enum {
        TREE_MAGIC = 0xd00dfeed,
        TREE_STRUCTURE = 8, /* offsets in the header */
        TREE_STRINGS = 12,
        TOKEN_NODE = 1,
        TOKEN_NODE_END = 2,
        TOKEN_PROPERTY = 3,
        TOKEN_NOTHING = 4,
};

char boot_cmdline[CMDLINE_MAX];
bool boot_cmdline_cut;
uint64_t boot_memory_size;
uint64_t boot_memory_end;
bool boot_gic_v3;
uint64_t boot_pci;

static uint32_t big_endian(const uint8_t *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void property_see(const char *node, const char *name, const uint8_t *value, uint32_t size)
{
        if (streq(node, "chosen") && streq(name, "bootargs")) {
                size_t n = size > 0 ? size - 1 : 0;

                boot_cmdline_cut = n >= CMDLINE_MAX;
                memcpy(boot_cmdline, value, boot_cmdline_cut ? CMDLINE_MAX - 1 : n);
        } else if (startswith(node, "memory@") && streq(name, "reg") && size >= 16)
                boot_memory_size = (uint64_t)big_endian(value + 8) << 32 | big_endian(value + 12);
        else if (startswith(node, "pcie@") && streq(name, "reg") && size >= 16)
                boot_pci = (uint64_t)big_endian(value) << 32 | big_endian(value + 4);
        else if (startswith(node, "intc@") && streq(name, "compatible"))
                boot_gic_v3 = streq((const char *)value, "arm,gic-v3");
}

static size_t aligned(size_t n)
{
        return (n + 3) & ~(size_t)3;
}

/* The properties of the root's children: all that is asked for is there. */
static void tree_read(const uint8_t *tree)
{
        const uint8_t *p = tree + big_endian(tree + TREE_STRUCTURE);
        const char *strings = (const char *)tree + big_endian(tree + TREE_STRINGS), *node = "";

        for (unsigned depth = 0;;) {
                uint32_t token = big_endian(p);

                p += 4;
                if (token == TOKEN_NODE) {
                        node = (const char *)p;
                        p += aligned(strlen(node) + 1);
                        depth++;
                } else if (token == TOKEN_NODE_END)
                        depth--;
                else if (token == TOKEN_PROPERTY) {
                        uint32_t size = big_endian(p);

                        if (depth == 2)
                                property_see(node, strings + big_endian(p + 4), p + 8, size);
                        p += 8 + aligned(size);
                } else if (token != TOKEN_NOTHING)
                        return;
        }
}

void boot_read(uint64_t magic, uint64_t info)
{
        const uint8_t *tree = (const uint8_t *)info;

        (void)magic;
        if (tree && big_endian(tree) == TREE_MAGIC)
                tree_read(tree);
        boot_memory_end = MEMORY_START + boot_memory_size;
}
