/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "common/error.h"
#include "daemon/core/manager.h"
#include "daemon/state/guest.h"
#include "daemon/state/loaded-definition.h"
#include "daemon/state/unit-status.h"
#include "unikernel/timestamps.h"

/* A unikernel: its definition as the registry last read it, its unit as systemd last reported it, and the
 * state that follows from the two. unikernel-bus.c shows it on the bus.
 *
 * state/ owns the current state: unikernels and the registry that reads them, systemd's units and jobs,
 * networks and what libvirt has of them. It reads and follows; the only changes it makes are systemd's jobs,
 * while change/ changes definitions and networks. change/ and bus/ call it. */

typedef enum UnikernelState {
        UNIKERNEL_STOPPED,
        UNIKERNEL_STARTING,
        UNIKERNEL_RUNNING,
        UNIKERNEL_PAUSED, /* by libvirt or QEMU, not through us */
        UNIKERNEL_STOPPING,
        UNIKERNEL_FAILED,
        UNIKERNEL_BROKEN,
        _UNIKERNEL_STATE_MAX,
        _UNIKERNEL_STATE_INVALID = -EINVAL,
} UnikernelState;

const char *unikernel_state_to_string(UnikernelState state);
UnikernelState unikernel_state_from_string(const char *text);

/* The properties, which everybody may see. All are derived from the definition and the unit. */
typedef struct UnikernelProperties {
        UnikernelState state;
        uid_t owner;
        bool autostart;
        uint64_t generation; /* LoadedDefinition's */
        char *health; /* of a ready guest: "unknown", "healthy" or "failing"; "" if nothing is checked */
        bool cut_off; /* it runs, and the bridge of one of its networks is gone */
        char *result;
        int64_t exit_status;
        char *invocation_id;
        uint64_t state_change, active_enter, inactive_enter;
        bool needs_restart; /* it runs with settings that differ from its definition */
} UnikernelProperties;

/* What we observed of the last start that we were asked for. */
typedef struct OwnStart {
        char *invocation_id; /* the run that it led to; NULL if none */
        Timestamps timestamps;
} OwnStart;

typedef struct Unikernel {
        Manager *manager;
        char *name, *unit, *path;
        char uuid[37];
        LoadedDefinition loaded;
        UnitStatus status;
        char *forgotten; /* until it runs, ignore this invocation ("" for none): another unikernel's */
        UnikernelProperties properties;
        char *reason;        /* how the last run ended, in words; not public */
        ErrorCode end_error; /* why it did not begin; _ERROR_CODE_INVALID if it did, or not known */
        bool announced;      /* UnikernelNew was sent */
        Definition *running; /* what its guest was started with; NULL if the definition, or not known */
        bool compared;       /* running is up to date for this run and definition */
        sd_event_source *look_source; /* when to query systemd again; NULL if not planned */
        OwnStart own_start;
        char *fleet; /* key of the Fleet that counts it; NULL if none */
} Unikernel;

/* Creates a unikernel and adds it to the manager's tables; unikernel_refresh() announces it. */
int unikernel_new(Manager *manager, const char *name, Unikernel **ret_unikernel);
void unikernel_free(Unikernel *unikernel);
DEFINE_DESTROY(unikernel)

Unikernel *unikernel_get(Manager *manager, const char *name);

/* The same, but creates it if it does not exist: a unit may appear before its definition, and
 * unikernel_refresh() decides whether it is one of ours. NULL if name is not valid. */
Unikernel *unikernel_acquire(Manager *manager, const char *name);

/* Errors: INVALID_NAME, NO_SUCH_UNIKERNEL. */
int unikernel_find(Manager *manager, const char *name, Unikernel **ret_unikernel, Error *ret_error);

/* Called when the registry has read the definition of name (again). Takes the contents of loaded. */
void unikernel_apply_loaded(Manager *manager, const char *name, LoadedDefinition *loaded);

/* Derives the properties and tells the bus what changed. Frees the unikernel and returns NULL if neither a
 * definition nor a running unit is left. */
Unikernel *unikernel_refresh(Unikernel *unikernel);

/* The definition that its guest runs with or, if it does not run, that a start would use; NULL if there is
 * no readable definition and none is known. */
const Definition *unikernel_effective(const Unikernel *unikernel);

/* Ignores what systemd knows about the last run: it was of another unikernel with the same name. */
void unikernel_forget_run(Unikernel *unikernel);

/* Called when a start that we were asked for has ended. Its times belong to the current run, unless that is
 * still the previous run (before is its invocation ID, or NULL). */
void unikernel_note_start(Unikernel *unikernel, const char *before, const Timestamps *timestamps);

/* Never NULL: "root" if there is no readable definition. */
const char *unikernel_owner_name(const Unikernel *unikernel);
const char *unikernel_group_name(const Unikernel *unikernel);

/* Whether its unit is neither inactive nor failed, or its guest runs on without the unit. */
bool unikernel_is_active(const Unikernel *unikernel);

/* What becomes of traffic to a stopped one with Activation=traffic: "waiting" (it starts it), "refusing"
 * (its starts have failed, and clients are told so); "" where that is no question. */
const char *unikernel_activation_state(const Unikernel *unikernel);

/* Sets NOT_RUNNING with its message. */
int unikernel_refuse_inactive(const char *name, Error *ret_error);

/* BUSY for the twin of a unikernel (name_is_twin()): only a rolling update changes or starts it. */
int unikernel_check_own(const char *name, Error *ret_error);

/* Returns NOT_RUNNING if it is not active. */
int unikernel_check_active(const Unikernel *unikernel, Error *ret_error);

/* Whether its guest runs while its killed runner is being restarted by systemd. */
bool unikernel_is_without_runner(const Unikernel *unikernel);

/* The state that follows from the unit, the guest and the definition. before is the state until now, running
 * if that is not known; stopping says that systemd is executing a stop of ours. Pure.
 *
 *     the unit is             the state is
 *     active                  running, or paused
 *     activating              starting
 *     deactivating            stopping
 *     failed, inactive        failed, stopped; or broken, by the definition
 *
 * Exception: if the runner was killed and systemd restarts it, the unit goes through all of these while the
 * guest runs on. Then the state stays running or paused, or becomes stopping if a stop was asked for; a
 * unikernel that was not ready yet stays starting. */
UnikernelState unikernel_derive_state(const UnitStatus *status, const Guest *guest, UnikernelState before,
                bool stopping, bool broken);

/* Returns the state for the unit alone, by the table above. */
UnikernelState unikernel_state_of_unit(const char *active_state);

/* Whether there is a guest, running or paused. */
bool unikernel_state_is_up(UnikernelState state);

/* "/org/dream/Shruthi/unikernel/ESCAPED". Free with g_free(). */
char *unikernel_path(const char *name);
