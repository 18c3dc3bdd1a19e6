/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "common/error.h"
#include "daemon/core/manager.h"
#include "daemon/state/guest.h"
#include "daemon/state/unit-status.h"
#include "unikernel/definition.h"
#include "unikernel/timestamps.h"

/* One unikernel as it is: its definition as the registry last read it, its unit as systemd last told, and
 * the state that follows from the two. unikernel-bus.c is how the bus sees it.
 *
 * state/ owns what is: unikernels and the registry that reads them, systemd's view of them and its jobs,
 * networks with what libvirt has of them. It reads and follows, and of what it drives only systemd's jobs
 * change anything; definitions and networks are changed by change/. Who changes or shows them (change/,
 * bus/) calls it. */

typedef enum UnikernelState {
        UNIKERNEL_STOPPED,
        UNIKERNEL_STARTING,
        UNIKERNEL_RUNNING,
        UNIKERNEL_PAUSED, /* by libvirt or QEMU, behind our back */
        UNIKERNEL_STOPPING,
        UNIKERNEL_FAILED,
        UNIKERNEL_BROKEN,
        _UNIKERNEL_STATE_MAX,
        _UNIKERNEL_STATE_INVALID = -EINVAL,
} UnikernelState;

const char *unikernel_state_to_string(UnikernelState state);
UnikernelState unikernel_state_from_string(const char *text);

/* What the registry found. definition and problem are never both set; neither: there is no definition (any
 * more). */
typedef struct LoadedDefinition {
        Definition *definition;
        char *problem;    /* why it is broken, with file and line */
        uint64_t generation; /* which of the kept texts it is; 0: none, as before its first change */
        char *owner_name; /* resolved where it may block; the number as text where the user has no name */
        char *group_name; /* "" if none */
} LoadedDefinition;

void loaded_definition_clear(LoadedDefinition *loaded);

/* What everybody may see: the properties, all derived from the two above. */
typedef struct UnikernelProperties {
        UnikernelState state;
        uid_t owner;
        bool autostart;
        uint64_t generation; /* LoadedDefinition's */
        char *health; /* of a guest that is ready: "unknown", "healthy" or "failing"; "": nothing is checked
                       */
        bool cut_off; /* it runs, and one of its networks has lost its bridge */
        char *result;
        int64_t exit_status;
        char *invocation_id;
        uint64_t state_change, active_enter, inactive_enter;
        bool needs_restart; /* it runs with something else than its definition says */
} UnikernelProperties;

/* What we saw ourselves of the last start that we were asked for. */
typedef struct OwnStart {
        char *invocation_id; /* the run that it led to; NULL: there was none */
        Timestamps timestamps;
} OwnStart;

typedef struct Unikernel {
        Manager *manager;
        char *name, *unit, *path;
        char uuid[37];
        LoadedDefinition loaded;
        UnitStatus status;
        char *forgotten; /* what systemd says of this invocation ("": of none) is of another of that
                            name; until it runs */
        UnikernelProperties properties;
        char *reason;        /* how the last run ended, in words; not for everybody */
        ErrorCode end_error; /* why it did not begin; _ERROR_CODE_INVALID: it did, or not known */
        bool announced;      /* UnikernelNew was sent */
        Definition *running; /* what its guest was started with, where that is not what the definition
                                says; NULL: it is, or not known */
        bool compared;       /* running is true for this run and this definition */
        sd_event_source *look_source; /* the next look at what systemd is about to say; NULL: none */
        OwnStart own_start;
} Unikernel;

/* Makes one and puts it into the manager's tables; it is announced by unikernel_refresh(). */
int unikernel_new(Manager *manager, const char *name, Unikernel **ret_unikernel);
void unikernel_free(Unikernel *unikernel);
DEFINE_DESTROY(unikernel)

Unikernel *unikernel_get(Manager *manager, const char *name);

/* The same, made if there is none: a unit may be there before its definition, and unikernel_refresh()
 * decides whether it is one of ours. NULL: no name of one. */
Unikernel *unikernel_acquire(Manager *manager, const char *name);

/* INVALID_NAME or NO_SUCH_UNIKERNEL. */
int unikernel_find(Manager *manager, const char *name, Unikernel **ret_unikernel, Error *ret_error);

/* The registry has read NAME (again); takes what is in loaded. */
void unikernel_apply_loaded(Manager *manager, const char *name, LoadedDefinition *loaded);

/* Derives what is shown; tells the bus what changed; lets go of it when neither definition nor running unit
 * is left, in which case it returns NULL. */
Unikernel *unikernel_refresh(Unikernel *unikernel);

/* What its guest runs with, and where it does not run, what a start would take; NULL: there is no definition
 * that can be read, and none known. */
const Definition *unikernel_effective(const Unikernel *unikernel);

/* What systemd knows of its last run is not of this one, but of another that had its name. */
void unikernel_forget_run(Unikernel *unikernel);

/* A start that we were asked for has ended. What we saw of it belongs to the run that is there now, unless
 * that is the one that was there before (before: its invocation ID, or NULL). */
void unikernel_note_start(Unikernel *unikernel, const char *before, const Timestamps *timestamps);

/* Never NULL: "root" where there is no definition that can be read. */
const char *unikernel_owner_name(const Unikernel *unikernel);
const char *unikernel_group_name(const Unikernel *unikernel);

/* Whether its unit is neither inactive nor failed, or its guest runs on without. */
bool unikernel_is_active(const Unikernel *unikernel);

/* NOT_RUNNING with the message for that. */
int unikernel_refuse_inactive(const char *name, Error *ret_error);

/* The two together. */
int unikernel_check_active(const Unikernel *unikernel, Error *ret_error);

/* Whether its guest runs, and its runner was killed and is being brought back by systemd. */
bool unikernel_is_without_runner(const Unikernel *unikernel);

/* The state that follows from systemd's words, the guest and the definition. before is the one until now,
 * running where nothing is known of that; stopping: systemd is at a stop of ours. Pure.
 *
 *     the unit is             the state is
 *     active                  running, or paused
 *     activating              starting
 *     deactivating            stopping
 *     failed, inactive        failed, stopped; or broken, by the definition
 *
 * but where a runner was killed and systemd brings it back, its unit goes through all of these while the
 * guest runs on: then it is running or paused all the time, or stopping if that is what was asked for; and
 * one that was not ready yet is starting all the time. */
UnikernelState unikernel_derive_state(const UnitStatus *status, const Guest *guest, UnikernelState before,
                bool stopping, bool broken);

/* The first three lines of it, and the last. */
UnikernelState unikernel_state_of_unit(const char *active_state);

/* There is a guest, whether it goes on or not. */
bool unikernel_state_is_up(UnikernelState state);

/* "/org/dream/Shruthi/unikernel/ESCAPED". Free with g_free(). */
char *unikernel_path(const char *name);
