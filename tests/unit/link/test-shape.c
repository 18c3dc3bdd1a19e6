/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A shape is what its words say, and is written in the words that it is read from. */

#include <glib.h>
#include <string.h>

#include "link/shape.h"

static const struct {
        const char *text, *canonical;
} shapes[] = {
                {"", NULL},
                {"latency=50ms", NULL},
                {"latency=90s", "latency=1min30s"},
                {"latency=1min30s jitter=1500us distribution=normal order=free", "latency=1min30s "
                                                                                 "jitter=1ms500us "
                                                                                 "distribution=normal "
                                                                                 "order=free"},
                {"loss=1%", NULL},
                {"loss=0.0000001%", NULL},
                {"loss=100%", NULL},
                {"loss=050.50%", "loss=50.5%"},
                {"loss=0%", ""},
                {"burst=1%:30%", NULL},
                {"burst=1%:30%:100%:0%", "burst=1%:30%"},
                {"burst=1%:30%:90%:0.1%", NULL},
                {"duplicate=1% reorder=2% corrupt=3%", NULL},
                {"rate=10M", NULL},
                {"rate=1000K queue=64K", "rate=1M queue=64K"},
                {"rate=1234567", NULL},
                {"rate=1000G", NULL},
                {"jitter=1ms latency=2ms", "latency=2ms jitter=1ms"},
                {"jitter=1ms distribution=pareto", NULL},
                {"jitter=1ms distribution=exponential", NULL},
};

static void test_round_trip(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *text = NULL;
                Shape shape, again;

                (void) shape_parse(shapes[i].text, &shape, &error);
                g_assert_cmpstr(error.message, ==, NULL);
                text = shape_format(&shape);
                g_assert_cmpstr(text, ==, shapes[i].canonical ?: shapes[i].text);
                g_assert_cmpint(shape_parse(text, &again, NULL), ==, 0);
                g_assert_cmpmem(&shape, sizeof shape, &again, sizeof again);
        }
}

static void test_values(void)
{
        Shape shape;

        g_assert_cmpint(shape_parse("latency=1ms loss=1% rate=8M", &shape, NULL), ==, 0);
        g_assert_cmpuint(shape.latency_usec, ==, 1000);
        g_assert_cmpuint(shape.loss, ==, SHAPE_WHOLE / 100);
        g_assert_cmpuint(shape.rate, ==, 8000000);
        g_assert_cmpuint(shape_queue_bytes(&shape), ==, 100000); /* 1 MB a second for 100 ms */
        g_assert_cmpint(shape_parse("rate=1M", &shape, NULL), ==, 0);
        g_assert_cmpuint(shape_queue_bytes(&shape), ==, 65536);
        g_assert_cmpint(shape_parse("rate=1M queue=3000", &shape, NULL), ==, 0);
        g_assert_cmpuint(shape_queue_bytes(&shape), ==, 3000);
}

static const struct {
        const char *text, *message;
} refusals[] = {
                {"latency", "latency: write KEY=VALUE"},
                {" latency=1ms", ": write KEY=VALUE"},
                {"delay=1ms", "delay: no property of a link: write latency, jitter"},
                {"latency=", "latency: : not a time up to 1h"},
                {"latency=fast", "latency: fast: not a time up to 1h: write such as 50ms"},
                {"latency=-1ms", "latency: -1ms: not a time"},
                {"latency=2h", "latency: 2h: not a time up to 1h"},
                {"distribution=gauss", "distribution: gauss: write uniform, normal, exponential or pareto"},
                {"order=any", "order: any: write kept or free"},
                {"loss=1", "loss: 1: not a share: write 0% to 100%"},
                {"loss=%", "loss: %: not a share"},
                {"loss=.5%", "loss: .5%: not a share"},
                {"loss=1.%", "loss: 1.%: not a share"},
                {"loss=101%", "loss: 101%: not a share"},
                {"loss=100.0000001%", "not a share"},
                {"loss=0.00000001%", "not a share"},
                {"loss=1.2.3%", "not a share"},
                {"loss=99999999999999999999999%", "not a share"},
                {"burst=1%", "burst: 1%: write two or four shares"},
                {"burst=1%:2%:3%", "write two or four shares"},
                {"burst=1%:2%:3%:4%:5%", "write two or four shares"},
                {"burst=", "write two or four shares"},
                {"burst=1%:", "write two or four shares"},
                {"rate=0", "rate: 0: not a rate from 1K to 1000G bits a second"},
                {"rate=999", "not a rate"},
                {"rate=10Mbit", "not a rate"},
                {"rate=2000G", "not a rate"},
                {"rate=99999999999999999999G", "not a rate"},
                {"rate=M", "not a rate"},
                {"rate=1M queue=0", "queue: 0: not a size"},
                {"queue=64K", "a queue needs a rate that it waits for: write rate, too"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                Shape shape;

                g_assert_cmpint(shape_parse(refusals[i].text, &shape, &error), <, 0);
                g_assert_nonnull(error.message);
                if (!strstr(error.message, refusals[i].message))
                        g_error("%s: '%s' lacks '%s'", refusals[i].text, error.message, refusals[i].message);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/link/shape/is-written-as-it-is-read", test_round_trip);
        g_test_add_func("/link/shape/is-what-its-words-say", test_values);
        g_test_add_func("/link/shape/refusals-name-value-and-way-out", test_refusals);
        return g_test_run();
}
