/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices reach the guest in its manifest's order, all of them and no other; what differs is named with the
 * way out. */

#include <glib.h>
#include <string.h>

#include "unikernel/devices.h"

#define IMAGE "[Unikernel]\nImage=/a\n"

static Definition *parse(const char *text)
{
        g_autofree char *whole = g_strconcat(IMAGE, text, NULL);
        Definition *definition = NULL;

        g_assert_cmpint(definition_parse("a", "f", whole, strlen(whole), &definition, NULL), ==, 0);
        return definition;
}

static const ImageInfo router = {
        .has_manifest = true,
        .n_devices = 3,
        .devices = {{"service", DEVICE_NETWORK}, {"storage", DEVICE_BLOCK},
                        {"back", DEVICE_NETWORK}},
};
static const ImageInfo hello = {.has_manifest = true};
static const ImageInfo foreign = {.has_manifest = false};

static void test_order(void)
{
        static const struct {
                const ImageInfo *image;
                const char *text;
                const char *names[4];
        } cases[] = {
                {&router, "[Network back]\n[Credentials storage]\n[Network service]\n",
                                {"service", "storage", "back"}},
                {&foreign, "[Network back]\n[Volume storage]\nPath=/a\n[Network service]\n",
                                {"back", "storage", "service"}},
                {&hello, "", {NULL}},
                {&foreign, "", {NULL}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = parse(cases[i].text);
                g_autoptr(GPtrArray) devices = NULL;

                g_assert_cmpint(devices_match(definition, cases[i].image, &devices, NULL), ==, 0);
                g_assert_cmpuint(devices->len, ==, g_strv_length((char **)cases[i].names));
                for (guint j = 0; j < devices->len; j++)
                        g_assert_cmpstr(((const DefinitionDevice *)devices->pdata[j])->name, ==,
                                        cases[i].names[j]);
        }
}

/* One name may stand for a network and a block device at once. */
static void test_same_name_of_both_kinds(void)
{
        static const ImageInfo image = {
                .has_manifest = true,
                .n_devices = 2,
                .devices = {{"a", DEVICE_BLOCK}, {"a", DEVICE_NETWORK}},
        };
        g_autoptr(Definition) definition = parse("[Network a]\n[Volume a]\nPath=/a\n");
        g_autoptr(GPtrArray) devices = NULL;

        g_assert_cmpint(devices_match(definition, &image, &devices, NULL), ==, 0);
        g_assert_cmpint(((const DefinitionDevice *)devices->pdata[0])->kind, ==, DEVICE_BLOCK);
        g_assert_cmpint(((const DefinitionDevice *)devices->pdata[1])->kind, ==, DEVICE_NETWORK);
}

static void test_differences(void)
{
        static const ImageInfo twice = {
                .has_manifest = true,
                .n_devices = 2,
                .devices = {{"a", DEVICE_BLOCK}, {"a", DEVICE_BLOCK}},
        };
        static const ImageInfo many = {.has_manifest = true, .n_devices = 30};
        static const struct {
                const ImageInfo *image;
                const char *text, *message;
        } cases[] = {
                {&router, "",
                                "the image needs network 'service', block device 'storage', network "
                                "'back', which the definition does not have. Write into the definition: "
                                "'[Network service]' with 'Bridge=…', '[Volume storage]' with 'Size=64M' "
                                "(or '[Credentials storage]' for key material), '[Network back]' with "
                                "'Bridge=…'; or as options of create: --network=service:BRIDGE "
                                "--volume=storage:size=64M (or --credentials=storage) --network=back:BRIDGE"},
                {&router, "[Network service]\n[Network back]\n",
                                "the image needs block device 'storage', which the definition does not "
                                "have. Write into the definition: '[Volume storage]' with 'Size=64M' (or "
                                "'[Credentials storage]' for key material); or as options of create: "
                                "--volume=storage:size=64M (or --credentials=storage)"},
                {&router, "[Network service]\n[Network back]\n[Network storage]\n",
                                "'storage' is a block device in the image and [Network storage] in the "
                                "definition. Write into the definition: '[Volume storage]' with 'Size=64M' (or "
                                "'[Credentials storage]' for key material); or as options of create: "
                                "--volume=storage:size=64M (or --credentials=storage)"},
                {&router,
                                "[Network service]\n[Network back]\n[Volume storage]\nPath=/a\n[Network "
                                "more]\n",
                                "the definition has [Network more] (f:7), which the image does not have; "
                                "remove it"},
                {&hello, "[Network service]\n[Volume b]\nPath=/a\n",
                                "the definition has [Network service] (f:3), [Volume b] (f:4), which the "
                                "image does not have; remove it"},
                {&hello, "[Credentials keys]\n",
                                "the definition has [Credentials keys] (f:3), which the image does not "
                                "have; remove it; key material needs a block device 'keys' that the "
                                "image's manifest declares"},
                {&router, "[Network servcie]\n[Network back]\n[Volume storage]\nPath=/a\n",
                                "the image needs network 'service', which the definition does not have; "
                                "the definition has [Network servcie] (f:3), which the image does not "
                                "have; remove it. Write into the definition: '[Network service]' with "
                                "'Bridge=…'; or as options of create: --network=service:BRIDGE"},
                {&router, "[Network service]\n[Network back]\n[Volume storage]\nPath=/a\n[Credentials back]\n",
                                "the definition has [Credentials back] (f:7), which the image does not "
                                "have; remove it; key material needs a block device 'back' that the "
                                "image's manifest declares"},
                {&twice, "[Volume a]\nPath=/a\n",
                                "the image has two devices 'a': rebuild it with different names"},
                {&many, "", "the image has 30 devices; a guest can have at most 29"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = parse(cases[i].text);
                g_autoptr(GPtrArray) devices = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(devices_match(definition, cases[i].image, &devices, &error), ==, -ENXIO);
                g_assert_cmpint(error.code, ==, ERROR_DEVICE_MISMATCH);
                g_assert_cmpstr(error.message, ==, cases[i].message);
                g_assert_null(devices);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/devices/order", test_order);
        g_test_add_func("/unikernel/devices/same-name-of-both-kinds", test_same_name_of_both_kinds);
        g_test_add_func("/unikernel/devices/differences", test_differences);
        return g_test_run();
}
