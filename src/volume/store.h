/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/containers.h"
#include "common/error.h"
#include "common/users.h"
#include "volume/lock.h"

/* Volumes: storage of guests with a life of its own. Below paths_volumes() each has a folder, NAME/, with
 * "data", a raw and sparse file that QEMU opens, and "volume", which names the owner. shruthid and the
 * runner's helper write them, both as user shruthi, at the same time: changes are made under a lock, beside
 * their place, flushed to disk and renamed; the next writer removes the remains of one that died.
 *
 * One writer or many readers at a time: QEMU's own locks on the data enforce that, and the kernel keeps them
 * as long as QEMU lives. volume_look() sees them.
 *
 * All functions block and may be called from any thread. The caller checks who may call, and whether a
 * definition names the volume. */

#define VOLUME_NAME_MAX 131 /* 63 + '-' + 67: every UNIKERNEL-DEVICE has room */
#define VOLUME_SIZE_UNIT 512
#define VOLUME_SIZE_MAX (UINT64_C(1) << 46) /* 64 TiB */

typedef struct Volume {
        char *name;
        uint64_t size;      /* bytes that the guest sees */
        uint64_t allocated; /* bytes that it takes on the host's disk now */
        uid_t owner;
        gid_t group;        /* whose members share it; GID_INVALID if none */
        uint64_t created;   /* µs since the epoch */
} Volume;

void volume_free(Volume *volume);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Volume, volume_free)
DEFINE_DESTROY(volume)

/* What one owner may have: VolumesSizeMaxPerUser= and VolumesMaxPerUser=. */
typedef struct VolumeLimits {
        uint64_t size_max_user; /* bytes of all together, as guests see them; UINT64_MAX: no limit */
        unsigned max_user;      /* how many; UINT_MAX: no limit */
        uint64_t free_min;      /* bytes that stay free on the file system whatever is imported */
} VolumeLimits;

/* A name: 1 to VOLUME_NAME_MAX of a–z, A–Z, 0–9, '-', '_' and '.', beginning with a letter or digit. The
 * second form with a message: INVALID_NAME. */
bool volume_name_is_valid(const char *name);
int volume_name_check(const char *name, Error *ret_error);

/* Whether a volume can have that size: a multiple of 512 bytes, at least that much. INVALID_ARGS. */
int volume_size_check(uint64_t size, Error *ret_error);

/* The path of the data, which has no spaces, even if it does not exist; NULL if name is not valid. Free with
 * g_free(). */
char *volume_path(const char *name);

/* Creates a volume of zeros, which takes no room until it is written. When it returns 0 the volume is on
 * disk. limits NULL: none. INVALID_NAME, INVALID_ARGS (size), VOLUME_EXISTS, LIMIT_EXCEEDED, FAILED. */
int volume_create(const char *name, uint64_t size, uid_t owner, gid_t group, const VolumeLimits *limits,
                Error *ret_error);

typedef struct VolumeContent {
        int fd;        /* a regular file or a block device, open for reading */
        uint64_t size; /* of the volume: at least the content's; 0: the content's, rounded up to 512 */
        bool raw;      /* import it unchanged, whatever format it has */
} VolumeContent;

/* Creates a volume with that content, read from its beginning, whatever the descriptor's position, which
 * stays; zeros follow. Holes stay holes, zeros become holes. Others are not kept waiting meanwhile.
 * INVALID_ARGS (fd, a size too small, or another format), BUSY (the content was written meanwhile), and as
 * volume_create(). */
int volume_import(const char *name, const VolumeContent *content, uid_t owner, gid_t group,
                const VolumeLimits *limits, Error *ret_error);

/* Reads what is known about a volume. NO_SUCH_VOLUME; INVALID_NAME. */
int volume_load(const char *name, Volume **ret_volume, Error *ret_error);

/* All volumes, sorted by name: elements Volume. A volume whose folder is damaged is left out. */
int volume_list(GPtrArray **ret_volumes, Error *ret_error);

/* Makes the volume larger, with zeros at the end; a guest sees that from its next start on. The current size
 * is no error. limits are those of the volume's owner. INVALID_ARGS if smaller; NO_SUCH_VOLUME,
 * LIMIT_EXCEEDED. */
int volume_resize(const char *name, uint64_t size, const VolumeLimits *limits, Error *ret_error);

/* Opens a descriptor that can only read the volume. Refused while a guest writes it (VOLUME_IN_USE); and as
 * long as the descriptor, or one passed on, is open, no guest that writes it can start, whatever becomes of
 * the lock that the descriptor carries: so its content is of one moment. Waits for those whose turn it
 * is. */
int volume_export(const char *name, int *ret_fd, Error *ret_error);

/* Removes the volume with its content, which takes no room from then on, whoever may have it open. The
 * caller knows that no definition names it. VOLUME_IN_USE while somebody uses it. */
int volume_remove(const char *name, Error *ret_error);

/* Removes the remains of processes that died while they created or removed a volume. */
void volume_store_clean(void);

/* How the volume is used right now, by QEMU or by a reader of an export. The kernel does not say by whom. */
int volume_look(const char *name, VolumeUse *ret_use, Error *ret_error);

/* Forgets that the volume was exported, if none of those descriptors is open any more. Call it in a writer's
 * turn, in which nobody exports it. */
void volume_settle_exports(const char *name);

/* Waits until nobody else is about to open the volume in a way that conflicts with ours, and keeps that so
 * until *ret_fd is closed: if two QEMUs lock their data at the same moment, both may see the other and give
 * up. */
int volume_await_turn(const char *name, bool read_only, int *ret_fd, Error *ret_error);

/* The bytes of the file system of the volumes: those that can still be written, and all. */
int volume_space(uint64_t *ret_free, uint64_t *ret_total, Error *ret_error);

/* A file system with less than that left counts as full: one write may need more than a block, and file
 * systems keep some blocks for themselves. */
#define VOLUME_SPACE_LEAST (UINT64_C(64) * 1024)

/* Those of the volumes (their names, separated by spaces) that do not have all the room yet that they may
 * come to need, if their file system has less than least bytes left. NULL if there are none, or if that
 * cannot be determined. Free with g_free(). */
char *volume_list_short_of_space(const char *volumes, uint64_t least);
