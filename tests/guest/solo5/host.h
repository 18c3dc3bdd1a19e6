/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What both of Solo5's targets that have a tender (spt, hvt) give a guest, however it asks for it: by system calls
 * (spt/host.c), or by calls to the tender (hvt/host.c). The tender has attached the devices already.
 */

#include "guest.h"
#include "manifest.h"

/* What the tender says of a device, in ManifestEntry.runtime. */
typedef struct Attached {
        union {
                struct {
                        uint64_t capacity;
                        uint16_t block_size;
                } block;
                struct {
                        uint8_t mac[6];
                        uint16_t mtu;
                } network;
        };
        int32_t fd;
        int32_t unused;
        bool attached;
} Attached;

extern const void *boot_manifest; /* boot.c: what the tender made of it */

const Attached *device_attached(unsigned entry); /* device.c: of manifest_entries[entry] */
void networks_drain(void);                       /* device.c: throws away what has come */
void console_flush(void);                        /* uart.c */

/* Each returns how much was read or written; 0 or less: nothing. Devices are entries, as above. */
long host_console_write(const char *data, size_t n);
long host_network_read(unsigned entry, void *frame, size_t n);
long host_network_write(unsigned entry, const void *frame, size_t n);
/* One block. */
bool host_block_transfer(unsigned entry, bool is_write, void *data, size_t n, uint64_t offset);

uint64_t host_now_ns(void);
/* Until a frame has come, or for so long; 0: without end. */
void host_wait(uint64_t ns);
void host_trap_init(void);

enum {
        BREAK_ARGUMENTS = 5,
};

/* machine.c of the target: its part of --break=, see solo5/machine.c. The second returns false for what it does not
 * know. */
void break_call(long number, long *arguments);
bool break_otherwise(const char *what);
