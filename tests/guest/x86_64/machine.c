/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ways out of a PC: ACPI's soft off, the keyboard controller's reset line, and a fault that nobody handles. And
 * PCI's configuration, which the firmware has made.
 */

#include "guest.h"
#include "ports.h"

enum {
        CONFIG_ADDRESS = 0xcf8,
        CONFIG_DATA = 0xcfc,
        CONFIG_ENABLE = 1U << 31,
        CONFIG_INTERRUPT = 0x3c,
        BIOS_START = 0xe0000,
        BIOS_END = 0x100000,
        KEYBOARD_CONTROL = 0x64,
        KEYBOARD_RESET = 0xfe, /* pulse its reset line */
        ACPI_SLEEP_ENABLE = 1 << 13, /* with SLP_TYP 0, which is S5 in QEMU's _S5 package */
};

/* ACPI Specification 6.4: root pointer (5.2.5.3), table header (5.2.6), fixed description (5.2.9). */
typedef struct AcpiTable {
        char signature[4];
        uint32_t size;
        uint8_t rest[28];
        uint32_t entries[]; /* of the RSDT */
} AcpiTable;

enum {
        RSDP_RSDT = 16,
        FADT_PM1A_CONTROL = 64,
};

static uint32_t read32(uintptr_t address)
{
        uint32_t value;

        memcpy(&value, (const void *)address, sizeof(value));
        return value;
}

static const AcpiTable *acpi_fadt(void)
{
        for (uintptr_t p = BIOS_START; p < BIOS_END; p += 16) {
                const AcpiTable *rsdt;

                if (memcmp((const void *)p, "RSD PTR ", 8) != 0)
                        continue;
                rsdt = (const AcpiTable *)(uintptr_t)read32(p + RSDP_RSDT);
                if (!rsdt || memcmp(rsdt->signature, "RSDT", 4) != 0)
                        return NULL;
                for (size_t i = 0; i < (rsdt->size - offsetof(AcpiTable, entries)) / 4; i++) {
                        const AcpiTable *table = (const AcpiTable *)(uintptr_t)rsdt->entries[i];

                        if (memcmp(table->signature, "FACP", 4) == 0)
                                return table;
                }
                return NULL;
        }
        return NULL;
}

void power_off(bool quiet)
{
        const AcpiTable *fadt = acpi_fadt();
        uint32_t port;

        if (!fadt) {
                if (!quiet)
                        console_printf("Solo5: ACPI: FADT not found, cannot power off\n");
                return;
        }
        port = read32((uintptr_t)fadt + FADT_PM1A_CONTROL);
        if (!quiet)
                console_printf("Solo5: ACPI: power off via PM1a=0x%x PM1b=0x0 SLP_TYPa=0\n", port);
        outw((uint16_t)port, ACPI_SLEEP_ENABLE);
}

void reset(void)
{
        outb(KEYBOARD_CONTROL, KEYBOARD_RESET);
}

void triple_fault(void)
{
        static const struct {
                uint16_t limit;
                uint64_t base;
        } __attribute__((packed)) no_handlers;

        __asm__ volatile("cli; lidt %0; ud2" ::"m"(no_handlers));
}

bool machine_obey(const char *argument)
{
        (void)argument;
        return false;
}

uint32_t pci_config_read(unsigned slot, unsigned offset)
{
        outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | offset);
        return inl(CONFIG_DATA);
}

void pci_config_write(unsigned slot, unsigned offset, uint32_t value)
{
        outl(CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | offset);
        outl(CONFIG_DATA, value);
}

uint8_t pci_prepare(unsigned slot)
{
        return (uint8_t)pci_config_read(slot, CONFIG_INTERRUPT);
}
