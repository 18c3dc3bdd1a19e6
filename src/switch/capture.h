/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/containers.h"
#include "common/error.h"
#include "switch/protocol.h"

/* A capture: frames of some members or links, or of all, into a file of a client. A thread of its own writes
 * it, since a file may be slow, and a pipe is as slow as who reads it; what it does not keep up with is
 * dropped and counted. */

#define CAPTURE_WAITING_MAX    (16 * 1024 * 1024) /* bytes that are not written yet */
#define CAPTURE_INTERFACES_MAX 65536              /* of a file: there may be a million links */

typedef struct Capture Capture;

/* What SWITCH_CAPTURE says. done_fd: an eventfd(2) that is told when it is whole after capture_finish().
 * INVALID_ARGS: the filter cannot run, or fd is neither a regular file nor a pipe. */
int capture_new(const SwitchRequest *request, int *taken_fd, int done_fd, Capture **ret_capture,
                Error *ret_error);

/* Waits for its thread, after capture_abandon() not for long. */
void capture_free(Capture *capture);
DEFINE_DESTROY(capture)

bool capture_is_by_link(const Capture *capture);
bool capture_wants(const Capture *capture, const char *member, const uint8_t *frame, size_t size);
bool capture_wants_link(
                const Capture *capture, const char *from, const char *to, const uint8_t *frame, size_t size);

/* A frame, on an interface with a key of its own and a name that is shown. nsec: of CLOCK_REALTIME. */
void capture_add(Capture *capture, const char *key, const char *name, bool sent, uint64_t nsec,
                const uint8_t *frame, size_t size);

/* Has the thread write what waits. Called now and then. */
void capture_flush(Capture *capture);

/* Has it write all, and end. */
void capture_finish(Capture *capture);
bool capture_is_finished(const Capture *capture);

/* Has the thread end wherever it is: with a pipe that nobody reads. */
void capture_abandon(Capture *capture);

/* "PACKETS BYTES DROPPED", of one that is finished. Free with g_free(). */
char *capture_statistics(const Capture *capture);
