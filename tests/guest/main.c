/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts everything, then does what the arguments say, in their order. They are split at spaces. Any other
 * argument is only printed, as all of them are.
 *
 *     --ipv4=A.B.C.D/N        the first network's address: answers ARP, ping, and sends back UDP to port 7
 *     --ipv4-gateway=A.B.C.D  asks once for its MAC address and prints that
 *     --ipv6=ADDR/N           its IPv6 address: answers neighbour discovery and ping, and UDP as well
 *     --ipv6-gateway=ADDR     the same as of IPv4
 *     --DEVICE-ipv4=…  --DEVICE-ipv6-gateway=…  … the same for another network
 *     --mac=MAC               sends from that hardware address, which is not its own
 *     --serve=PORT            takes TCP connections there, and answers HTTP with the client's address, in hex
 *     --status=N              with that status, and not with 200
 *     --deaf-until=SECONDS  --deaf-from=SECONDS
 *                             hears nothing of any network before, or from then on
 *     --dhcp                  asks DHCP for the first network's IPv4 address
 *     --dhcp-greedy[=id]      takes one after the other by invented hardware addresses, or identifiers, and prints
 *                             each
 *     --name=NAME             the name that is said there
 *     --gossip=…  --respond  --probe=…  --nat=…  --punch=…
 *                             a member of a fleet that shows what its links are like: see links.c
 *     --boots                 counts its boots in the first sector of `storage` and prints "boot N"
 *     --fill[=BYTES]          fills `storage` behind that sector, to its end or so many bytes of it, until a
 *                             write fails, and prints how many bytes were written
 *     --keys                  prints name and size of each key in the archive on `keys`, never its content
 *     --prove=KEY:NONCE       prints "proof: KEY " and HMAC-SHA-256 of NONCE with that key's content, in hex
 *     --DEVICE-boots  --DEVICE-fill[=BYTES]  --DEVICE-keys  --DEVICE-prove=KEY:NONCE
 *                             the same for another block device
 *     --hello                 prints "Hello, world"
 *     --flood[=BYTES]         prints numbered lines, without end or so many bytes of them
 *     --long-line=BYTES       prints one line of so many bytes
 *     --binary                prints a line with each byte there is but line feed
 *     --tick=MS               prints a numbered line each MS milliseconds from then on
 *     --say=TEXT              prints a line, with spaces for "+"
 *     --silent                prints nothing at all, from the first byte on
 *     --no-poweroff           ends by halting alone, like Solo5 before 0.12
 *
 * How to end; without any of these the guest serves and sleeps for ever:
 *
 *     --exit=N  --abort  --trap[=pf|ud]           as Solo5 does, with its words
 *     --halt                  prints "Solo5: Halted" and stays
 *     --reset  --triple-fault resets the machine without a word: by the keyboard controller (aarch64: by
 *                             PSCI, both), or by a fault that nobody handles
 *     --quiet-halt            stays without a word and answers nothing
 *     --quiet-poweroff        powers off without a word
 *     --no-newline=TEXT       prints TEXT, no newline, and powers off
 *     --exit-after=SECONDS    serves that long first; alone it is --exit=0
 *
 * What the images for spt and hvt try besides (--break=…) is in spt/machine.c and hvt/machine.c.
 *
 * An image without notes (plain Multiboot, PVH, Linux's protocol) also echoes each line that it reads from the console.
 */

#include "guest.h"
#include "manifest.h"

enum {
        ARGUMENTS_MAX = CMDLINE_MAX / 2,
        INPUT_MAX = 256,
};

typedef enum Ending {
        ENDING_NONE,
        ENDING_EXIT,
        ENDING_ABORT,
        ENDING_TRAP_PAGE_FAULT,
        ENDING_TRAP_INVALID_OPCODE,
        ENDING_HALT,
        ENDING_QUIET_HALT,
        ENDING_QUIET_POWEROFF,
        ENDING_NO_NEWLINE,
        ENDING_RESET,
        ENDING_TRIPLE_FAULT,
} Ending;

static char *arguments[ARGUMENTS_MAX];
static unsigned n_arguments;

static Ending ending;
static int exit_status;
static const char *last_text;
static uint64_t end_ms;  /* 0: at once */
static uint64_t tick_ms; /* 0: none */
static uint64_t n_ticks;
static bool asks_dhcp;
static unsigned greedy;
static const char *host_name;

static void arguments_split(void)
{
        for (char *p = boot_cmdline; *p != '\0' && n_arguments < ARGUMENTS_MAX;) {
                if (*p == ' ') {
                        *p++ = '\0';
                        continue;
                }
                arguments[n_arguments++] = p;
                while (*p != '\0' && *p != ' ')
                        p++;
        }
}

static bool arguments_have(const char *argument)
{
        for (unsigned i = 0; i < n_arguments; i++)
                if (streq(arguments[i], argument))
                        return true;
        return false;
}

static void flood(uint64_t n_bytes)
{
        static const char fill[] = " the quick brown fox jumps over the lazy dog 0123\n";
        uint64_t n_written = 0;

        for (uint64_t i = 1; n_bytes == 0 || n_written < n_bytes; i++) {
                console_printf("flood %08lu", i);
                console_write(fill, sizeof(fill) - 1);
                n_written += 14 + sizeof(fill) - 1; /* 64 */
        }
        console_printf("flood done: %lu bytes\n", n_written);
}

static void long_line(uint64_t n_bytes)
{
        for (uint64_t i = 0; i < n_bytes; i++)
                console_putc((char)('a' + i % 26));
        console_putc('\n');
}

static void binary(void)
{
        console_printf("binary: ");
        for (unsigned i = 0; i < 256; i++)
                if (i != '\n')
                        console_putc((char)i);
        console_putc('\n');
}

static void say(const char *text)
{
        for (; *text != '\0'; text++)
                console_putc(*text == '+' ? ' ' : *text);
        console_putc('\n');
}

static unsigned long positive(const char *s)
{
        long value = number_parse(s, &s);

        if (value <= 0 || *s != '\0')
                PANIC("an argument needs a positive number");
        return (unsigned long)value;
}

static bool ending_parse(const char *argument)
{
        static const struct {
                const char *argument;
                Ending ending;
        } words[] = {
                        {"--abort", ENDING_ABORT},
                        {"--trap", ENDING_TRAP_PAGE_FAULT},
                        {"--trap=pf", ENDING_TRAP_PAGE_FAULT},
                        {"--trap=ud", ENDING_TRAP_INVALID_OPCODE},
                        {"--halt", ENDING_HALT},
                        {"--quiet-halt", ENDING_QUIET_HALT},
                        {"--quiet-poweroff", ENDING_QUIET_POWEROFF},
                        {"--reset", ENDING_RESET},
                        {"--triple-fault", ENDING_TRIPLE_FAULT},
        };
        const char *value;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(argument, words[i].argument)) {
                        ending = words[i].ending;
                        return true;
                }

        if ((value = startswith(argument, "--exit="))) {
                exit_status = (int)number_parse(value, &value);
                if (*value != '\0')
                        PANIC("--exit needs a number");
                ending = ENDING_EXIT;
        } else if ((value = startswith(argument, "--no-newline="))) {
                last_text = value;
                ending = ENDING_NO_NEWLINE;
        } else if ((value = startswith(argument, "--exit-after="))) {
                end_ms = positive(value) * 1000;
                if (ending == ENDING_NONE)
                        ending = ENDING_EXIT;
        } else
                return false;
        return true;
}

/* The argument is cut in pieces on the way. */
static bool network_parse(char *argument)
{
        static const char *const keys[] = {"ipv4", "ipv4-gateway", "ipv6", "ipv6-gateway", "mac"};

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const char *value;
                char *p;

                for (p = argument + 2; *p != '\0' && *p != '='; p++) {
                        value = startswith(p, keys[i]);
                        if (!value || *value != '=' || (p > argument + 2 && p[-1] != '-'))
                                continue;
                        if (p == argument + 2) {
                                net_configure(NULL, keys[i], value + 1);
                                return true;
                        }
                        p[-1] = '\0';
                        net_configure(argument + 2, keys[i], value + 1);
                        return true;
                }
        }
        return false;
}

static void block_obey(const char *key, const char *device, const char *value)
{
        Block *b = block_find(device);

        if (!b)
                console_printf("there is no block device %s\n", device);
        else if (streq(key, "boots"))
                volume_count_boot(b);
        else if (streq(key, "fill"))
                volume_fill(b, *value == '\0' ? 0 : positive(value));
        else if (streq(key, "keys"))
                keys_list(b);
        else
                keys_prove(b, value);
}

/* The argument is cut in pieces on the way. */
static bool block_parse(char *argument)
{
        static const struct {
                const char *key;
                const char *device;
                bool has_value, needs_value;
        } keys[] = {
                        {"boots", "storage", false, false},
                        {"fill", "storage", true, false},
                        {"keys", "keys", false, false},
                        {"prove", "keys", true, true},
        };
        char *end = argument;

        while (*end != '\0' && *end != '=')
                end++;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                char *key = end - strlen(keys[i].key);

                if (key < argument + 2 || memcmp(key, keys[i].key, strlen(keys[i].key)) != 0 ||
                                (key > argument + 2 && (key[-1] != '-' || key == argument + 3)) ||
                                (*end == '=' ? !keys[i].has_value : keys[i].needs_value))
                        continue;
                if (key > argument + 2)
                        key[-1] = '\0';
                block_obey(keys[i].key, key > argument + 2 ? argument + 2 : keys[i].device,
                                *end == '=' ? end + 1 : end);
                return true;
        }
        return false;
}

static void argument_obey(char *argument)
{
        const char *value;

        if (!startswith(argument, "--") || ending_parse(argument) || network_parse(argument) ||
                        block_parse(argument) || machine_obey(argument) || links_obey(argument))
                return;

        if (streq(argument, "--hello"))
                console_printf("Hello, world\n");
        else if (streq(argument, "--flood"))
                flood(0);
        else if ((value = startswith(argument, "--flood=")))
                flood(positive(value));
        else if ((value = startswith(argument, "--long-line=")))
                long_line(positive(value));
        else if ((value = startswith(argument, "--say=")))
                say(value);
        else if (streq(argument, "--binary"))
                binary();
        else if ((value = startswith(argument, "--tick=")))
                tick_ms = positive(value);
        else if ((value = startswith(argument, "--serve=")))
                tcp_listen((unsigned)positive(value));
        else if ((value = startswith(argument, "--status=")))
                tcp_set_status((unsigned)positive(value));
        else if ((value = startswith(argument, "--deaf-until=")))
                net_set_deaf(positive(value) * 1000, 0);
        else if ((value = startswith(argument, "--deaf-from=")))
                net_set_deaf(0, positive(value) * 1000);
        else if (streq(argument, "--dhcp"))
                asks_dhcp = true;
        else if (streq(argument, "--dhcp-greedy"))
                greedy = 1;
        else if (streq(argument, "--dhcp-greedy=id"))
                greedy = 2;
        else if ((value = startswith(argument, "--name=")))
                host_name = value;
        else if (streq(argument, "--no-poweroff"))
                power_off_works = false;
}

_noreturn_ static void end(void)
{
        switch (ending) {
        case ENDING_EXIT:
                guest_exit(exit_status);
        case ENDING_ABORT:
                guest_abort();
        case ENDING_TRAP_PAGE_FAULT:
                cpu_page_fault();
                break;
        case ENDING_TRAP_INVALID_OPCODE:
                cpu_invalid_instruction();
                break;
        case ENDING_HALT:
                console_printf("Solo5: Halted\n");
                break;
        case ENDING_NO_NEWLINE:
                console_write(last_text, strlen(last_text));
                power_off(true);
                break;
        case ENDING_QUIET_POWEROFF:
                power_off(true);
                break;
        case ENDING_RESET:
                reset();
                break;
        case ENDING_TRIPLE_FAULT:
                triple_fault();
                break;
        case ENDING_QUIET_HALT:
        case ENDING_NONE:
                break;
        }
        cpu_halt();
}

static bool time_is_due(void)
{
        return (ending != ENDING_NONE && timer_ms >= end_ms) ||
               (tick_ms > 0 && timer_ms >= (n_ticks + 1) * tick_ms);
}

static bool input_is_there(void)
{
        return !manifest_entries && uart_has_input();
}

static bool work_is_there(void)
{
        return net_pending() || time_is_due() || input_is_there() || links_are_due();
}

static void input_echo(void)
{
        static char line[INPUT_MAX];
        static size_t n;
        char c;

        while (uart_has_input()) {
                c = uart_read();
                if (c != '\n' && c != '\r' && n < sizeof(line)) {
                        line[n++] = c;
                        continue;
                }
                console_printf("echo: ");
                console_write(line, n);
                console_putc('\n');
                n = 0;
        }
}

_noreturn_ static void serve(void)
{
        asks_dhcp = (asks_dhcp || greedy > 0) && net_ask_dhcp(host_name, greedy);
        links_begin();
        if (links_timer_ms() > 0)
                timer_start(links_timer_ms());
        else if (tick_ms > 0 || end_ms > 0 || asks_dhcp || net_is_deaf_at_times())
                timer_start(tick_ms > 0 && tick_ms < 10 ? 1 : 10);
        if (!manifest_entries)
                uart_listen();

        for (;;) {
                net_serve();
                links_continue();
                if (asks_dhcp)
                        net_continue();
                if (!manifest_entries)
                        input_echo();
                while (tick_ms > 0 && timer_ms >= (n_ticks + 1) * tick_ms)
                        console_printf("tick %lu\n", ++n_ticks);
                if (ending != ENDING_NONE && timer_ms >= end_ms)
                        end();
                cpu_wait(work_is_there);
        }
}

void guest_main(uint64_t magic, uint64_t info)
{
        boot_read(magic, info);
        arguments_split();
        console_silent = arguments_have("--silent");
        uart_init();
        cpu_init();

        console_printf("SHRUTHI test guest\n");
        console_printf("memory: %lu KiB\n", boot_memory_size / 1024);
        if (boot_cmdline_cut)
                console_printf("Solo5: warning: command line too long, truncated\n");
        for (unsigned i = 0; i < n_arguments; i++)
                console_printf("argument: %s\n", arguments[i]);

        pci_attach_all();
        for (unsigned i = 0; i < n_arguments; i++)
                argument_obey(arguments[i]);
        net_start();
        serve();
}
