/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/lease.h"

/* Shared by lease-file.c, which knows how leases are stored on disk, and lease.c, which decides who gets
 * what. */

/* A network's folder, locked against all others. */
typedef struct LeaseFolder {
        const char *network; /* the key, owned by the caller */
        char *path;
        int lock_fd;
} LeaseFolder;

#define LEASE_FOLDER_INIT ((LeaseFolder){.lock_fd = -EBADF})

/* Waits for the lock. -ENOENT if there is no such folder and create is false. */
int lease_folder_lock(const char *network, bool create, LeaseFolder *ret);
void lease_folder_close(LeaseFolder *folder);
#define _cleanup_lease_folder_ __attribute__((cleanup(lease_folder_close)))

/* Removes a folder that has no leases, and its lock. */
int lease_folder_remove(LeaseFolder *folder);

bool lease_key_is_valid(const char *network);

/* Reads all leases of a network (or those of one unikernel) into leases (Lease); a missing folder has none.
 * Needs no lock. */
int lease_folder_read(const char *network, const char *unikernel, GPtrArray *leases);

/* Free with lease_free(). */
Lease *lease_copy(const Lease *lease);

/* The keys of all networks that have a folder. */
int lease_folder_list(char ***ret_networks);

/* The lease of an address, NULL if there is none. Fields that its file does not have stay NULL. */
Lease *lease_find(const LeaseFolder *folder, const Address *address);

/* The hardware addresses whose leases were released recently, one per line; NULL if none. Free with
 * g_free(). */
char *lease_released_read(const LeaseFolder *folder);
int lease_released_add(const LeaseFolder *folder, const char *mac);

int lease_write(const LeaseFolder *folder, const Address *address, const LeaseOwner *owner);
int lease_remove(const LeaseFolder *folder, const Address *address);
