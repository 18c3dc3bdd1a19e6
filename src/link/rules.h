/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "common/containers.h"
#include "common/error.h"
#include "link/nat-behaviour.h"
#include "link/shape.h"

/* The rules of a network with emulated links, as text: a statement a line, words with single spaces, "#" at
 * the beginning of a line for a comment.
 *
 *     seed WORD
 *     member UNIKERNEL CLASS          one that has no such line is of the class "-"
 *     shape NAME KEY=VALUE…           (shape.h); "direct" and "blocked" are there
 *     link CLASS CLASS SHAPE          from one to the other; "*" is any class; later lines win
 *     pair UNIKERNEL UNIKERNEL SHAPE  the same of two members; wins over all links
 *     nat NAME ADDRESS KEY=VALUE…     a box with that outer IPv4 address: mapping=, filtering=, ports=,
 *                                     hairpinning=, timeout=
 *     behind UNIKERNEL NAT            the member's IPv4 address is inside
 *
 * What no line says is direct. Shapes and boxes stand before the lines that name them. Pure. */

#define RULES_SIZE_MAX    (16 * 1024 * 1024)
#define RULES_SEED_MAX    64
#define RULES_NAME_MAX    63 /* of classes, shapes and boxes */
#define RULES_MEMBERS_MAX 8192
#define RULES_CLASSES_MAX 1024
#define RULES_SHAPES_MAX  (256 * 1024)
#define RULES_NATS_MAX    4096
#define RULES_NONE        UINT32_MAX

typedef struct RulesNat {
        const char *name;
        uint32_t address; /* IPv4, in host order */
        NatBehaviour behaviour;
} RulesNat;

typedef struct RulesMember {
        const char *name;
        uint32_t class_index, nat_index; /* RULES_NONE: it is behind none */
        bool stated;                     /* it has a line of its own */
} RulesMember;

/* What the text says. Its fields are read by their names, its links by rules_shape(). */
typedef struct Rules {
        GStringChunk *words;         /* all names */
        const char *seed;            /* "1" where none is stated */
        GArray *members;             /* RulesMember: all that are named anywhere */
        GHashTable *members_by_name; /* name → index + 1 */
        GArray *nats;                /* RulesNat */
        Shape *shapes;               /* the first is direct, the second blocked */
        uint32_t n_shapes;
        uint32_t n_classes;     /* the first is "-" */
        uint32_t *class_shapes; /* indices of shapes, by class and class */
        uint32_t *pair_rows;    /* where the pairs of each member begin, and where those of the last end */
        struct RulesPair *pairs;
} Rules;

/* INVALID_ARGS, INVALID_NAME; *ret_line is then the number of the line, from 1. ret_line and ret_error may
 * be NULL. */
int rules_parse(const char *text, size_t size, Rules **ret_rules, unsigned *ret_line, Error *ret_error);

void rules_free(Rules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rules, rules_free)

/* Those of an empty text: all is direct. */
Rules *rules_new_direct(void);

/* The index of a member, or RULES_NONE if no line names it. */
uint32_t rules_find_member(const Rules *rules, const char *name);

/* The shape of the link from one member to the other, by their indices, of which each may be RULES_NONE: a
 * member that no line names. It stays valid as long as rules does. */
const Shape *rules_shape(const Rules *rules, uint32_t from, uint32_t to);
