/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings → the a{sv} of CreateUnikernel and SetUnikernelSettings. */

#include "ctl/bus/settings-append.h"

#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/input/image-file.h"

static int close_containers(sd_bus_message *call, unsigned n)
{
        int r = 0;

        for (unsigned i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_close_container(call);

        return r;
}

/* A dictionary entry is 'e' of a key and a variant; devices nest: a(sa{sv}). */
static int append_device(sd_bus_message *call, const char *name, const char *const *texts, uint64_t size,
                const char *flag, bool value)
{
        int r;

        r = sd_bus_message_open_container(call, 'r', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", name);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        for (; r >= 0 && texts[0]; texts += 2)
                if (texts[1])
                        r = sd_bus_message_append(call, "{sv}", texts[0], "s", texts[1]);
        if (r >= 0 && size > 0)
                r = sd_bus_message_append(call, "{sv}", "Size", "t", size);
        if (r >= 0 && flag)
                r = sd_bus_message_append(call, "{sv}", flag, "b", (int) value);

        return r < 0 ? r : close_containers(call, 2);
}

/* Opens the value of one key, a variant. */
static int open_value(sd_bus_message *call, const char *key, const char *contents)
{
        int r;

        r = sd_bus_message_open_container(call, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', contents);

        return r;
}

static int open_devices(sd_bus_message *call, const char *key)
{
        int r = open_value(call, key, "a(sa{sv})");

        return r < 0 ? r : sd_bus_message_open_container(call, 'a', "(sa{sv})");
}

static int close_devices(sd_bus_message *call)
{
        return close_containers(call, 3);
}

static int append_networks(sd_bus_message *call, const GPtrArray *networks)
{
        int r = open_devices(call, "Networks");

        for (guint i = 0; r >= 0 && i < networks->len; i++) {
                const NetworkSetting *network = networks->pdata[i];
                const char *const texts[] = {"Bridge", network->bridge, "Network", network->network,
                                "MACAddress", network->mac, "Address", network->address, "Bandwidth",
                                network->bandwidth, NULL};

                r = append_device(
                                call, network->device, texts, 0, network->open ? "Isolation" : NULL, false);
        }

        return r < 0 ? r : close_devices(call);
}

static int append_volumes(sd_bus_message *call, const GPtrArray *volumes)
{
        int r = open_devices(call, "Volumes");

        for (guint i = 0; r >= 0 && i < volumes->len; i++) {
                const VolumeSetting *volume = volumes->pdata[i];
                const char *const texts[] = {"Path", volume->path, "Volume", volume->volume, NULL};

                r = append_device(call, volume->device, texts, volume->size, "ReadOnly", volume->read_only);
        }

        return r < 0 ? r : close_devices(call);
}

static int append_text(sd_bus_message *call, const char *key, const char *value)
{
        return value ? sd_bus_message_append(call, "{sv}", key, "s", value) : 0;
}

static int append_list(sd_bus_message *call, const char *key, char **list)
{
        int r = open_value(call, key, "as");

        if (r >= 0)
                r = sd_bus_message_append_strv(call, list);

        return r < 0 ? r : close_containers(call, 2);
}

static int append_scalars(sd_bus_message *call, const Settings *settings)
{
        int r = 0;

        if (settings->has_memory)
                r = sd_bus_message_append(call, "{sv}", "Memory", "t", settings->memory);
        if (r >= 0 && settings->has_cpus)
                r = sd_bus_message_append(call, "{sv}", "CPUs", "u", (uint32_t) settings->cpus);
        if (r >= 0 && settings->has_autostart)
                r = sd_bus_message_append(call, "{sv}", "Autostart", "b", (int) settings->autostart);
        if (r >= 0)
                r = append_text(call, "Architecture", settings->architecture);
        if (r >= 0)
                r = append_text(call, "Arguments", settings->arguments);
        if (r >= 0)
                r = append_text(call, "Restart", settings->restart);
        if (r >= 0)
                r = append_text(call, "Group", settings->group);
        if (r >= 0)
                r = append_text(call, "Owner", settings->owner);
        if (r >= 0)
                r = append_text(call, "Digest", settings->digest);

        return r;
}

/* "" says: none any more. */
static int append_initrd(sd_bus_message *call, const char *initrd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!*initrd || digest_is_valid(initrd))
                r = append_text(call, "InitrdDigest", initrd);
        else {
                r = image_open(initrd, &fd, ret_error);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(call, "{sv}", "Initrd", "h", fd);
        }

        return r < 0 ? client_message_error(r, ret_error) : 0;
}

int settings_append(
                sd_bus_message *call, const Settings *settings, const char *image_digest, Error *ret_error)
{
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = append_scalars(call, settings);
        if (r >= 0)
                r = append_text(call, "ImageDigest", image_digest);
        if (r >= 0 && settings->argument_list)
                r = append_list(call, "ArgumentList", settings->argument_list);
        if (r >= 0 && settings->networks)
                r = append_networks(call, settings->networks);
        if (r >= 0 && settings->volumes)
                r = append_volumes(call, settings->volumes);
        if (r >= 0 && settings->credentials) {
                char *devices[] = {*settings->credentials ? settings->credentials : NULL, NULL};

                r = append_list(call, "Credentials", devices);
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        if (settings->initrd) {
                r = append_initrd(call, settings->initrd, ret_error);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(call);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}
