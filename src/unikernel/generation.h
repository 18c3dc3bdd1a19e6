/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* The generations of a unikernel: each text that its definition has had, in a file
 * /var/lib/shruthi/generations/NAME/NUMBER (0640, user shruthi): a header [Generation], an empty line, and
 * exactly the text that NAME.unikernel of /var/lib had, without drop-ins. shruthid writes it before the
 * definition itself, so that every text in force has been kept. No file says which generation is in force:
 * it is the one with the definition's text. Written and read in threads. */

typedef enum GenerationState {
        GENERATION_SET,      /* by set, edit and the like, or found there: not proven */
        GENERATION_PROVING,  /* an update is in progress */
        GENERATION_PROVEN,   /* it passed an update */
        GENERATION_UNPROVEN, /* the update was ended before the outcome was known */
        GENERATION_FAILED,   /* the update failed and was undone; reason says why */
        _GENERATION_STATE_MAX,
        _GENERATION_STATE_INVALID = -EINVAL,
} GenerationState;

const char *generation_state_to_string(GenerationState state); /* "set", "proving", … */
GenerationState generation_state_from_string(const char *text);

typedef struct Generation {
        uint64_t number; /* from 1 */
        uint64_t time;   /* µs since the epoch when it was made */
        uid_t user;      /* who made it */
        char *image;     /* digest of the image that Image= named then; NULL if not known */
        char *initrd;    /* the same for Initrd=; NULL if none, or not known */
        GenerationState state;
        char *invocation; /* for GENERATION_FAILED: of the unit, in the run that failed; NULL if not known */
        char *reason;     /* for GENERATION_FAILED and _UNPROVEN: a message; else NULL */
        char *source; /* how the image of an update from UpdateFrom= was verified, and where it is from, in
                       * words; NULL: it was given otherwise */
        char *text;
} Generation;

void generation_free(Generation *generation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Generation, generation_free)

/* Convert to the file's content and back; pure. Unknown keys are those of a newer version. */
char *generation_format(const Generation *generation);
int generation_parse(const char *text, size_t size, Generation **ret_generation);

/* NO_SUCH_GENERATION with the existing ones. */
int generation_read(const char *name, uint64_t number, Generation **ret_generation, Error *ret_error);

/* All generations that can be read, the oldest first; it is no error if there are none. */
GPtrArray *generations_list(const char *name);

/* Writes the file with fsync; it replaces one of the same number. */
int generation_write(const char *name, const Generation *generation, Error *ret_error);

/* Rewrites it with another state. */
int generation_mark(const char *name, uint64_t number, GenerationState state, const char *invocation,
                const char *reason, Error *ret_error);

/* The generation that has that text: the newest that did not fail, or else the newest. NULL if none has it.
 * Pure. */
Generation *generations_find_text(const GPtrArray *generations, const char *text);

/* The number of the generation that has the text in force, or 0: as the list would tell, without reading
 * more of them than it takes. */
uint64_t generation_find_current(const char *name, const char *text);

Generation *generations_find(const GPtrArray *generations, uint64_t number);

/* The generation that a rollback returns to by default: the newest before number that did not fail; NULL if
 * none. Pure. */
Generation *generations_find_former(const GPtrArray *generations, uint64_t number);

/* The newest generation with that image, which is not the one in force, if an update must not go back there
 * by itself: it failed, or was left by hand (by a rollback, or for an image that was not from UpdateFrom=).
 * NULL otherwise. Pure. */
const Generation *generations_find_left(const GPtrArray *generations, const char *image);

/* Removes the oldest beyond keep, except these two. */
void generations_trim(const char *name, unsigned keep, uint64_t in_force, uint64_t other);

/* Removes all generations of NAME, which no longer exists. */
void generations_remove(const char *name);

/* The names that have generations. Free with g_strfreev(). */
char **generations_list_names(void);
