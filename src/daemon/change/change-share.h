/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/libvirt-helper.h"
#include "daemon/core/manager.h"

/* Requests to shruthi-domain that several changes of one user share. While one is under way, those that come
 * wait, and all of them are the next one: so each is answered by a request that began after it, and a
 * thousand changes cost a few dozen requests. Alone, it is a request like any other. For the loop. */

typedef enum ChangeShareKind {
        CHANGE_SHARE_NETWORKS,  /* lists the networks */
        CHANGE_SHARE_LISTENERS, /* … and the programs that listen */
        CHANGE_SHARE_ALLOCATE,  /* addresses of a unikernel */
        CHANGE_SHARE_RELEASE,
        _CHANGE_SHARE_MAX,
        _CHANGE_SHARE_INVALID = -EINVAL,
} ChangeShareKind;

typedef struct ChangeShare ChangeShare;

/* name is that of the unikernel; it is copied. done gets the error of its own name, and the output only of
 * the first two kinds. */
void change_share_run(Manager *manager, ChangeShareKind kind, uid_t uid, const char *name,
                LibvirtHelperDone done, void *userdata);

/* Of many changes at once each says that it will come, and that it has come, or will not after all: until
 * then requests wait, but for full ones. */
void change_share_expect(Manager *manager, ChangeShareKind kind, uid_t uid);
void change_share_expect_no_more(Manager *manager, ChangeShareKind kind, uid_t uid);

/* For manager->shares. */
GHashTable *change_shares_new(void);
