/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A definition becomes that of a twin. Called by rolling.c and change-work-rolling.c of shruthid. */

#include "unikernel/twin.h"

#include <string.h>

#include "common/unikernel-name.h"
#include "unikernel/typed-addresses.h"

static int twin_refuse(const Definition *definition, Error *ret_error, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
static int twin_refuse(const Definition *definition, Error *ret_error, const char *format, ...)
{
        g_autofree char *reason = NULL;
        va_list ap;

        va_start(ap, format);
        reason = g_strdup_vprintf(format, ap);
        va_end(ap);
        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                        "Two generations of '%s' cannot run side by side: %s; update it without --rolling",
                        definition->name, reason);
}

static bool device_is_written(const DefinitionDevice *device)
{
        return device->kind == DEVICE_BLOCK && !device->credentials && !device->read_only;
}

static int twin_check_volumes(const Definition *definition, Error *ret_error)
{
        g_autoptr(GString) names = g_string_new(NULL);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device_is_written(device))
                        g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "", device->name);
        }
        if (names->len == 0)
                return 0;

        return twin_refuse(definition, ret_error,
                        "both would write to the same volume (%s), which is not ReadOnly=yes", names->str);
}

/* Whether the character makes another address of the one beside it. */
static bool address_goes_on(const Address *address, char c)
{
        return address->family == AF_INET ? g_ascii_isdigit(c) : g_ascii_isxdigit(c);
}

static bool text_has_address(const char *text, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX];

        if (!address_is_set(address))
                return false;
        address_format_ip(address, ip);
        for (const char *found = text; (found = strstr(found, ip)); found++) {
                char before = found > text ? found[-1] : ' ', after = found[strlen(ip)];

                if (!address_goes_on(address, before) && !address_goes_on(address, after) &&
                                before != (address->family == AF_INET ? '.' : ':'))
                        return true;
        }
        return false;
}

static int twin_check_network(const Definition *definition, const DefinitionDevice *device, Error *ret_error)
{
        const AddressSetting *setting = &device->setting;
        bool fixed = setting->mode4 == ADDRESS_MODE_FIXED || setting->mode6 == ADDRESS_MODE_FIXED;

        if (device->mac)
                return twin_refuse(definition, ret_error,
                                "network '%s' has a MAC address of its own (MACAddress=%s), which only one "
                                "can have",
                                device->name, device->mac);
        if (fixed && !device->publish)
                return twin_refuse(definition, ret_error,
                                "network '%s' has a fixed address (Address=%s) and publishes no port that "
                                "could lead to another one",
                                device->name, device->address);
        if (text_has_address(definition->arguments, &setting->fixed4) ||
                        text_has_address(definition->arguments, &setting->fixed6))
                return twin_refuse(definition, ret_error,
                                "the arguments name the address of network '%s' (Address=%s); write a "
                                "placeholder such as {%s.address} instead",
                                device->name, device->address, device->name);
        return 0;
}

/* Addresses that the guest uses although no device gives them to it. */
static int twin_check_typed(const Definition *definition, Error *ret_error)
{
        g_autoptr(GArray) typed = typed_addresses_read(definition, NULL, false);
        char ip[ADDRESS_TEXT_MAX];

        if (typed->len == 0)
                return 0;

        address_format_ip(&g_array_index(typed, TypedAddress, 0).address, ip);
        return twin_refuse(definition, ret_error,
                        "the arguments give it the address %s, which both would use; write a placeholder "
                        "such as {service.address} instead, for the network 'service'",
                        ip);
}

int twin_check(const Definition *definition, Error *ret_error)
{
        bool published = false;
        int r;

        r = definition->activation ? twin_refuse(definition, ret_error,
                                                     "its ports wait for traffic (Activation=%s), which "
                                                     "both would be started by",
                                                     definition->activation)
                                   : twin_check_volumes(definition, ret_error);
        for (guint i = 0; r >= 0 && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind != DEVICE_NETWORK)
                        continue;
                published |= device->publish != NULL;
                r = twin_check_network(definition, device, ret_error);
        }
        if (r >= 0)
                r = twin_check_typed(definition, ret_error);
        if (r >= 0 && !published)
                r = twin_refuse(definition, ret_error,
                                "it publishes no port (Publish=) that could lead to the new one");
        return r;
}

/* What is said of the unikernel in the order of units is about its own unit. */
static void twin_clear_order(Definition *definition)
{
        char **const texts[] = {&definition->restart_sec, &definition->restart_max_delay_sec,
                        &definition->restart_steps, &definition->start_limit_interval_sec,
                        &definition->start_limit_burst};

        definition->autostart = false;
        definition->restart = RESTART_NO;
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                g_clear_pointer(texts[i], g_free);
        for (size_t i = 0; i < G_N_ELEMENTS(definition->order); i++)
                g_clear_pointer(&definition->order[i], g_free);
}

static void twin_free_device(DefinitionDevice *device)
{
        const AddressSetting *setting = &device->setting;

        if (device->kind == DEVICE_NETWORK &&
                        (setting->mode4 == ADDRESS_MODE_FIXED || setting->mode6 == ADDRESS_MODE_FIXED)) {
                g_free(device->address);
                device->address = g_strdup("auto");
        }
        /* A volume is named after the unikernel by default. */
        if (device->kind == DEVICE_BLOCK && device->stored && !device->volume)
                device->volume = g_strdup(device->stored);
        device->size = 0;
}

char *twin_format(Definition *definition)
{
        char *name = name_of_twin(definition->name);

        g_free(definition->name);
        definition->name = name;
        twin_clear_order(definition);
        for (guint i = 0; i < definition->devices->len; i++)
                twin_free_device(definition->devices->pdata[i]);
        return definition_format(definition);
}
