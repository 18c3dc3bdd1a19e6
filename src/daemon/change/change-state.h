/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* Where a change is on its way through the loop. Pure.
 *
 *     NEW ──► LISTING_NETWORKS ──► WORKING ◄──► AUTHORIZING
 *                                     │
 *              ┌──────────────────────┼──────────────┐
 *              ▼                      ▼              ▼
 *          ALLOCATING ────────────► WRITTEN ◄─── RELEASING
 *              │ failed               │
 *              ▼                      ├──────► FORGETTING ──► FETCHING
 *           UNDOING                   ▼             │            │
 *              ▼                   READING ◄────────┴────────────┘
 *         GIVING_BACK                 │
 *              │                      ├──────► RELOADING
 *              │                      ▼             │
 *              └───────────────────► ENDED ◄────────┘
 *
 * From WORKING it also goes to ENDED at once where nothing was written: a dry run, or an update to what is
 * there. Steps that a change does not need are left out; each that fails, but for ALLOCATING, leads to ENDED
 * or is of no consequence. AUTHORIZING is over when polkit answers, after polkit.c's timeout, or when the
 * caller leaves; the last two are a no. */
typedef enum ChangeState {
        CHANGE_NEW,
        CHANGE_LISTING_NETWORKS, /* shruthi-domain tells which networks there are */
        CHANGE_WORKING,          /* a thread has the request */
        CHANGE_AUTHORIZING,      /* polkit is asked for an administrator */
        CHANGE_ALLOCATING,       /* shruthi-domain gives addresses to what was created */
        CHANGE_RELEASING,        /* shruthi-domain takes back those of what was changed or removed */
        CHANGE_UNDOING,          /* a thread takes back what was created */
        CHANGE_GIVING_BACK,      /* and shruthi-domain its addresses */
        CHANGE_WRITTEN,          /* it is told to the journal */
        CHANGE_FORGETTING,       /* systemd forgets how the last run of that name ended */
        CHANGE_FETCHING,         /* and tells what it still knows of it */
        CHANGE_READING,          /* the registry reads the definition */
        CHANGE_RELOADING,        /* systemd reads its units */
        CHANGE_ENDED,            /* it is answered */
        _CHANGE_STATE_MAX,
        _CHANGE_STATE_INVALID = -EINVAL,
} ChangeState;

typedef enum ChangeEvent {
        CHANGE_EVENT_DONE,
        CHANGE_EVENT_FAILED,
        CHANGE_EVENT_NEEDS_ADMINISTER,
        CHANGE_EVENT_UNWRITTEN, /* done, and nothing is other than it was */
        _CHANGE_EVENT_MAX,
} ChangeEvent;

/* What a change needs of the steps that not all need. */
typedef enum ChangeNeeds {
        CHANGE_NEEDS_NETWORKS = 1 << 0,
        CHANGE_NEEDS_ALLOCATE = 1 << 1,
        CHANGE_NEEDS_RELEASE = 1 << 2,
        CHANGE_NEEDS_FORGET = 1 << 3,
        CHANGE_NEEDS_RELOAD = 1 << 4,
} ChangeNeeds;

/* _CHANGE_STATE_INVALID where nothing leads on. */
ChangeState change_state_next(ChangeState state, ChangeEvent event, unsigned needs);

/* The thread has done its work well: what is on disk is not what it was. */
bool change_state_is_worked(ChangeState state);
