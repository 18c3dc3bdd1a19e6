/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The numbers of a seed are those that shruthi.fleet(5) documents, today and tomorrow. */

#include <glib.h>

#include "fleet/expansion/random.h"

/* From another implementation of the same text (SHA-256 and xoshiro256** in Python). */
static void test_documented_numbers(void)
{
        static const struct {
                const char *seed, *purpose;
                uint64_t numbers[2];
        } cases[] = {
                        {"42", "event 0", {UINT64_C(0xb4c41713ed66aec8), UINT64_C(0x37d79d2087a02c7)}},
                        {"", "choose peer-0 0",
                                        {UINT64_C(0x426c227c8312ddad), UINT64_C(0x83b3adb02881c7ec)}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                FleetRandom random;

                fleet_random_init(&random, cases[i].seed, "%s", cases[i].purpose);
                for (size_t k = 0; k < 2; k++)
                        g_assert_cmpuint(fleet_random_next(&random), ==, cases[i].numbers[k]);
        }
}

static void test_below_is_below(void)
{
        static const uint64_t limits[] = {1, 2, 3, 1000, UINT64_C(1) << 63, UINT64_MAX};
        FleetRandom random;

        fleet_random_init(&random, "1", "test");
        for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
                for (unsigned k = 0; k < 1000; k++)
                        g_assert_cmpuint(fleet_random_below(&random, limits[i]), <, limits[i]);
}

/* Each of six about as often: within five standard deviations. */
static void test_below_is_even(void)
{
        unsigned counts[6] = {};
        FleetRandom random;

        fleet_random_init(&random, "1", "test");
        for (unsigned k = 0; k < 60000; k++)
                counts[fleet_random_below(&random, 6)]++;
        for (size_t i = 0; i < 6; i++) {
                g_assert_cmpuint(counts[i], >, 10000 - 457);
                g_assert_cmpuint(counts[i], <, 10000 + 457);
        }
}

static void test_unit_is_never_zero(void)
{
        double sum = 0;
        FleetRandom random;

        fleet_random_init(&random, "1", "test");
        for (unsigned k = 0; k < 100000; k++) {
                double unit = fleet_random_unit(&random);

                g_assert_cmpfloat(unit, >, 0);
                g_assert_cmpfloat(unit, <=, 1);
                sum += unit;
        }
        g_assert_cmpfloat_with_epsilon(sum / 100000, 0.5, 0.005);
}

static void test_draw_without_replacement(void)
{
        FleetRandom random;

        fleet_random_init(&random, "1", "test");
        for (guint n = 0; n <= 10; n++) {
                g_autoptr(GArray) array = g_array_new(FALSE, FALSE, sizeof(guint));
                unsigned seen = 0;

                for (guint i = 0; i < 10; i++)
                        g_array_append_val(array, i);
                fleet_random_draw(&random, array, n);
                for (guint i = 0; i < 10; i++)
                        seen |= 1u << g_array_index(array, guint, i);
                g_assert_cmpuint(array->len, ==, 10);
                g_assert_cmpuint(seen, ==, 0x3ff);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fleet/random/documented-numbers", test_documented_numbers);
        g_test_add_func("/fleet/random/below-is-below", test_below_is_below);
        g_test_add_func("/fleet/random/below-is-even", test_below_is_even);
        g_test_add_func("/fleet/random/unit-is-never-zero", test_unit_is_never_zero);
        g_test_add_func("/fleet/random/draw-without-replacement", test_draw_without_replacement);
        return g_test_run();
}
