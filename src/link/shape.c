/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shapes as text. Called by rules.c, and by the layer fleet for what plans say. */

#include "link/shape.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "common/size.h"
#include "common/string-util.h"
#include "common/time-span.h"

#define SHARE_DIGITS 7  /* behind the point of a percentage: a billionth of the whole */
#define VALUE_SHOWN  60 /* characters of a value in a message */

static const char *const distribution_table[] = {
                [SHAPE_UNIFORM] = "uniform",
                [SHAPE_NORMAL] = "normal",
                [SHAPE_EXPONENTIAL] = "exponential",
                [SHAPE_PARETO] = "pareto",
};
DEFINE_STRING_TABLE(shape_distribution, ShapeDistribution, distribution_table, _SHAPE_DISTRIBUTION_MAX)

typedef struct KeyRow KeyRow;
struct KeyRow {
        const char *key;
        int (*set)(const KeyRow *row, Shape *shape, const char *value, Error *ret_error);
        void (*append)(const KeyRow *row, const Shape *shape, GString *out); /* the value, or nothing */
        size_t offset;
};

static int value_refused(const char *value, Error *ret_error, const char *way)
{
        g_autofree char *shown = text_for_display(value, VALUE_SHOWN);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: %s", shown, way);
}

static void *row_field(const KeyRow *row, Shape *shape)
{
        return (char *) shape + row->offset;
}

static const void *row_field_const(const KeyRow *row, const Shape *shape)
{
        return (const char *) shape + row->offset;
}

/* "12.5%" in billionths. */
static int share_parse(const char *text, size_t length, uint32_t *ret_share)
{
        uint64_t share = 0;
        unsigned digits = 0, behind = 0;
        bool point = false;

        if (length < 2 || text[length - 1] != '%')
                return -EINVAL;
        for (size_t i = 0; i < length - 1; i++) {
                if (text[i] == '.' && !point && digits > 0 && i + 2 < length) {
                        point = true;
                        continue;
                }
                if (!g_ascii_isdigit(text[i]) || (point && behind == SHARE_DIGITS))
                        return -EINVAL;
                share = share * 10 + (uint64_t) (text[i] - '0');
                if (share > SHAPE_WHOLE)
                        return -ERANGE;
                digits++;
                behind += point;
        }
        for (; behind < SHARE_DIGITS; behind++)
                share *= 10;
        if (digits == 0 || share > SHAPE_WHOLE)
                return -ERANGE;

        *ret_share = (uint32_t) share;
        return 0;
}

static void share_append(uint32_t share, GString *out)
{
        g_string_append_printf(out, "%u.%07u", share / 10000000, share % 10000000);
        while (out->str[out->len - 1] == '0')
                g_string_truncate(out, out->len - 1);
        if (out->str[out->len - 1] == '.')
                g_string_truncate(out, out->len - 1);
        g_string_append_c(out, '%');
}

static int key_set_time(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        uint64_t usec;

        if (strchr(value, ' ') || time_span_parse(value, &usec) < 0 || usec > SHAPE_TIME_MAX)
                return value_refused(value, ret_error, "not a time up to 1h: write such as 50ms");

        *(uint64_t *) row_field(row, shape) = usec;
        return 0;
}

static void key_append_time(const KeyRow *row, const Shape *shape, GString *out)
{
        uint64_t usec = *(const uint64_t *) row_field_const(row, shape);
        g_autofree char *text = time_span_format(usec);

        if (usec == 0)
                return;
        for (const char *p = text; *p; p++)
                if (*p != ' ')
                        g_string_append_c(out, *p);
}

static int key_set_distribution(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        ShapeDistribution distribution = shape_distribution_from_string(value);

        if (distribution < 0)
                return value_refused(value, ret_error, "write uniform, normal, exponential or pareto");

        shape->distribution = distribution;
        return 0;
}

static void key_append_distribution(const KeyRow *row, const Shape *shape, GString *out)
{
        if (shape->distribution != SHAPE_UNIFORM)
                g_string_append(out, shape_distribution_to_string(shape->distribution));
}

static int key_set_order(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        if (!g_str_equal(value, "kept") && !g_str_equal(value, "free"))
                return value_refused(value, ret_error, "write kept or free");

        shape->free_order = g_str_equal(value, "free");
        return 0;
}

static void key_append_order(const KeyRow *row, const Shape *shape, GString *out)
{
        if (shape->free_order)
                g_string_append(out, "free");
}

static int key_set_share(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        uint32_t share;

        if (share_parse(value, strlen(value), &share) < 0)
                return value_refused(value, ret_error, "not a share: write 0% to 100%, such as 0.5%");

        *(uint32_t *) row_field(row, shape) = share;
        return 0;
}

static void key_append_share(const KeyRow *row, const Shape *shape, GString *out)
{
        uint32_t share = *(const uint32_t *) row_field_const(row, shape);

        if (share > 0)
                share_append(share, out);
}

static int key_set_burst(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        uint32_t shares[4] = {0, 0, SHAPE_WHOLE, 0};
        unsigned n = 0;
        const char *p = value;

        for (;;) {
                size_t length = strcspn(p, ":");

                if (n == G_N_ELEMENTS(shares) || share_parse(p, length, &shares[n++]) < 0)
                        n = 0;
                if (n == 0 || !p[length])
                        break;
                p += length + 1;
        }
        if (n != 2 && n != 4)
                return value_refused(value, ret_error,
                                "write two or four shares, from good to bad and back, lost while bad and "
                                "while good, such as 1%:30% or 1%:30%:90%:0.1%");

        shape->burst_to_bad = shares[0];
        shape->burst_to_good = shares[1];
        shape->burst_bad = shares[2];
        shape->burst_good = shares[3];
        return 0;
}

static void key_append_burst(const KeyRow *row, const Shape *shape, GString *out)
{
        if (shape->burst_to_bad == 0 && shape->burst_to_good == 0 && shape->burst_good == 0 &&
                        shape->burst_bad == 0)
                return;

        share_append(shape->burst_to_bad, out);
        g_string_append_c(out, ':');
        share_append(shape->burst_to_good, out);
        if (shape->burst_bad == SHAPE_WHOLE && shape->burst_good == 0)
                return;
        g_string_append_c(out, ':');
        share_append(shape->burst_bad, out);
        g_string_append_c(out, ':');
        share_append(shape->burst_good, out);
}

static const struct {
        char suffix;
        uint64_t factor;
} rate_units[] = {
                {'G', 1000000000},
                {'M', 1000000},
                {'K', 1000},
};

static int key_set_rate(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        size_t digits = strspn(value, "0123456789");
        g_autofree char *number = g_strndup(value, digits);
        uint64_t factor = value[digits] ? 0 : 1, rate;

        for (size_t i = 0; i < G_N_ELEMENTS(rate_units); i++)
                if (value[digits] == rate_units[i].suffix && !value[digits + 1])
                        factor = rate_units[i].factor;
        if (factor == 0 || number_parse(number, 1, SHAPE_RATE_MAX / factor, &rate) < 0 ||
                        rate * factor < SHAPE_RATE_MIN)
                return value_refused(value, ret_error,
                                "not a rate from 1K to 1000G bits a second: write such as 10M");

        shape->rate = rate * factor;
        return 0;
}

static void key_append_rate(const KeyRow *row, const Shape *shape, GString *out)
{
        if (shape->rate == 0)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(rate_units); i++)
                if (shape->rate % rate_units[i].factor == 0) {
                        g_string_append_printf(out, "%" G_GUINT64_FORMAT "%c",
                                        shape->rate / rate_units[i].factor, rate_units[i].suffix);
                        return;
                }
        g_string_append_printf(out, "%" G_GUINT64_FORMAT, shape->rate);
}

static int key_set_queue(const KeyRow *row, Shape *shape, const char *value, Error *ret_error)
{
        uint64_t bytes;

        if (size_parse(value, &bytes) < 0 || bytes == 0 || bytes > SHAPE_QUEUE_MAX)
                return value_refused(value, ret_error, "not a size up to 1G bytes: write such as 64K");

        shape->queue = bytes;
        return 0;
}

static void key_append_queue(const KeyRow *row, const Shape *shape, GString *out)
{
        g_autofree char *text = size_format_exact(shape->queue);

        if (shape->queue > 0)
                g_string_append(out, text);
}

#define ROW_TIME(name, field)                                                                               \
        {                                                                                                   \
                name, key_set_time, key_append_time, offsetof(Shape, field)                                 \
        }
#define ROW_SHARE(name, field)                                                                              \
        {                                                                                                   \
                name, key_set_share, key_append_share, offsetof(Shape, field)                               \
        }

static const KeyRow rows[] = {
                ROW_TIME("latency", latency_usec),
                ROW_TIME("jitter", jitter_usec),
                {"distribution", key_set_distribution, key_append_distribution},
                {"order", key_set_order, key_append_order},
                ROW_SHARE("loss", loss),
                {"burst", key_set_burst, key_append_burst},
                ROW_SHARE("duplicate", duplicate),
                ROW_SHARE("reorder", reorder),
                ROW_SHARE("corrupt", corrupt),
                {"rate", key_set_rate, key_append_rate},
                {"queue", key_set_queue, key_append_queue},
};

const char *const shape_keys[] = {"latency", "jitter", "distribution", "order", "loss", "burst", "duplicate",
                "reorder", "corrupt", "rate", "queue", NULL};

int shape_set(Shape *shape, const char *key, const char *value, Error *ret_error)
{
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
                if (g_str_equal(rows[i].key, key))
                        return rows[i].set(&rows[i], shape, value, ret_error);

        return value_refused(key, ret_error,
                        "no property of a link: write latency, jitter, distribution, order, loss, burst, "
                        "duplicate, reorder, corrupt, rate or queue");
}

int shape_check(const Shape *shape, Error *ret_error)
{
        if (shape->queue > 0 && shape->rate == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "a queue needs a rate that it waits for: write rate, too");
        return 0;
}

int shape_parse(const char *text, Shape *ret_shape, Error *ret_error)
{
        g_auto(GStrv) words = NULL;
        Shape shape = SHAPE_DIRECT;

        if (strlen(text) > SHAPE_TEXT_MAX)
                return value_refused(text, ret_error, "too long for a shape");

        words = g_strsplit(text, " ", -1);
        for (char **word = words; *word; word++) {
                char *value = strchr(*word, '=');
                int r;

                if (!value)
                        return value_refused(*word, ret_error, "write KEY=VALUE, such as latency=50ms");
                *value = '\0';
                r = shape_set(&shape, *word, value + 1, ret_error);
                if (r < 0) {
                        if (ret_error && g_strv_contains(shape_keys, *word))
                                error_prefix(ret_error, "%s", *word);
                        return r;
                }
        }

        *ret_shape = shape;
        return shape_check(&shape, ret_error);
}

char *shape_format(const Shape *shape)
{
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                size_t before = out->len, begin;

                g_string_append_printf(out, "%s%s=", before > 0 ? " " : "", rows[i].key);
                begin = out->len;
                rows[i].append(&rows[i], shape, out);
                if (out->len == begin)
                        g_string_truncate(out, before);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

uint64_t shape_queue_bytes(const Shape *shape)
{
        if (shape->queue > 0)
                return shape->queue;
        return MAX(shape->rate / 8 * SHAPE_QUEUE_MS / 1000, SHAPE_QUEUE_MIN);
}
