/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/change/settings.h"
#include "daemon/state/network.h"

/* Making, changing and removing a definition. change.c takes a call through its steps in the loop: one
 * change of a name at a time, what exists on this host, the thread, polkit once more where an administrator
 * is needed, systemd, the registry, the answer. change-work.c is what happens in the thread. */

typedef enum ChangeKind {
        CHANGE_CREATE,
        CHANGE_SETTINGS,
        CHANGE_DEFINITION, /* the whole text */
        CHANGE_REMOVE,
} ChangeKind;

/* What a unikernel counts for in its owner's share. */
typedef struct Share {
        uid_t uid;
        uint64_t memory; /* with QEMU's own */
        unsigned cpus;
        unsigned addresses; /* of change_count_addresses(), by whom has its networks */
} Share;

Share share_of(const Definition *definition, const Conf *conf);

/* A subnet of one of libvirt's networks. */
typedef struct ChangeSubnet {
        Subnet subnet;
        char *bridge, *network;
} ChangeSubnet;

typedef struct Change {
        ChangeKind kind;
        Call *call;
        char *name;
        uid_t uid;  /* the caller's */
        char *user; /* their name, looked up in the thread; NULL: not yet */
        SharedConf *conf;

        /* What is asked for. */
        Settings *settings; /* never NULL */
        char *text;         /* CHANGE_DEFINITION */
        int image_fd;       /* or -EBADF */
        char *image_digest; /* or NULL */
        char *image_path;   /* or NULL */

        /* What the loop knows. */
        bool administer;    /* polkit has let the caller */
        GArray *shares;     /* Share: of all other unikernels */
        bool have_networks; /* of this host; else they are not checked */
        char **bridges, **networks;
        GPtrArray *subnets; /* ChangeSubnet: of libvirt's networks */
        GPtrArray *claims;  /* NetworkClaim: of our networks */

        /* What the thread found. */
        int result; /* 0, or a negative errno with error */
        Error error;
        bool needs_administer; /* it stopped before anything was done, and would go on if the caller may */
        bool reload;           /* systemd has something to learn */
        bool addresses;     /* a device is to be given one before the answer, or has some to be given back */
        char *image;        /* digest, for the journal */
        char **taken_over;  /* CHANGE_CREATE: drop-ins that were there for that name; NULL: not known */
        uid_t owner;        /* of what was written; of what is to be removed */
        Share share;        /* of what was written */
        bool written;       /* the loop knows it, and the registry has not read it yet */
        GPtrArray *volumes; /* names of those that were made for the definition; NULL: none */
        char *pinned[2]; /* digests of image and initrd, held against pruning until the definition names them
                          */
} Change;

/* Takes call. The others are filled in by the caller before change_start(), which takes change and answers
 * its call. */
Change *change_new(Call *call, ChangeKind kind);
void change_start(Change *change);

/* What all other unikernels count for, those included that have been written and not been read back. */
GArray *change_count_shares(const Change *change);

/* change-networks.c: whether the caller may use what a device names (old is the device as it was, or
 * NULL); network_count_addresses(); keeps the networks from being removed until the descriptor is closed
 * (-EBADF: none is another's to remove), or says that one is no more what it was. */
int change_check_network(Change *change, const DefinitionDevice *device, const DefinitionDevice *old);
unsigned change_count_addresses(const Change *change, const Definition *definition);
int change_hold_networks(Change *change, const Definition *definition, int *ret_lock);

/* change-volumes.c: whether the caller may use what a device names (old is the device as it was, or NULL);
 * makes what the definition wants and is not there; takes that away again, where the definition is not
 * written. */
int change_check_volume(Change *change, const Definition *definition, const DefinitionDevice *device,
                const DefinitionDevice *old);
int change_make_volumes(Change *change, const Definition *definition);
void change_unmake_volumes(Change *change);

/* Whether the fields in the arguments will have a value, as far as it is known which addresses there are: on
 * networks of ours, and bridges that shruthi.conf tells of. */
int change_check_fields(Change *change, const Definition *definition);

/* change-memory.c: what the guest is to have; refuses what its image (info, NULL: not known yet) cannot be
 * loaded into or cannot use, and what this host has not got, unless it is as it was. */
int change_check_memory(Change *change, const Definition *definition, const Definition *old,
                const ImageInfo *info, uint64_t *ret_memory);

/* Ends a step for want of an administrator, with the error that they would not get. */
int change_needs_administer(Change *change, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* change-work.c. The second takes back a definition that was just made. */
void change_work(Change *change);

/* The files of it; and before anybody is served, those of a removal that was cut short. */
int change_remove(Change *change);
void change_finish_removals(void);
void change_undo(Change *change);
