/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* The generations of a unikernel: each text that its definition has had, as a file
 * /var/lib/shruthi/generations/NAME/NUMBER (0640, user shruthi): a header [Generation], an empty line, and
 * the text to the byte, as NAME.unikernel of /var/lib had it, without drop-ins. Written by shruthid before
 * the definition itself, so that no text is ever in force that is not kept. Which one is in force is not
 * written down: it is the one that the definition's text says. Written and read in threads. */

typedef enum GenerationState {
        GENERATION_SET,      /* by set, edit and the like, or found there: nobody has proven it */
        GENERATION_PROVING,  /* an update is at it */
        GENERATION_PROVEN,   /* it held through an update */
        GENERATION_UNPROVEN, /* the update was ended before it was known */
        GENERATION_FAILED,   /* and was taken back; reason says why */
        _GENERATION_STATE_MAX,
        _GENERATION_STATE_INVALID = -EINVAL,
} GenerationState;

const char *generation_state_to_string(GenerationState state); /* "set", "proving", … */
GenerationState generation_state_from_string(const char *text);

typedef struct Generation {
        uint64_t number; /* from 1 */
        uint64_t time;   /* µs since the epoch: when it was made */
        uid_t user;      /* who made it */
        char *image;     /* digest of what Image= was then; NULL: not known */
        char *initrd;    /* the same of Initrd=; NULL: none, or not known */
        GenerationState state;
        char *invocation; /* of GENERATION_FAILED: the unit's, of the run that failed; NULL: not known */
        char *reason;     /* of GENERATION_FAILED and _UNPROVEN: a message; else NULL */
        char *text;
} Generation;

void generation_free(Generation *generation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Generation, generation_free)

/* The file's content, and back; pure. Keys that are not known are those of a newer version. */
char *generation_format(const Generation *generation);
int generation_parse(const char *text, size_t size, Generation **ret_generation);

/* NO_SUCH_GENERATION, with those that there are. */
int generation_read(const char *name, uint64_t number, Generation **ret_generation, Error *ret_error);

/* All that can be read, the oldest first; none is no error. */
GPtrArray *generations_list(const char *name);

/* Puts it there with fsync, in place of the one of that number. */
int generation_write(const char *name, const Generation *generation, Error *ret_error);

/* The same with another state. */
int generation_mark(const char *name, uint64_t number, GenerationState state, const char *invocation,
                const char *reason, Error *ret_error);

/* One that has the text in force: the newest that did not fail, or else the newest. NULL: none. Pure. */
Generation *generations_find_text(const GPtrArray *generations, const char *text);

/* The number of the generation that has the text in force, or 0: as the list would tell, without reading
 * more of them than it takes. */
uint64_t generation_find_current(const char *name, const char *text);

Generation *generations_find(const GPtrArray *generations, uint64_t number);

/* What a rollback goes to unless it is told: the newest before number that did not fail; NULL: none. Pure.
 */
Generation *generations_find_former(const GPtrArray *generations, uint64_t number);

/* Removes the oldest beyond keep, but for these two. */
void generations_trim(const char *name, unsigned keep, uint64_t in_force, uint64_t other);

/* Removes all of NAME's, which is gone. */
void generations_remove(const char *name);

/* The names that have any. Free with g_strfreev(). */
char **generations_list_names(void);
