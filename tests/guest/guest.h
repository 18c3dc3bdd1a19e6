/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The test guest: a unikernel of a few hundred lines that does on request what guests do: serve, exit,
 * abort, trap, halt, flood. It speaks the words of Solo5 on the serial port, so that whoever judges Solo5's last
 * words may be tested with it.
 *
 *     console.c    what is printed
 *     power.c      the last words
 *     pci.c        finds the devices and wires them to the manifest
 *     virtio.c     legacy virtio and its queues; net.c and block.c are the drivers on top
 *     tcp.c        TCP without state, above net.c
 *     udp.c        datagrams, above net.c and net6.c
 *     links.c      a member of a fleet, above udp.c, that shows what its links are like: gossip.c has a peer, probe.c
 *                  sends trains of packets to respond.c, nat.c asks it what NAT is on the way, and makes holes in that
 *     address.c    addresses and chance, and measure.c what follows from what was measured
 *     net6.c       IPv6, and dhcp.c a DHCP client, above net.c
 *     volume.c     counts boots on a block device, and fills one
 *     keys.c       finds keys in an archive (archive.c) and proves to have them (sha256.c)
 *     main.c       the arguments and what each of them does (the list is there)
 *
 * And a folder for each machine that it is made for, x86_64 (a PC, with Multiboot or PVH), aarch64 (QEMU's
 * "virt", with Linux's boot protocol), spt (a process of Linux, by system calls) and hvt (a machine of KVM's without
 * devices, by calls to its tender), both on either processor; solo5 is what these two have in common:
 *
 *     start.S      header and entry of the image, virtual memory, interrupt vectors
 *     boot.c       what the boot loader tells: command line, memory
 *     uart.c       the serial port
 *     cpu.c        interrupts, traps, timer
 *     machine.c    ways out that take the machine along, and PCI's configuration
 *     ports.h      access to the ports of devices
 *
 * An image is all of this with one manifest (manifest.c), so one source makes images with different devices.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELEMENTSOF(x)  (sizeof(x) / sizeof((x)[0]))
#define _noreturn_     __attribute__((noreturn))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define compiler_barrier() __asm__ volatile("" ::: "memory")
#ifdef __aarch64__
#define barrier() __asm__ volatile("dmb sy" ::: "memory")
#else
#define barrier() compiler_barrier() /* x86 keeps loads and stores in order */
#endif

/* lib.c */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
bool streq(const char *a, const char *b);
/* What follows the prefix, or NULL if the string does not begin with it. */
const char *startswith(const char *s, const char *prefix);
/* A decimal number that may have a sign; *ret_end is what follows it. */
long number_parse(const char *s, const char **ret_end);
/* Memory that is never given back, zeroed, from what follows the image. */
void *memory_take(size_t size, size_t alignment);

/* boot.c */
enum {
        CMDLINE_MAX = 8192, /* Solo5 keeps 8191 bytes as well */
};
extern char boot_cmdline[CMDLINE_MAX]; /* without the first word, which names the kernel */
extern bool boot_cmdline_cut;
extern uint64_t boot_memory_size; /* as the guest tells it */
extern uint64_t boot_memory_end;  /* the address */
void boot_read(uint64_t magic, uint64_t info);

/* console.c */
extern bool console_silent;
void console_putc(char c);
void console_write(const char *s, size_t n);
void console_printf(const char *format, ...) _printf_(1, 2);

/* uart.c */
void uart_init(void);
void uart_write(char c);
void uart_listen(void); /* from now on input raises an interrupt */
bool uart_has_input(void);
char uart_read(void);

/* cpu.c */
extern volatile uint64_t timer_ms; /* since timer_start() */
void cpu_init(void);
void cpu_irq_enable(unsigned irq);
/* Sleeps until the next interrupt, if work() says with interrupts off that there is nothing to do. */
void cpu_wait(bool (*work)(void));
void timer_start(unsigned period_ms); /* 1 to 50; without it the guest never wakes up by itself */
/* The clock that measures: nanoseconds since a moment of its own. After clock_start(), which may take 50 ms. */
void clock_start(void);
uint64_t clock_now_ns(void);
/* Whether that moment is the same for all guests of the host that have this, as the host's own monotonic clock is which
 * a process reads: then the time on the way from one to another can be measured. A virtual machine's clock began with
 * it; there a difference of two guests' times says something only beside another such difference. */
extern const bool clock_is_common;
/* When cpu_wait() returns at the latest, by that clock; 0: not for this. If it is not exact, that needs timer_start(),
 * and is as late as the timer's next period. */
extern uint64_t cpu_wait_until_ns;
extern const bool clock_is_exact;
void cpu_page_fault(void);
void cpu_invalid_instruction(void);
_noreturn_ void cpu_halt(void);

/* power.c */
extern bool power_off_works; /* false: end as Solo5 before 0.12, which only halts */
extern int power_status;     /* for a machine whose end has one */
_noreturn_ void guest_exit(int status);
_noreturn_ void guest_abort(void);
_noreturn_ void guest_panic(const char *file, int line, const char *message);
#define PANIC(message) guest_panic(__FILE__, __LINE__, message)

/* machine.c */
void power_off(bool quiet);
bool machine_obey(const char *argument); /* what only this machine understands */
void reset(void);
void triple_fault(void); /* or what is nearest to it: a reset that nobody asked for */
uint32_t pci_config_read(unsigned slot, unsigned offset);
void pci_config_write(unsigned slot, unsigned offset, uint32_t value);
uint8_t pci_prepare(unsigned slot); /* so that its BAR 0 has ports; returns its interrupt */

/* pci.c */
typedef struct PciDevice {
        uint8_t slot;  /* on bus 0 */
        uint8_t irq;   /* as cpu_irq_enable() wants it */
        uint16_t kind; /* DEVICE_NETWORK, DEVICE_BLOCK */
        uint16_t io;   /* base of BAR 0 */
} PciDevice;

/* Finds all virtio devices and hands them, in the order of their slots, to the manifest's entries. */
void pci_attach_all(void);

/* net.c, block.c */
void net_attach(const PciDevice *pci, const char *name);
void net_configure(
                const char *device, const char *key, const char *value); /* device NULL: the first network */
/* For the first network's address; name: said there, or NULL. greedy: for as many as there are, 1 by hardware
 * addresses, 2 by identifiers. */
bool net_ask_dhcp(const char *name, unsigned greedy);
void net_continue(void);             /* at times, where DHCP is asked */
void net_start(void);
/* Hears nothing before the one time and from the other on; 0: as it was. */
void net_set_deaf(uint64_t until_ms, uint64_t from_ms);
bool net_is_deaf_at_times(void);
/* tcp.c */
void tcp_listen(unsigned port);
void tcp_set_status(unsigned status);
bool net_pending(void);
void net_serve(void);
void net_interrupt(unsigned irq);

enum {
        SECTOR_SIZE = 512,
        BLOCK_SECTORS_MAX = 32, /* in one request */
};
typedef struct Block Block;
void block_attach(const PciDevice *pci, const char *name);
void block_interrupt(unsigned irq);
Block *block_find(const char *name);
const char *block_name(const Block *b);
uint64_t block_sectors(const Block *b);
bool block_is_read_only(const Block *b);
bool block_read(Block *b, uint64_t sector, void *ret, size_t n_sectors);
bool block_write(Block *b, uint64_t sector, const void *data, size_t n_sectors);
bool block_flush(Block *b);

/* volume.c */
void volume_count_boot(Block *device);
void volume_fill(Block *device, uint64_t n_bytes); /* 0: as far as it goes */

/* links.c */
bool links_obey(const char *argument); /* false: this is none of its arguments */
void links_begin(void);
unsigned links_timer_ms(void);         /* the period that it wants of a timer where the clock is not exact */
void links_continue(void);
bool links_are_due(void);

/* keys.c */
void keys_list(Block *device);
void keys_prove(Block *device, const char *request); /* KEY:NONCE */

/* main.c */
/* By start.S: what the boot loader handed over. */
_noreturn_ void guest_main(uint64_t magic, uint64_t info);
