/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* The states of a change in the event loop. Pure.
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
 * If nothing was written, WORKING leads directly to ENDED: a dry run, or an update that changes nothing.
 * Steps that a change does not need are skipped. A step that fails, except ALLOCATING, leads to ENDED or is
 * ignored. AUTHORIZING ends when polkit answers, after the timeout in polkit.c, or when the caller leaves;
 * the last two count as a no. */
typedef enum ChangeState {
        CHANGE_NEW,
        CHANGE_LISTING_NETWORKS, /* shruthi-domain lists the networks */
        CHANGE_WORKING,          /* a thread works on the request */
        CHANGE_AUTHORIZING,      /* polkit is asked for an administrator */
        CHANGE_ALLOCATING,       /* shruthi-domain allocates addresses for a new unikernel */
        CHANGE_RELEASING,        /* shruthi-domain releases those of a changed or removed one */
        CHANGE_UNDOING,          /* a thread removes what was created */
        CHANGE_GIVING_BACK,      /* shruthi-domain releases its addresses */
        CHANGE_WRITTEN,          /* it is logged to the journal */
        CHANGE_FORGETTING,       /* systemd forgets how the last run of that name ended */
        CHANGE_FETCHING,         /* and reports what it still knows of it */
        CHANGE_READING,          /* the registry reads the definition */
        CHANGE_RELOADING,        /* systemd reloads its units */
        CHANGE_ENDED,            /* it is answered */
        _CHANGE_STATE_MAX,
        _CHANGE_STATE_INVALID = -EINVAL,
} ChangeState;

typedef enum ChangeEvent {
        CHANGE_EVENT_DONE,
        CHANGE_EVENT_FAILED,
        CHANGE_EVENT_NEEDS_ADMINISTER,
        CHANGE_EVENT_UNWRITTEN, /* done, but nothing has changed */
        _CHANGE_EVENT_MAX,
} ChangeEvent;

/* The optional steps that a change needs. */
typedef enum ChangeNeeds {
        CHANGE_NEEDS_NETWORKS = 1 << 0,
        CHANGE_NEEDS_ALLOCATE = 1 << 1,
        CHANGE_NEEDS_RELEASE = 1 << 2,
        CHANGE_NEEDS_FORGET = 1 << 3,
        CHANGE_NEEDS_RELOAD = 1 << 4,
} ChangeNeeds;

/* Returns _CHANGE_STATE_INVALID if the event is not valid in that state. */
ChangeState change_state_next(ChangeState state, ChangeEvent event, unsigned needs);

/* Whether the thread has succeeded, so the files on disk have changed. */
bool change_state_is_worked(ChangeState state);
