/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of shruthi-tender: each device is an option of its own, with the descriptor that the
 * caller opened for it. */

#include "tender/options.h"

#include <string.h>

#include "common/size.h"
#include "common/string-util.h"
#include "image/solo5-load.h"
#include "tender/layers.h"

#define FD_MIN 3 /* below are the standard ones */

const char tender_options_help[] =
                "Usage: shruthi-tender [OPTIONS] [--] IMAGE [ARGUMENTS]\n"
                "       shruthi-tender --image=FD [OPTIONS] [--] [ARGUMENTS]\n"
                "       shruthi-tender --kvm=FD --check\n"
                "\n"
                "Run a Solo5 image of the target spt in this process, or one of the target hvt with KVM,\n"
                "confined to its devices.\n"
                "\n"
                "  --image=FD           Read the image from this inherited descriptor\n"
                "  --kvm=FD             Use /dev/kvm by this descriptor: for the target hvt\n"
                "  --check              Only run a few instructions with KVM, to see whether it works\n"
                "  --memory=SIZE        Give the guest this much memory (default: 512M)\n"
                "  --network=DEVICE=FD[,mac=MAC][,mtu=N]\n"
                "                       Attach the tap at this descriptor as network DEVICE\n"
                "  --block=DEVICE=FD[,block-size=N]\n"
                "                       Attach the file or block device at this descriptor as DEVICE\n"
                "  --hold=FD            Keep this descriptor open, of no use to the guest\n"
                "  --ring               Offer a ring for frames to a guest of the target hvt\n"
                "  --executable-heap    Make heap and stack executable, which weakens the guest\n"
                "  --help               Show this help\n"
                "  --version            Show the version\n";

static int options_fd(const char *option, const char *text, int *ret, Error *ret_error)
{
        guint64 fd;

        if (number_parse(text, FD_MIN, INT_MAX, &fd) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "\"%s\" in %s is not a descriptor: give the number of an inherited one, "
                                "from %d on",
                                text, option, FD_MIN);

        *ret = (int) fd;
        return 0;
}

static int mac_parse(const char *text, uint8_t ret[static 6])
{
        for (unsigned i = 0; i < 6; i++) {
                const char *digits = text + 3 * i;

                if (!g_ascii_isxdigit(digits[0]) || !g_ascii_isxdigit(digits[1]) ||
                                digits[2] != (i < 5 ? ':' : '\0'))
                        return -EINVAL;
                ret[i] = (uint8_t) (g_ascii_xdigit_value(digits[0]) << 4 | g_ascii_xdigit_value(digits[1]));
        }

        /* The lowest bit of the first byte is for groups. */
        return ret[0] & 1 ? -EINVAL : 0;
}

static int device_detail(TenderDevice *device, const char *option, const char *detail, Error *ret_error)
{
        const char *value = strchr(detail, '=');
        guint64 number;

        if (device->kind == DEVICE_NETWORK && g_str_has_prefix(detail, "mac=")) {
                if (mac_parse(value + 1, device->mac) < 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "\"%s\" in %s is not the MAC address of one device: write it like "
                                        "52:54:00:12:34:56",
                                        value + 1, option);
                device->has_mac = true;
                return 0;
        }
        if (device->kind == DEVICE_NETWORK && g_str_has_prefix(detail, "mtu=")) {
                if (number_parse(value + 1, 68, UINT16_MAX, &number) < 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "\"%s\" in %s is not an MTU: give a number from 68 to %d", value + 1,
                                        option, UINT16_MAX);
                device->mtu = (uint16_t) number;
                return 0;
        }
        if (device->kind == DEVICE_BLOCK && g_str_has_prefix(detail, "block-size=")) {
                if (number_parse(value + 1, TENDER_BLOCK_SIZE, 32768, &number) < 0 ||
                                (number & (number - 1)) != 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "\"%s\" in %s is not a block size: give a power of two from %d to "
                                        "32768",
                                        value + 1, option, TENDER_BLOCK_SIZE);
                device->block_size = (uint16_t) number;
                return 0;
        }

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s has the unknown detail \"%s\": %s", option,
                        detail,
                        device->kind == DEVICE_NETWORK ? "a network has mac= and mtu="
                                                       : "a block device has block-size=");
}

/* DEVICE=FD[,DETAIL=VALUE]… */
static int options_device(TenderOptions *options, DeviceKind kind, const char *option, const char *text,
                Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, ",", -1);
        char *value = words[0] ? strchr(words[0], '=') : NULL;
        TenderDevice device = {.kind = kind, .mtu = TENDER_MTU_DEFAULT, .block_size = TENDER_BLOCK_SIZE};
        int r;

        if (!value)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s lacks its descriptor: write DEVICE=FD, such as service=3", option);
        *value++ = '\0';
        if (!manifest_name_is_valid(words[0]))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "\"%s\" in %s is not the name of a device: it has 1 to %d letters and "
                                "digits",
                                words[0], option, MANIFEST_NAME_MAX);
        strcpy(device.name, words[0]);

        r = options_fd(option, value, &device.fd, ret_error);
        if (r < 0)
                return r;
        for (char **word = words + 1; *word; word++) {
                r = device_detail(&device, option, *word, ret_error);
                if (r < 0)
                        return r;
        }

        for (unsigned i = 0; i < options->n_devices; i++)
                if (strcmp(options->devices[i].name, device.name) == 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "The device \"%s\" is given twice: give it once", device.name);
        if (options->n_devices >= MANIFEST_DEVICES_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "More than %d devices are given, which no image can have",
                                MANIFEST_DEVICES_MAX);
        options->devices[options->n_devices++] = device;
        return 0;
}

static int options_memory(TenderOptions *options, const char *text, Error *ret_error)
{
        uint64_t bytes;
        int r = size_parse(text, &bytes);

        /* 16 TiB: no address of the tender's own is below. */
        if (r == -ERANGE || (r >= 0 && (bytes < 2 * SOLO5_IMAGE_MIN || bytes > UINT64_C(1) << 44)))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "\"%s\" in --memory= is out of range: give from 2M to 16T", text);
        if (r < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "\"%s\" in --memory= is not a size: write it like 512M", text);
        if (bytes % SOLO5_PAGE_SIZE != 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "\"%s\" in --memory= is not a multiple of 4K: give whole pages", text);

        options->memory = bytes;
        return 0;
}

static const char *option_value(const char *argument, const char *option)
{
        return g_str_has_prefix(argument, option) ? argument + strlen(option) : NULL;
}

#ifdef TENDER_TESTING
const char *const tender_layer_names[_LAYER_MAX] = {
                [LAYER_FILTER] = "filter",
                [LAYER_UNMAP] = "unmap",
                [LAYER_DESCRIPTORS] = "descriptors",
                [LAYER_LANDLOCK] = "landlock",
                [LAYER_LIMITS] = "limits",
                [LAYER_EXECUTION] = "execution",
};
unsigned tender_layers_off;

static int options_without(const char *text, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, ",", -1);

        for (char **word = words; *word; word++) {
                int layer = string_table_lookup(tender_layer_names, _LAYER_MAX, *word);

                if (layer < 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS, "There is no layer \"%s\"", *word);
                tender_layers_off |= 1u << layer;
        }

        return 0;
}
#endif

static int options_take(TenderOptions *options, const char *argument, Error *ret_error)
{
        const char *value;

        if ((value = option_value(argument, "--memory=")))
                return options_memory(options, value, ret_error);
        if ((value = option_value(argument, "--network=")))
                return options_device(options, DEVICE_NETWORK, argument, value, ret_error);
        if ((value = option_value(argument, "--block=")))
                return options_device(options, DEVICE_BLOCK, argument, value, ret_error);
        if ((value = option_value(argument, "--image=")))
                return options_fd(argument, value, &options->image_fd, ret_error);
        if ((value = option_value(argument, "--kvm=")))
                return options_fd(argument, value, &options->kvm_fd, ret_error);
        if ((value = option_value(argument, "--hold=")))
                return options_fd(argument, value, &options->held_fd, ret_error);
#ifdef TENDER_TESTING
        if ((value = option_value(argument, "--without=")))
                return options_without(value, ret_error);
#endif
        if (strcmp(argument, "--executable-heap") == 0)
                options->executable_heap = true;
        else if (strcmp(argument, "--ring") == 0)
                options->ring = true;
        else if (strcmp(argument, "--check") == 0)
                options->check = true;
        else if (strcmp(argument, "--help") == 0)
                options->help = true;
        else if (strcmp(argument, "--version") == 0)
                options->version = true;
        else
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The option \"%s\" is unknown: see shruthi-tender --help, and put the "
                                "guest's own arguments behind \"--\"",
                                argument);

        return 0;
}

/* Two devices on one descriptor would be one that the guest reads and writes by the rules of both. */
static int options_check_fds(const TenderOptions *options, Error *ret_error)
{
        const struct {
                int fd;
                const char *use;
        } others[] = {
                        {options->image_fd, "as the image"},
                        {options->kvm_fd, "to --kvm="},
                        {options->held_fd, "to --hold="},
        };

        if (options->held_fd >= 0 && options->held_fd == options->image_fd)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Descriptor %d is given as the image and to --hold=: give each its own",
                                options->held_fd);
        for (unsigned i = 0; i < options->n_devices; i++) {
                const TenderDevice *device = &options->devices[i];

                for (size_t j = 0; j < G_N_ELEMENTS(others); j++)
                        if (device->fd == others[j].fd)
                                return error_set(ret_error, ERROR_INVALID_ARGS,
                                                "Descriptor %d is given %s and as device \"%s\": give each "
                                                "its own",
                                                device->fd, others[j].use, device->name);
                for (unsigned j = 0; j < i; j++)
                        if (options->devices[j].fd == device->fd)
                                return error_set(ret_error, ERROR_INVALID_ARGS,
                                                "Descriptor %d is given for the devices \"%s\" and \"%s\": "
                                                "give each its own",
                                                device->fd, options->devices[j].name, device->name);
        }

        return 0;
}

int tender_options_parse(int argc, char *argv[], TenderOptions *ret, Error *ret_error)
{
        int i, r;

        *ret = (TenderOptions){.memory = TENDER_MEMORY_DEFAULT, .image_fd = -1, .kvm_fd = -1, .held_fd = -1};
        for (i = 1; i < argc && argv[i][0] == '-'; i++) {
                if (strcmp(argv[i], "--") == 0) {
                        i++;
                        break;
                }
                r = options_take(ret, argv[i], ret_error);
                if (r < 0 || ret->help || ret->version)
                        return r;
        }

        ret->arguments = argv + i;
        if (ret->check) {
                if (ret->kvm_fd < 0 || ret->image_fd >= 0 || i < argc || ret->n_devices > 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "--check needs --kvm=, and takes neither image nor devices");
                return 0;
        }
        if (ret->image_fd < 0) {
                if (i >= argc)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "No image is given: name its file, or its descriptor with --image=");
                ret->path = argv[i++];
        }
        ret->arguments = argv + i;
        return options_check_fds(ret, ret_error);
}
