/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the command line of shruthi-tender says, and what it cannot say. */

#include "tender/options.h"

#include <string.h>

static int parse(const char *line, char ***ret_words, TenderOptions *ret, Error *ret_error)
{
        g_autofree char *full = g_strdup_printf("shruthi-tender%s%s", *line ? " " : "", line);

        *ret_words = g_strsplit(full, " ", -1);
        return tender_options_parse((int) g_strv_length(*ret_words), *ret_words, ret, ret_error);
}

static void test_all(void)
{
        g_auto(GStrv) words = NULL;
        TenderOptions options;

        g_assert_cmpint(parse("--memory=32M --network=service=3,mac=02:00:00:aa:bb:CC,mtu=9000 "
                              "--network=private=4 "
                              "--block=storage=5,block-size=4096 --executable-heap image --memory=1 -- b",
                                        &words, &options, NULL),
                        ==, 0);
        g_assert_cmpuint(options.memory, ==, 32 << 20);
        g_assert_true(options.executable_heap);
        g_assert_cmpint(options.image_fd, ==, -1);
        g_assert_cmpstr(options.path, ==, "image");
        g_assert_cmpstr(options.arguments[0], ==, "--memory=1");
        g_assert_cmpstr(options.arguments[1], ==, "--");
        g_assert_cmpstr(options.arguments[2], ==, "b");
        g_assert_null(options.arguments[3]);

        g_assert_cmpuint(options.n_devices, ==, 3);
        g_assert_cmpstr(options.devices[0].name, ==, "service");
        g_assert_cmpint(options.devices[0].kind, ==, DEVICE_NETWORK);
        g_assert_cmpint(options.devices[0].fd, ==, 3);
        g_assert_cmpmem(options.devices[0].mac, 6, "\2\0\0\xaa\xbb\xcc", 6);
        g_assert_cmpuint(options.devices[0].mtu, ==, 9000);
        g_assert_false(options.devices[1].has_mac);
        g_assert_cmpuint(options.devices[1].mtu, ==, 1500);
        g_assert_cmpint(options.devices[2].kind, ==, DEVICE_BLOCK);
        g_assert_cmpuint(options.devices[2].block_size, ==, 4096);
}

static void test_image_by_descriptor(void)
{
        g_auto(GStrv) words = NULL, bare = NULL, dashes = NULL;
        TenderOptions options;

        g_assert_cmpint(parse("--image=7 -- --hello", &words, &options, NULL), ==, 0);
        g_assert_null(options.path);
        g_assert_cmpint(options.image_fd, ==, 7);
        g_assert_cmpuint(options.memory, ==, TENDER_MEMORY_DEFAULT);
        g_assert_cmpstr(options.arguments[0], ==, "--hello");

        g_assert_cmpint(parse("--image=7", &bare, &options, NULL), ==, 0);
        g_assert_null(options.arguments[0]);
        g_assert_cmpint(parse("-- --image", &dashes, &options, NULL), ==, 0);
        g_assert_cmpstr(options.path, ==, "--image");
}

/* What stays open for whoever executes the guest. */
static void test_hold(void)
{
        g_auto(GStrv) words = NULL, bare = NULL, twice = NULL;
        TenderOptions options;

        g_assert_cmpint(parse("image", &bare, &options, NULL), ==, 0);
        g_assert_cmpint(options.held_fd, ==, -1);
        g_assert_cmpint(parse("--hold=9 --block=storage=5 image --hold=4", &words, &options, NULL), ==, 0);
        g_assert_cmpint(options.held_fd, ==, 9);
        g_assert_cmpuint(options.n_devices, ==, 1);
        g_assert_cmpstr(options.arguments[0], ==, "--hold=4");
        g_assert_cmpint(parse("--hold=9 --hold=10 image", &twice, &options, NULL), ==, 0);
        g_assert_cmpint(options.held_fd, ==, 10);
}

static void test_kvm(void)
{
        g_auto(GStrv) words = NULL, bare = NULL, check = NULL;
        TenderOptions options;

        g_assert_cmpint(parse("image", &bare, &options, NULL), ==, 0);
        g_assert_cmpint(options.kvm_fd, ==, -1);
        g_assert_false(options.check);
        g_assert_cmpint(parse("--kvm=8 image", &words, &options, NULL), ==, 0);
        g_assert_cmpint(options.kvm_fd, ==, 8);
        g_assert_cmpint(parse("--kvm=8 --check", &check, &options, NULL), ==, 0);
        g_assert_true(options.check);
        g_assert_null(options.arguments[0]);
}

static void test_help(void)
{
        g_auto(GStrv) words = NULL, version = NULL;
        TenderOptions options;

        g_assert_cmpint(parse("--help", &words, &options, NULL), ==, 0);
        g_assert_true(options.help);
        g_assert_cmpint(parse("--version", &version, &options, NULL), ==, 0);
        g_assert_true(options.version);
}

static void test_refusals(void)
{
        static const struct {
                const char *line, *sentence;
        } cases[] = {
                        {"", "No image is given"}, {"--memory=4M --", "No image is given"},
                        {"--check", "--check needs --kvm=, and takes neither image nor devices"},
                        {"--kvm=3 --check image", "--check needs --kvm="},
                        {"--kvm=3 --check --image=4", "--check needs --kvm="},
                        {"--kvm=3 --check --block=a=4", "--check needs --kvm="},
                        {"--kvm=2 x", "\"2\" in --kvm=2 is not a descriptor"},
                        {"--memory= x", "\"\" in --memory= is not a size"},
                        {"--memory=lots x", "\"lots\" in --memory= is not a size"},
                        {"--memory=1M x", "\"1M\" in --memory= is out of range"},
                        {"--memory=17T x", "out of range: give from 2M to 16T"},
                        {"--memory=99999999999T x", "out of range"},
                        {"--memory=4000001 x", "not a multiple of 4K"},
                        {"--network=service x", "--network=service lacks its descriptor"},
                        {"--network= x", "lacks its descriptor"},
                        {"--network==3 x", "\"\" in --network==3 is not the name of a device"},
                        {"--network=a/b=3 x", "is not the name of a device"},
                        {"--network=service=2 x", "\"2\" in --network=service=2 is not a descriptor"},
                        {"--network=service=-1 x", "is not a descriptor"},
                        {"--network=service=3x x", "is not a descriptor"},
                        {"--network=service=99999999999 x", "is not a descriptor"},
                        {"--network=service=3,mac=1 x",
                                        "\"1\" in --network=service=3,mac=1 is not the MAC address"},
                        {"--network=service=3,mac=01:00:00:00:00:01 x", "not the MAC address of one device"},
                        {"--network=service=3,mtu=1 x", "is not an MTU"},
                        {"--network=service=3,block-size=512 x",
                                        "the unknown detail \"block-size=512\": a network has"},
                        {"--block=storage=3,block-size=513 x",
                                        "\"513\" in --block=storage=3,block-size=513 is not a"},
                        {"--block=storage=3,block-size=65536 x", "is not a block size"},
                        {"--block=storage=3,mtu=1500 x", "a block device has block-size="},
                        {"--block=storage=3, x", "the unknown detail \"\""},
                        {"--block=a=3 --network=a=4 x", "The device \"a\" is given twice"},
                        {"--block=a=3 --network=b=3 x",
                                        "Descriptor 3 is given for the devices \"a\" and \"b\""},
                        {"--image=3 --network=b=3",
                                        "Descriptor 3 is given as the image and as device \"b\""},
                        {"--hold=3 --network=b=3 x", "Descriptor 3 is given to --hold= and as device \"b\""},
                        {"--hold= x", "\"\" in --hold= is not a descriptor"},
                        {"--hold=2 x", "\"2\" in --hold=2 is not a descriptor"},
                        {"--hold=-1 x", "\"-1\" in --hold=-1 is not a descriptor"},
                        {"--hold=3,4 x", "\"3,4\" in --hold=3,4 is not a descriptor"},
                        {"--hold=3", "No image is given"},
                        {"--image=x", "\"x\" in --image=x is not a descriptor"},
                        {"--net=service=3 x", "The option \"--net=service=3\" is unknown"},
                        {"-m 3 x", "The option \"-m\" is unknown"},
                        {"--without=filter x",
                                        "The option \"--without=filter\" is unknown"}, /* tests have it */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) words = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                TenderOptions options;

                g_assert_cmpint(parse(cases[i].line, &words, &options, &error), ==, -EINVAL);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
                if (!strstr(error.message, cases[i].sentence))
                        g_error("\"%s\" says: %s", cases[i].line, error.message);
        }
}

static void test_many(void)
{
        g_autoptr(GString) line = g_string_new(NULL);
        g_auto(GStrv) words = NULL, more = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        TenderOptions options;

        for (int i = 0; i < MANIFEST_DEVICES_MAX; i++)
                g_string_append_printf(line, "--block=d%d=%d ", i, 3 + i);
        g_string_append(line, "x");
        g_assert_cmpint(parse(line->str, &words, &options, NULL), ==, 0);
        g_assert_cmpuint(options.n_devices, ==, MANIFEST_DEVICES_MAX);

        g_string_prepend(line, "--block=more=1000 ");
        g_assert_cmpint(parse(line->str, &more, &options, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "More than 63 devices"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/options/say all there is to say", test_all);
        g_test_add_func("/tender/options/name the image by a descriptor", test_image_by_descriptor);
        g_test_add_func("/tender/options/name what is held open", test_hold);
        g_test_add_func("/tender/options/takes /dev/kvm", test_kvm);
        g_test_add_func("/tender/options/ask for help", test_help);
        g_test_add_func("/tender/options/are refused with the value", test_refusals);
        g_test_add_func("/tender/options/have room for as many devices as an image", test_many);
        return g_test_run();
}
