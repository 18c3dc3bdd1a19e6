/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes hosts in the XML of a libvirt network, and the options of dnsmasq for files of hosts. Every value
 * is checked or made here: names are DNS labels, addresses come from inet_ntop(3). Parsing is in
 * network-info.c. */

#include "domain/xml/network-xml.h"

#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define OPTION_DHCP "dhcp-hostsfile="
#define OPTION_DNS  "addn-hosts="

void network_xml_append(GString *xml, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_markup_vprintf_escaped(format, ap);
        va_end(ap);
        g_string_append(xml, text);
}

static bool mac_is_valid(const char *mac)
{
        static const char form[] = "xx:xx:xx:xx:xx:xx";

        if (!mac || strlen(mac) != strlen(form))
                return false;
        for (size_t i = 0; form[i]; i++)
                if (form[i] == ':' ? mac[i] != ':' : !g_ascii_isxdigit(mac[i]))
                        return false;

        return true;
}

int network_host_check(const NetworkHost *host, Error *ret_error)
{
        g_autofree char *name = text_for_display(host->name ?: "", 63);
        g_autofree char *mac = text_for_display(host->mac, 20);

        if (host->name && !name_is_valid(host->name))
                return error_set(ret_error, ERROR_INVALID_NAME, "'%s' is not a valid host name", name);
        if (!mac_is_valid(host->mac))
                return error_set(ret_error, ERROR_INVALID_ARGS, "'%s' is not a valid MAC address of '%s'",
                                mac, name);
        if (!address_is_set(&host->address) || !address_is_unicast(&host->address))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' has neither an IPv4 nor an IPv6 address", name);

        return 0;
}

/* A number, with or without a unit. */
static bool word_is_time(const char *word)
{
        size_t digits = strspn(word, G_CSET_DIGITS);
        const char *unit = word + digits;

        return digits > 0 && (!unit[0] || (strchr("smhdw", unit[0]) && !unit[1]));
}

const char *network_host_dhcp_name(const NetworkHost *host)
{
        const char *name = host->name;

        if (!name || g_str_equal(name, "ignore") || g_str_equal(name, "infinite") || word_is_time(name))
                return NULL;

        return name;
}

static void append_dhcp_host(GString *xml, const NetworkHost *host)
{
        const char *name = network_host_dhcp_name(host);
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(&host->address, ip);
        if (host->address.family == AF_INET && name)
                network_xml_append(xml, "<host mac='%s' name='%s' ip='%s'/>", host->mac, name, ip);
        else if (host->address.family == AF_INET)
                network_xml_append(xml, "<host mac='%s' ip='%s'/>", host->mac, ip);
        else
                network_xml_append(xml, "<host name='%s' ip='%s'/>", name, ip);
}

static void append_dns_host(GString *xml, const NetworkHost *host)
{
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(&host->address, ip);
        network_xml_append(xml, "<host ip='%s'><hostname>%s</hostname></host>", ip, host->name);
}

static int format_host(const NetworkHost *host, void (*appender)(GString *xml, const NetworkHost *host),
                char **ret_xml, Error *ret_error)
{
        GString *xml;
        int r;

        r = network_host_check(host, ret_error);
        if (r < 0)
                return r;

        xml = g_string_new(NULL);
        appender(xml, host);
        *ret_xml = g_string_free(xml, FALSE);
        return 0;
}

int network_xml_format_dhcp_host(const NetworkHost *host, char **ret_xml, Error *ret_error)
{
        return format_host(host, append_dhcp_host, ret_xml, ret_error);
}

int network_xml_format_dns_host(const NetworkHost *host, char **ret_xml, Error *ret_error)
{
        return format_host(host, append_dns_host, ret_xml, ret_error);
}

char *network_xml_format_own_host(const Address *address, NetworkMode mode, const char *host_name)
{
        GString *xml = g_string_new(NULL);
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(address, ip);
        network_xml_append(xml, "<host ip='%s'>", ip);
        if (mode != NETWORK_ISOLATED)
                g_string_append(xml, "<hostname>" NETWORK_GATEWAY_NAME "</hostname>");
        if (host_name && !g_str_equal(host_name, NETWORK_GATEWAY_NAME))
                network_xml_append(xml, "<hostname>%s</hostname>", host_name);
        else if (mode == NETWORK_ISOLATED)
                g_string_append(xml, "<hostname>host</hostname>"); /* libvirt requires one */
        g_string_append(xml, "</host>");

        return g_string_free(xml, FALSE);
}

bool network_hosts_token_is_valid(const char *text)
{
        return strlen(text) == NETWORK_HOSTS_TOKEN_LENGTH &&
               strspn(text, "0123456789abcdef") == NETWORK_HOSTS_TOKEN_LENGTH;
}

char **network_xml_hosts_options(const char *path)
{
        g_autoptr(GStrvBuilder) options = g_strv_builder_new();
        g_autofree char *dhcp = g_strdup_printf(OPTION_DHCP "%s/dhcp", path);
        g_autofree char *dns = g_strdup_printf(OPTION_DNS "%s/dns", path);

        g_strv_builder_add_many(options, dhcp, dns, NULL);
        return g_strv_builder_end(options);
}

char *network_xml_parse_hosts_option(const char *network, const char *option)
{
        g_autofree char *start = g_strdup_printf(OPTION_DHCP "%s/%s/", paths_hosts(), network);
        g_autofree char *token = NULL;

        if (!g_str_has_prefix(option, start) || !g_str_has_suffix(option, "/dhcp") ||
                        strlen(option) != strlen(start) + NETWORK_HOSTS_TOKEN_LENGTH + strlen("/dhcp"))
                return NULL;

        token = g_strndup(option + strlen(start), NETWORK_HOSTS_TOKEN_LENGTH);
        return network_hosts_token_is_valid(token) ? g_build_filename(paths_hosts(), network, token, NULL)
                                                   : NULL;
}
