/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads rules, in time proportional to their size whatever stands in them: a plan of a thousand members that
 * is partitioned has half a million pairs. */

#include "link/rules.h"

#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define SHOWN_MAX     60 /* characters of a value in a message */
#define WORDS_MAX     16 /* of a line */
#define SHAPE_BLOCKED 1  /* its index */
#define NAME_CHARS    "abcdefghijklmnopqrstuvwxyz0123456789-"
#define ANY_CLASS     "*"

struct RulesPair {
        uint32_t to, shape;
};

/* What a line "link" or "pair" says. */
typedef struct StatedLink {
        uint32_t from, to, shape;
} StatedLink;

typedef struct RulesReader {
        Rules *rules;
        GHashTable *shapes_by_name, *classes_by_name, *nats_by_name; /* name → index + 1 */
        GHashTable *addresses;                                       /* of boxes, in host order, + 1 */
        GArray *shapes;                                              /* Shape */
        GArray *links, *pairs;                                       /* StatedLink */
        bool has_seed;
} RulesReader;

static int word_refused(const char *word, Error *ret_error, const char *way)
{
        g_autofree char *shown = text_for_display(word, SHOWN_MAX);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: %s", shown, way);
}

static uint32_t table_find(GHashTable *table, const char *name)
{
        uint32_t found = GPOINTER_TO_UINT(g_hash_table_lookup(table, name));

        return found > 0 ? found - 1 : RULES_NONE;
}

static const char *reader_intern(RulesReader *reader, GHashTable *table, const char *name, uint32_t index)
{
        char *copy = g_string_chunk_insert(reader->rules->words, name);

        g_hash_table_insert(table, copy, GUINT_TO_POINTER(index + 1));
        return copy;
}

static bool is_name(const char *word)
{
        size_t length = strlen(word);

        return length > 0 && length <= RULES_NAME_MAX && strspn(word, NAME_CHARS) == length;
}

static int reader_check_name(const char *word, Error *ret_error)
{
        if (is_name(word))
                return 0;
        return word_refused(word, ret_error, "not a name: write 1 to 63 of a-z, 0-9 and '-'");
}

static int reader_member(RulesReader *reader, const char *name, uint32_t *ret_index, Error *ret_error)
{
        Rules *rules = reader->rules;
        RulesMember member = {.nat_index = RULES_NONE};
        uint32_t index = table_find(rules->members_by_name, name);

        if (index == RULES_NONE) {
                int r = name_check(name, ret_error);

                if (r < 0)
                        return r;
                index = rules->members->len;
                if (index == RULES_MEMBERS_MAX)
                        return word_refused(name, ret_error, "there are more than 8192 members");
                member.name = reader_intern(reader, rules->members_by_name, name, index);
                g_array_append_val(rules->members, member);
        }
        *ret_index = index;
        return 0;
}

static int reader_class(RulesReader *reader, const char *name, uint32_t *ret_index, Error *ret_error)
{
        uint32_t index = table_find(reader->classes_by_name, name);
        int r;

        if (index == RULES_NONE) {
                r = reader_check_name(name, ret_error);
                if (r < 0)
                        return r;
                index = reader->rules->n_classes;
                if (index == RULES_CLASSES_MAX)
                        return word_refused(name, ret_error, "there are more than 1024 classes");
                (void) reader_intern(reader, reader->classes_by_name, name, index);
                reader->rules->n_classes++;
        }
        *ret_index = index;
        return 0;
}

static int reader_any_class(RulesReader *reader, const char *name, uint32_t *ret_index, Error *ret_error)
{
        if (!g_str_equal(name, ANY_CLASS))
                return reader_class(reader, name, ret_index, ret_error);
        *ret_index = RULES_NONE;
        return 0;
}

static int reader_shape(RulesReader *reader, const char *name, uint32_t *ret_index, Error *ret_error)
{
        *ret_index = table_find(reader->shapes_by_name, name);
        if (*ret_index == RULES_NONE)
                return word_refused(name, ret_error, "there is no such shape: write a line shape before it");
        return 0;
}

static int line_seed(RulesReader *reader, char **words, Error *ret_error)
{
        if (reader->has_seed)
                return word_refused(words[1], ret_error, "there is a seed already");
        if (strlen(words[1]) > RULES_SEED_MAX)
                return word_refused(words[1], ret_error, "longer than 64 bytes");

        reader->has_seed = true;
        reader->rules->seed = g_string_chunk_insert(reader->rules->words, words[1]);
        return 0;
}

static int line_member(RulesReader *reader, char **words, Error *ret_error)
{
        RulesMember *member;
        uint32_t index = 0, class_index = 0;
        int r = reader_member(reader, words[1], &index, ret_error);

        if (r >= 0)
                r = reader_class(reader, words[2], &class_index, ret_error);
        if (r < 0)
                return r;
        member = &g_array_index(reader->rules->members, RulesMember, index);
        if (member->stated)
                return word_refused(words[1], ret_error, "this member has a class already");

        member->stated = true;
        member->class_index = class_index;
        return 0;
}

/* Splits KEY=VALUE. */
static int split_setting(char *word, char **ret_value, Error *ret_error)
{
        char *value = strchr(word, '=');

        if (!value)
                return word_refused(word, ret_error, "write KEY=VALUE");
        *value = '\0';
        *ret_value = value + 1;
        return 0;
}

static int line_shape(RulesReader *reader, char **words, Error *ret_error)
{
        Shape shape = SHAPE_DIRECT;
        int r = reader_check_name(words[1], ret_error);

        if (r < 0)
                return r;
        if (table_find(reader->shapes_by_name, words[1]) != RULES_NONE)
                return word_refused(words[1], ret_error, "there is a shape of this name already");
        if (reader->shapes->len == RULES_SHAPES_MAX)
                return word_refused(words[1], ret_error, "there are more than 262144 shapes");
        for (char **word = words + 2; *word; word++) {
                char *value = NULL;

                r = split_setting(*word, &value, ret_error);
                if (r >= 0) {
                        r = shape_set(&shape, *word, value, ret_error);
                        if (r < 0 && ret_error && g_strv_contains(shape_keys, *word))
                                error_prefix(ret_error, "%s", *word);
                }
                if (r < 0)
                        return r;
        }
        r = shape_check(&shape, ret_error);
        if (r < 0)
                return r;

        (void) reader_intern(reader, reader->shapes_by_name, words[1], reader->shapes->len);
        g_array_append_val(reader->shapes, shape);
        return 0;
}

static int line_link(RulesReader *reader, char **words, Error *ret_error)
{
        StatedLink stated = {};
        int r = reader_any_class(reader, words[1], &stated.from, ret_error);

        if (r >= 0)
                r = reader_any_class(reader, words[2], &stated.to, ret_error);
        if (r >= 0)
                r = reader_shape(reader, words[3], &stated.shape, ret_error);
        if (r >= 0)
                g_array_append_val(reader->links, stated);
        return r;
}

static int line_pair(RulesReader *reader, char **words, Error *ret_error)
{
        StatedLink stated = {};
        int r = reader_member(reader, words[1], &stated.from, ret_error);

        if (r >= 0)
                r = reader_member(reader, words[2], &stated.to, ret_error);
        if (r >= 0)
                r = reader_shape(reader, words[3], &stated.shape, ret_error);
        if (r >= 0)
                g_array_append_val(reader->pairs, stated);
        return r;
}

static int line_nat(RulesReader *reader, char **words, Error *ret_error)
{
        RulesNat nat = {};
        Address address;
        int r = reader_check_name(words[1], ret_error);

        if (r < 0)
                return r;
        if (table_find(reader->nats_by_name, words[1]) != RULES_NONE)
                return word_refused(words[1], ret_error, "there is a box of this name already");
        if (reader->rules->nats->len == RULES_NATS_MAX)
                return word_refused(words[1], ret_error, "there are more than 4096 boxes");
        if (address_parse_ip(words[2], &address) < 0 || address.family != AF_INET ||
                        !address_is_unicast(&address))
                return word_refused(words[2], ret_error,
                                "not an IPv4 address that a box can have: write such as 10.0.0.200");
        nat.address = (uint32_t) address.bytes[0] << 24 | (uint32_t) address.bytes[1] << 16 |
                      (uint32_t) address.bytes[2] << 8 | address.bytes[3];
        if (!g_hash_table_add(reader->addresses, GUINT_TO_POINTER(nat.address)))
                return word_refused(words[2], ret_error, "another box has this address");
        for (char **word = words + 3; *word; word++) {
                char *value = NULL;

                r = split_setting(*word, &value, ret_error);
                if (r >= 0)
                        r = nat_behaviour_set(&nat.behaviour, *word, value, ret_error);
                if (r < 0)
                        return r;
        }

        nat.name = reader_intern(reader, reader->nats_by_name, words[1], reader->rules->nats->len);
        g_array_append_val(reader->rules->nats, nat);
        return 0;
}

static int line_behind(RulesReader *reader, char **words, Error *ret_error)
{
        uint32_t index = 0, nat = table_find(reader->nats_by_name, words[2]);
        RulesMember *member;
        int r = reader_member(reader, words[1], &index, ret_error);

        if (r < 0)
                return r;
        if (nat == RULES_NONE)
                return word_refused(words[2], ret_error, "there is no such box: write a line nat before it");
        member = &g_array_index(reader->rules->members, RulesMember, index);
        if (member->nat_index != RULES_NONE)
                return word_refused(words[1], ret_error, "this member is behind a box already");

        member->nat_index = nat;
        return 0;
}

static const struct {
        const char *word;
        unsigned least, most; /* words */
        int (*read)(RulesReader *reader, char **words, Error *ret_error);
        const char *form;
} statements[] = {
                {"pair", 4, 4, line_pair, "write pair UNIKERNEL UNIKERNEL SHAPE"},
                {"member", 3, 3, line_member, "write member UNIKERNEL CLASS"},
                {"shape", 2, WORDS_MAX, line_shape, "write shape NAME KEY=VALUE…"},
                {"link", 4, 4, line_link, "write link CLASS CLASS SHAPE"},
                {"nat", 3, WORDS_MAX, line_nat, "write nat NAME ADDRESS KEY=VALUE…"},
                {"behind", 3, 3, line_behind, "write behind UNIKERNEL NAT"},
                {"seed", 2, 2, line_seed, "write seed WORD"},
};

/* line is changed. */
static int reader_line(RulesReader *reader, char *line, Error *ret_error)
{
        char *words[WORDS_MAX + 1] = {line};
        unsigned n = 1;

        if (!line[0] || line[0] == '#')
                return 0;
        for (char *p = line; *p; p++) {
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        return word_refused(line, ret_error, "a control character stands in this line");
                if (*p != ' ')
                        continue;
                if (n == WORDS_MAX)
                        return error_set(ret_error, ERROR_INVALID_ARGS, "the line has more than %d words",
                                        WORDS_MAX);
                *p = '\0';
                words[n++] = p + 1;
        }
        for (unsigned i = 0; i < n; i++)
                if (!words[i][0])
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "write one space between two words, and none before or behind them");

        for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
                if (!g_str_equal(statements[i].word, words[0]))
                        continue;
                if (n < statements[i].least || n > statements[i].most)
                        return error_set(ret_error, ERROR_INVALID_ARGS, "%s", statements[i].form);
                return statements[i].read(reader, words, ret_error);
        }
        return word_refused(words[0], ret_error,
                        "no statement: write seed, member, shape, link, pair, nat or behind");
}

/* The last line that says something of a cell wins, and there may be as many lines for all classes as there
 * are lines: so each is entered once, and then the latest of the four that a cell may have is looked up. */
static void reader_resolve_links(RulesReader *reader)
{
        Rules *rules = reader->rules;
        uint32_t n = rules->n_classes, any = 0; /* numbers of lines in links, + 1 */
        g_autofree uint32_t *from = g_new0(uint32_t, n), *to = g_new0(uint32_t, n);
        uint32_t *cells = g_new0(uint32_t, (size_t) n * n);

        for (uint32_t i = 0; i < reader->links->len; i++) {
                const StatedLink *stated = &g_array_index(reader->links, StatedLink, i);

                if (stated->from != RULES_NONE && stated->to != RULES_NONE)
                        cells[(size_t) stated->from * n + stated->to] = i + 1;
                else if (stated->from != RULES_NONE)
                        from[stated->from] = i + 1;
                else if (stated->to != RULES_NONE)
                        to[stated->to] = i + 1;
                else
                        any = i + 1;
        }
        for (uint32_t a = 0; a < n; a++)
                for (uint32_t b = 0; b < n; b++) {
                        uint32_t *cell = &cells[(size_t) a * n + b];
                        uint32_t last = MAX(MAX(*cell, any), MAX(from[a], to[b]));

                        *cell = last > 0 ? g_array_index(reader->links, StatedLink, last - 1).shape : 0;
                }
        rules->class_shapes = cells;
}

static int compare_pairs(const void *a, const void *b)
{
        const StatedLink *one = a, *other = b;

        return one->to < other->to ? -1 : one->to > other->to;
}

/* Sorted by sender with counting, then each sender's own, in which a later line takes the place of an
 * earlier one: from, which is known by then, holds the number of the line. */
static void reader_resolve_pairs(RulesReader *reader)
{
        Rules *rules = reader->rules;
        uint32_t n = rules->members->len, n_pairs = reader->pairs->len, used = 0;
        g_autofree StatedLink *sorted = g_new(StatedLink, n_pairs);
        g_autofree uint32_t *next = g_new0(uint32_t, n + 1);

        for (uint32_t i = 0; i < n_pairs; i++)
                next[g_array_index(reader->pairs, StatedLink, i).from + 1]++;
        for (uint32_t i = 0; i < n; i++)
                next[i + 1] += next[i];
        rules->pair_rows = g_memdup2(next, sizeof *next * (n + 1));
        for (uint32_t i = 0; i < n_pairs; i++) {
                const StatedLink *pair = &g_array_index(reader->pairs, StatedLink, i);

                sorted[next[pair->from]++] = (StatedLink){.from = i, .to = pair->to, .shape = pair->shape};
        }

        rules->pairs = g_new(struct RulesPair, n_pairs);
        for (uint32_t i = 0; i < n; i++) {
                uint32_t begin = rules->pair_rows[i], end = rules->pair_rows[i + 1], row = used;
                uint32_t latest = 0;

                if (end > begin)
                        qsort(sorted + begin, end - begin, sizeof *sorted, compare_pairs);
                for (uint32_t j = begin; j < end; j++) {
                        bool again = used > row && rules->pairs[used - 1].to == sorted[j].to;

                        if (again && sorted[j].from < latest)
                                continue;
                        latest = sorted[j].from;
                        used -= again;
                        rules->pairs[used++] =
                                        (struct RulesPair){.to = sorted[j].to, .shape = sorted[j].shape};
                }
                rules->pair_rows[i] = row;
        }
        rules->pair_rows[n] = used;
}

static Rules *rules_new(void)
{
        Rules *rules = g_new(Rules, 1);

        *rules = (Rules){
                        .words = g_string_chunk_new(4096),
                        .seed = "1",
                        .members = g_array_new(FALSE, FALSE, sizeof(RulesMember)),
                        .members_by_name = g_hash_table_new(g_str_hash, g_str_equal),
                        .nats = g_array_new(FALSE, FALSE, sizeof(RulesNat)),
        };
        return rules;
}

static void reader_begin(RulesReader *reader)
{
        Shape direct = SHAPE_DIRECT, blocked = {.blocked = true};

        *reader = (RulesReader){
                        .rules = rules_new(),
                        .shapes_by_name = g_hash_table_new(g_str_hash, g_str_equal),
                        .classes_by_name = g_hash_table_new(g_str_hash, g_str_equal),
                        .nats_by_name = g_hash_table_new(g_str_hash, g_str_equal),
                        .addresses = g_hash_table_new(NULL, NULL),
                        .shapes = g_array_new(FALSE, FALSE, sizeof(Shape)),
                        .links = g_array_new(FALSE, FALSE, sizeof(StatedLink)),
                        .pairs = g_array_new(FALSE, FALSE, sizeof(StatedLink)),
        };
        (void) reader_intern(reader, reader->classes_by_name, "-", 0);
        reader->rules->n_classes = 1;
        (void) reader_intern(reader, reader->shapes_by_name, "direct", 0);
        (void) reader_intern(reader, reader->shapes_by_name, "blocked", SHAPE_BLOCKED);
        g_array_append_val(reader->shapes, direct);
        g_array_append_val(reader->shapes, blocked);
}

static void reader_finish(RulesReader *reader)
{
        reader_resolve_links(reader);
        reader_resolve_pairs(reader);
        reader->rules->n_shapes = reader->shapes->len;
        reader->rules->shapes = (Shape *) (void *) g_array_free(g_steal_pointer(&reader->shapes), FALSE);
}

static void reader_clear(RulesReader *reader)
{
        g_clear_pointer(&reader->rules, rules_free);
        g_hash_table_unref(reader->shapes_by_name);
        g_hash_table_unref(reader->classes_by_name);
        g_hash_table_unref(reader->nats_by_name);
        g_hash_table_unref(reader->addresses);
        g_clear_pointer(&reader->shapes, g_array_unref);
        g_array_unref(reader->links);
        g_array_unref(reader->pairs);
}

static int reader_lines(RulesReader *reader, const char *text, size_t size, unsigned *line, Error *ret_error)
{
        g_autofree char *copy = NULL;
        char *next;

        *line = 1;
        if (size > RULES_SIZE_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS, "the rules have more than 16M");
        for (const char *p = text, *end = text + size; p < end; (*line)++) {
                const char *stop = memchr(p, '\n', (size_t) (end - p)) ?: end;

                if (!g_utf8_validate_len(p, (gsize) (stop - p), NULL))
                        return error_set(ret_error, ERROR_INVALID_ARGS, "the line is not UTF-8");
                p = stop + 1;
        }

        copy = g_strndup(size > 0 ? text : "", size);
        *line = 0;
        next = copy;
        while (next < copy + size) {
                char *this = next, *end = strchr(this, '\n');
                int r;

                if (end)
                        *end = '\0';
                next = end ? end + 1 : copy + size;
                (*line)++;
                r = reader_line(reader, this, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int rules_parse(const char *text, size_t size, Rules **ret_rules, unsigned *ret_line, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        RulesReader reader;
        unsigned line;
        int r;

        reader_begin(&reader);
        r = reader_lines(&reader, text, size, &line, &error);
        if (r >= 0) {
                reader_finish(&reader);
                *ret_rules = g_steal_pointer(&reader.rules);
        } else {
                if (ret_line)
                        *ret_line = line;
                error_move(ret_error, &error);
        }
        reader_clear(&reader);
        return r;
}

Rules *rules_new_direct(void)
{
        Rules *rules = NULL;

        (void) rules_parse("", 0, &rules, NULL, NULL);
        return rules;
}

void rules_free(Rules *rules)
{
        if (!rules)
                return;

        g_hash_table_unref(rules->members_by_name);
        g_array_unref(rules->members);
        g_array_unref(rules->nats);
        g_string_chunk_free(rules->words);
        g_free(rules->shapes);
        g_free(rules->class_shapes);
        g_free(rules->pair_rows);
        g_free(rules->pairs);
        g_free(rules);
}

uint32_t rules_find_member(const Rules *rules, const char *name)
{
        return table_find(rules->members_by_name, name);
}

static const struct RulesPair *rules_find_pair(const Rules *rules, uint32_t from, uint32_t to)
{
        uint32_t low = rules->pair_rows[from], high = rules->pair_rows[from + 1];

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (rules->pairs[middle].to == to)
                        return &rules->pairs[middle];
                if (rules->pairs[middle].to < to)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static uint32_t rules_class(const Rules *rules, uint32_t member)
{
        return member == RULES_NONE ? 0 : g_array_index(rules->members, RulesMember, member).class_index;
}

const Shape *rules_shape(const Rules *rules, uint32_t from, uint32_t to)
{
        const struct RulesPair *pair =
                        from != RULES_NONE && to != RULES_NONE ? rules_find_pair(rules, from, to) : NULL;
        size_t cell = (size_t) rules_class(rules, from) * rules->n_classes + rules_class(rules, to);

        return &rules->shapes[pair ? pair->shape : rules->class_shapes[cell]];
}
