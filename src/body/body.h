/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/containers.h"
#include "common/error.h"
#include "helper/request.h"
#include "unikernel/exit-parser.h"
#include "unikernel/run-state.h"

/* The body of a unikernel: what its guest runs in. unikernel/ says what a unikernel is; this says what can
 * be asked of its body and what it answers. The runner, shruthid and the sweeper of shruthi-domain.service
 * ask through this.
 *
 * It assumes nothing about the caller: a request is words for shruthi-domain, which each caller has carried
 * out by its own event loop and in its own turn (run/body-call.h, daemon/core/libvirt-helper.h), and an
 * answer is read line by line. It does not matter whether there is a runner. Nothing here waits. Pure. */

typedef enum BodyOperation {
        /* For a unikernel that is about to be started: prepares what can be prepared. Promises nothing;
         * whatever makes it fail makes the start fail, too. */
        BODY_PREPARE,
        /* For a directory with the FIFOs of the console (unikernel/run-dir.h), read by the caller, who holds
         * the liveness token: BODY_ANSWER_FACTs, then BODY_ANSWER_UP. Fails with all that can be wrong with
         * a unikernel or a host; no guest is left then. If it is interrupted before its answer, it may leave
         * one. If its snapshot is requested, the guest continues from there. */
        BODY_START,
        /* For a guest that an earlier process started: BODY_ANSWER_UP or BODY_ANSWER_GONE. Fails if that
         * cannot be determined. */
        BODY_ADOPT,
        /* The same, and continues until the guest's end: BODY_ANSWER_ENDED. */
        BODY_WATCH,
        /* Ends the guest, and with it what was prepared. On success there is no guest, and everything is
         * cleaned up. Fails if that cannot be done or determined in time. */
        BODY_STOP,
        /* For a running guest: stops it where it is, with its memory, or continues it. Does nothing if that
         * is so already. Fails with ERROR_NOT_RUNNING. */
        BODY_PAUSE,
        BODY_RESUME,
        /* For a running guest: writes it with its memory to a snapshot (unikernel/snapshot.h), and ends it.
         * If it fails, the guest runs on. Fails with ERROR_NOT_RUNNING. */
        BODY_SAVE,
        /* For a running guest: what it has used. Fails with ERROR_NOT_RUNNING. */
        BODY_STATISTICS,
        /* The same for all running guests; takes no name. */
        BODY_STATISTICS_ALL,
        /* For a unikernel whose unit is over: ends what is left of its guest, but not if the unit has come
         * back, nor what was prepared. */
        BODY_SWEEP,
        /* The same, and ends what was prepared for a start that has not come. */
        BODY_SWEEP_PREPARED,
        _BODY_OPERATION_MAX,
        _BODY_OPERATION_INVALID = -EINVAL,
} BodyOperation;

/* NULL-terminated. Not copied: the name is the caller's. */
typedef struct BodyRequest {
        const char *words[DOMAIN_WORDS_MAX + 1];
} BodyRequest;

typedef enum BodyAnswerKind {
        BODY_ANSWER_NONE,     /* a line that is not known here */
        BODY_ANSWER_FACT,     /* about the guest: it is in the RunState now */
        BODY_ANSWER_IDENTITY, /* a fact that goes with each journal message: owner, image */
        BODY_ANSWER_HANDED,   /* the caller is to execute the guest with the descriptors that came
                               * (run/body-call.h), when the request has ended well */
        BODY_ANSWER_UP,       /* there is a guest. text: by what, or NULL if it was there before */
        BODY_ANSWER_GONE,     /* there is no guest */
        BODY_ANSWER_ENDED,    /* cause */
        BODY_ANSWER_NOTICE,   /* text, for the unikernel's journal */
        BODY_ANSWER_FAILED,   /* part of the reason, for body_failure_read() */
} BodyAnswerKind;

typedef struct BodyAnswer {
        BodyAnswerKind kind;
        const char *text;       /* of the line that was read */
        TerminationCause cause; /* as the body's host saw it */
} BodyAnswer;

/* The text of BODY_ANSWER_UP for a guest that the caller has executed. */
#define BODY_AS_PROCESS "process"

/* The guest's console. Whoever starts a guest reads what it writes from one FIFO, before there is a guest,
 * and serves copies on a socket, which others open. */
typedef enum BodyConsole {
        BODY_CONSOLE_OUTPUT, /* the FIFO that the guest writes */
        BODY_CONSOLE_INPUT,  /* the FIFO that it reads */
        BODY_CONSOLE_SOCKET,
        _BODY_CONSOLE_MAX,
        _BODY_CONSOLE_INVALID = -EINVAL,
} BodyConsole;

typedef enum BodyCounter {
        BODY_RECEIVED_BYTES, /* of a network device */
        BODY_RECEIVED_PACKETS,
        BODY_SENT_BYTES,
        BODY_SENT_PACKETS,
        BODY_READ_BYTES, /* of a block device */
        BODY_READ_REQUESTS,
        BODY_WRITTEN_BYTES,
        BODY_WRITE_REQUESTS,
        _BODY_COUNTER_MAX,
        _BODY_COUNTER_INVALID = -EINVAL,
} BodyCounter;

typedef struct BodyNumber {
        bool known;
        uint64_t value;
} BodyNumber;

typedef struct BodyDeviceStatistics {
        bool is_network; /* else a block device */
        char *name;      /* NULL if not known */
        char *addresses; /* those in use, separated by spaces; NULL if not known */
        BodyNumber counters[_BODY_COUNTER_MAX];
} BodyDeviceStatistics;

/* What one guest has used. */
typedef struct BodyStatistics {
        char *unikernel; /* NULL: the one that was asked about */
        BodyNumber cpu_time_usec;
        BodyNumber memory;  /* bytes that it has now */
        GPtrArray *devices; /* BodyDeviceStatistics, in the order of the definition */
} BodyStatistics;

typedef struct Body {
        BodyRequest (*request)(BodyOperation operation, const char *name);
        /* Parses one line of the answer; stores facts in run. */
        BodyAnswer (*read)(const char *key, const char *value, RunState *run);
        /* Parses the whole text of the answer to BODY_STATISTICS and BODY_STATISTICS_ALL: a BodyStatistics
         * for each guest in it. */
        GPtrArray *(*read_statistics)(const char *text);
        /* The path of that part of the console. Free with g_free(). */
        char *(*console)(const char *name, BodyConsole console);
} Body;

/* The body of a unikernel, by its name, which is all that every caller is sure to know. NULL: the body to
 * ask for BODY_STATISTICS_ALL. */
const Body *body_for(const char *name);

/* For bodies, which create them; unikernel may be NULL. */
BodyStatistics *body_statistics_new(const char *unikernel);
BodyDeviceStatistics *body_statistics_add_device(BodyStatistics *statistics, bool is_network);
void body_number_read(BodyNumber *number, const char *text); /* decimal; else it stays unchanged */

void body_statistics_free(BodyStatistics *statistics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BodyStatistics, body_statistics_free)
DEFINE_DESTROY(body_statistics)

/* Why an operation failed, as far as it is known. */
typedef struct BodyFailure {
        Result result;   /* RESULT_RUNNER if not known */
        ErrorCode error; /* _ERROR_CODE_INVALID if not known */
        char *message;   /* NULL if not known */
} BodyFailure;

#define BODY_FAILURE_INIT ((BodyFailure){.result = RESULT_RUNNER, .error = _ERROR_CODE_INVALID})

void body_failure_clear(BodyFailure *failure);
#define _cleanup_body_failure_ __attribute__((cleanup(body_failure_clear)))

/* Takes what a line says about the failure; ignores other lines. */
void body_failure_read(BodyFailure *failure, const char *key, const char *value);
