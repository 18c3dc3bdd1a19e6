/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/containers.h"
#include "common/error.h"

/* A capture: frames of some members, or of all, into a file of a client. A thread of its own writes it,
 * since a file may be slow, and a pipe is as slow as who reads it; what it does not keep up with is dropped
 * and counted. */

#define CAPTURE_WAITING_MAX (16 * 1024 * 1024) /* bytes that are not written yet */

typedef struct Capture Capture;

/* done_fd: an eventfd(2) that is told when it is whole after capture_finish(). members NULL: all.
 * INVALID_ARGS: fd is neither a regular file nor a pipe. */
int capture_new(int *taken_fd, uint64_t max_bytes, uint32_t snaplen, char *const *members, int done_fd,
                Capture **ret_capture, Error *ret_error);

/* Waits for its thread, after capture_abandon() not for long. */
void capture_free(Capture *capture);
DEFINE_DESTROY(capture)

/* A frame of the member, on an interface with a key of its own and a name that is shown. nsec: of
 * CLOCK_REALTIME. */
bool capture_wants(const Capture *capture, const char *member);
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
