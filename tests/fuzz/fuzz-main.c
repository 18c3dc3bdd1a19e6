/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a fuzz target without a fuzzing engine: over every file of a folder, as it is, cut short, and with
 * bytes replaced, always the same ones. So every compiler's build, and every sanitizer's, finds what was
 * found once. */

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define CUTS      64
#define MUTATIONS 512
#define CHANGES   4 /* bytes replaced in one mutation, at most */

/* In a block of exactly that size, so that sanitizers see a read beyond its end. */
static void run(const char *data, size_t size)
{
        g_autofree uint8_t *copy = g_memdup2(data, size);

        (void) LLVMFuzzerTestOneInput(copy, size);
}

static void run_mutations(const char *data, size_t size, uint32_t seed)
{
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autofree char *copy = g_memdup2(data, size);

        for (size_t i = 0; i < CUTS; i++)
                run(data, size * i / CUTS);

        for (int i = 0; size > 0 && i < MUTATIONS; i++) {
                int n = g_rand_int_range(random, 1, CHANGES + 1);

                memcpy(copy, data, size);
                for (int j = 0; j < n; j++) {
                        static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '\n', '=', '['};
                        size_t at = g_rand_int(random) % size;

                        copy[at] = (char) (g_rand_boolean(random)
                                                        ? values[g_rand_int(random) % G_N_ELEMENTS(values)]
                                                        : g_rand_int(random));
                }
                run(copy, size);
        }
}

int main(int argc, char *argv[])
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) dir = NULL;
        const char *name;
        unsigned n = 0;

        if (argc != 2) {
                fprintf(stderr, "Usage: %s CORPUSFOLDER\n", argv[0]);
                return EXIT_FAILURE;
        }

        dir = g_dir_open(argv[1], 0, &error);
        if (!dir) {
                fprintf(stderr, "%s\n", error->message);
                return EXIT_FAILURE;
        }

        run("", 0);
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(argv[1], name, NULL), *data = NULL;
                gsize size;

                if (!g_file_get_contents(path, &data, &size, &error)) {
                        fprintf(stderr, "%s\n", error->message);
                        return EXIT_FAILURE;
                }

                printf("%s\n", name);
                fflush(stdout); /* the last name shown is the one that crashed */
                run(data, size);
                run_mutations(data, size, g_str_hash(name));
                n++;
        }

        /* An empty or lost corpus would always pass. */
        if (n == 0) {
                fprintf(stderr, "%s holds no inputs\n", argv[1]);
                return EXIT_FAILURE;
        }

        return EXIT_SUCCESS;
}
