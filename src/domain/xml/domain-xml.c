/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The domain XML of a unikernel, for libvirt's QEMU driver. Called by plan.c and host-probe.c; knows no
 * libvirt. The format is https://libvirt.org/formatdomain.html; comments at each element give the reasons
 * for our choices. */

#include "domain/xml/domain-xml.h"

#include <glib.h>
#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/xmlwriter.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/* Slot 0 of bus 0 is the host bridge and, on `pc`, slot 1 the PIIX3; the first free one is 2. On bus 0 a
 * device is both legacy and modern, on `virt` too (QEMU's virtio_pci_dc_realize()). */
#define FIRST_SLOT 2

#define GIC_V2_CPUS_MAX 8

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlTextWriter, xmlFreeTextWriter)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlBuffer, xmlBufferFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/* The writer and its first error, so that the code below needs no error handling. */
typedef struct Xml {
        xmlTextWriter *writer;
        bool failed;
        const char *refused; /* text that XML 1.0 cannot represent */
} Xml;

/* XML 1.0, 2.2 "Characters". */
static bool text_is_xml(const char *text)
{
        if (!g_utf8_validate(text, -1, NULL))
                return false;

        for (const char *p = text; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff)
                        return false;
        }

        return true;
}

static void element_open(Xml *xml, const char *name)
{
        xml->failed |= xmlTextWriterStartElement(xml->writer, BAD_CAST name) < 0;
}

static void element_close(Xml *xml)
{
        xml->failed |= xmlTextWriterEndElement(xml->writer) < 0;
}

static void element_attribute(Xml *xml, const char *name, const char *value)
{
        if (!text_is_xml(value)) {
                xml->refused = value;
                return;
        }

        xml->failed |= xmlTextWriterWriteAttribute(xml->writer, BAD_CAST name, BAD_CAST value) < 0;
}

static void element_text(Xml *xml, const char *name, const char *text)
{
        if (!text_is_xml(text)) {
                xml->refused = text;
                return;
        }

        xml->failed |= xmlTextWriterWriteElement(xml->writer, BAD_CAST name, BAD_CAST text) < 0;
}

/* Writes an element without content; pairs of attribute and value follow, terminated by NULL. */
static void element_write(Xml *xml, const char *name, ...) __attribute__((sentinel));
static void element_write(Xml *xml, const char *name, ...)
{
        const char *key;
        va_list ap;

        element_open(xml, name);
        va_start(ap, name);
        while ((key = va_arg(ap, const char *)))
                element_attribute(xml, key, va_arg(ap, const char *));
        va_end(ap);
        element_close(xml);
}

/* The metadata distinguishes our domains from foreign ones with the same name, and keeps the names of the
 * devices while it runs, even if the definition changes. */
static void format_metadata(Xml *xml, const Definition *definition, const DomainFacts *facts)
{
        g_autofree char *owner = g_strdup_printf("%u", definition->owner);

        element_open(xml, "metadata");
        element_open(xml, SHRUTHI_METADATA_PREFIX ":unikernel");
        element_attribute(xml, "xmlns:" SHRUTHI_METADATA_PREFIX, SHRUTHI_METADATA_NAMESPACE);
        element_attribute(xml, "name", definition->name);
        element_attribute(xml, "owner", owner);
        element_attribute(xml, "image", facts->image_digest);
        for (size_t i = 0; i < facts->n_devices; i++) {
                const DefinitionDevice *device = facts->devices[i].definition;

                element_write(xml, SHRUTHI_METADATA_PREFIX ":device", "kind",
                                device_kind_to_string(device->kind), "name", device->name, NULL);
        }
        element_close(xml);
        element_close(xml);
}

static bool facts_have_credentials(const DomainFacts *facts)
{
        for (size_t i = 0; i < facts->n_devices; i++)
                if (facts->devices[i].definition->credentials)
                        return true;

        return false;
}

/* With KVM the guest gets the host's CPU, with its random numbers and AES: guests are never migrated. */
static void format_cpu(Xml *xml, const DomainFacts *facts)
{
        const DomainMachine *machine = facts->machine;

        element_open(xml, "cpu");
        element_attribute(xml, "mode", facts->kvm ? "host-passthrough" : "custom");
        if (!facts->kvm)
                element_attribute(xml, "match", "exact");
        element_attribute(xml, "check", "none");
        if (!facts->kvm) {
                element_text(xml, "model", machine->cpu_model);
                if (machine->cpu_feature)
                        element_write(xml, "feature", "policy", "require", "name", machine->cpu_feature,
                                        NULL);
        }
        element_close(xml);
}

static void format_features(Xml *xml, const Definition *definition, const DomainFacts *facts)
{
        const DomainMachine *machine = facts->machine;

        element_open(xml, "features");
        for (const char *const *feature = machine->features; *feature; feature++)
                element_write(xml, *feature, NULL);
        /* With KVM the version that the processor has; otherwise the one that all guests support, while it
         * is enough. */
        if (machine->gic)
                element_write(xml, "gic", "version",
                                facts->kvm                            ? "host"
                                : definition->cpus <= GIC_V2_CPUS_MAX ? "2"
                                                                      : "3",
                                NULL);
        element_close(xml);
}

static void format_machine(Xml *xml, const Definition *definition, const DomainFacts *facts)
{
        g_autofree char *memory = g_strdup_printf("%" PRIu64, facts->memory / 1024);
        g_autofree char *cpus = g_strdup_printf("%u", definition->cpus);

        element_open(xml, "memory");
        element_attribute(xml, "unit", "KiB");
        /* Keeps key material that the guest has read out of core files of QEMU. */
        if (facts_have_credentials(facts))
                element_attribute(xml, "dumpCore", "off");
        xml->failed |= xmlTextWriterWriteString(xml->writer, BAD_CAST memory) < 0;
        element_close(xml);
        element_text(xml, "vcpu", cpus);
        if (facts->partition) {
                element_open(xml, "resource");
                element_text(xml, "partition", facts->partition);
                element_close(xml);
        }

        element_open(xml, "os");
        element_open(xml, "type");
        element_attribute(xml, "arch", facts->machine->arch);
        element_attribute(xml, "machine", facts->machine->type);
        xml->failed |= xmlTextWriterWriteString(xml->writer, BAD_CAST "hvm") < 0;
        element_close(xml);
        element_text(xml, "kernel", facts->kernel_path);
        if (facts->initrd_path)
                element_text(xml, "initrd", facts->initrd_path);
        if (facts->arguments && facts->arguments[0])
                element_text(xml, "cmdline", facts->arguments);
        element_close(xml);

        format_features(xml, definition, facts);
        format_cpu(xml, facts);
        element_write(xml, "clock", "offset", "utc", NULL);

        /* systemd decides whether to restart. */
        element_text(xml, "on_poweroff", "destroy");
        element_text(xml, "on_reboot", "destroy");
        element_text(xml, "on_crash", "destroy");
}

/* Manifest entry n is the n-th virtio device by slot. Without addresses libvirt would put all interfaces
 * before all disks. */
static void format_address(Xml *xml, size_t index)
{
        g_autofree char *slot = g_strdup_printf("0x%02zx", FIRST_SLOT + index);

        element_write(xml, "address", "type", "pci", "domain", "0x0000", "bus", "0x00", "slot", slot,
                        "function", "0x0", NULL);
}

/* Allows the guest to send only packets with its own addresses (https://libvirt.org/formatnwfilter.html). */
static void format_filter(Xml *xml, const DomainDevice *device)
{
        element_open(xml, "filterref");
        element_attribute(xml, "filter", device->filter);
        for (const char *const *p = device->filter_parameters; p && p[0]; p += 2)
                element_write(xml, "parameter", "name", p[0], "value", p[1], NULL);
        element_close(xml);
}

/* libvirt's limits are in KiB per second. Its "inbound" is the direction to the guest. */
static void format_bandwidth(Xml *xml, const DefinitionDevice *device)
{
        g_autofree char *in = g_strdup_printf("%" PRIu64, MAX(device->rate_in / 1024, (uint64_t) 1));
        g_autofree char *out = g_strdup_printf("%" PRIu64, MAX(device->rate_out / 1024, (uint64_t) 1));

        if (device->rate_in == 0 && device->rate_out == 0)
                return;

        element_open(xml, "bandwidth");
        if (device->rate_in != 0)
                element_write(xml, "inbound", "average", in, NULL);
        if (device->rate_out != 0)
                element_write(xml, "outbound", "average", out, NULL);
        element_close(xml);
}

static void format_interface(Xml *xml, const DomainDevice *device, size_t index)
{
        bool bridge = device->bridge != NULL;

        element_open(xml, "interface");
        element_attribute(xml, "type", bridge ? "bridge" : "network");
        element_write(xml, "mac", "address", device->mac, NULL);
        element_write(xml, "source", bridge ? "bridge" : "network",
                        bridge ? device->bridge : device->definition->network, NULL);
        if (device->interface)
                element_write(xml, "target", "dev", device->interface, NULL);
        element_write(xml, "model", "type", "virtio", NULL);
        if (device->filter)
                format_filter(xml, device);
        format_bandwidth(xml, device->definition);
        /* Guests do not boot from the network: no option ROM to load and run. */
        element_write(xml, "rom", "enabled", "no", NULL);
        format_address(xml, index);
        element_close(xml);
}

/* "vda" to "vdz", "vdaa", …: libvirt requires a name, which the guest never sees. */
static void format_disk_name(size_t index, char ret[static 5])
{
        if (index < 26)
                g_snprintf(ret, 5, "vd%c", (char) ('a' + index));
        else
                g_snprintf(ret, 5, "vda%c", (char) ('a' + index % 26));
}

static void format_driver(Xml *xml)
{
        element_open(xml, "driver");
        element_attribute(xml, "name", "qemu");
        /* Always raw: probing the format would let the guest choose what the host opens. */
        element_attribute(xml, "type", "raw");
        /* A guest that can flush learns from that when its data is on the host's disk; for one that cannot,
         * such as Solo5, QEMU completes each write only then. QEMU decides this by the features that the
         * guest accepts (hw/block/virtio-blk.c, virtio_blk_set_status()). */
        element_attribute(xml, "cache", "writeback");
        /* A full disk fails the one write, with an error to the guest; it does not pause the guest until
         * somebody notices. */
        element_attribute(xml, "error_policy", "report");
        element_attribute(xml, "rerror_policy", "report");
        element_attribute(xml, "discard", "unmap");
        element_close(xml);
}

static void format_volume(Xml *xml, const DomainDevice *device, size_t index, size_t disk)
{
        const char *type = device->block_device ? "block" : "file";
        char target[5];

        format_disk_name(disk, target);
        element_open(xml, "disk");
        element_attribute(xml, "type", type);
        element_attribute(xml, "device", "disk");
        format_driver(xml);
        element_write(xml, "source", device->block_device ? "dev" : "file", device->path, NULL);
        element_write(xml, "target", "dev", target, "bus", "virtio", NULL);
        if (device->definition->read_only)
                element_write(xml, "readonly", NULL);
        format_address(xml, index);
        element_close(xml);
}

/* Passed by descriptor: QEMU's user cannot reach the file. The path is only a label. */
static void format_credentials(Xml *xml, const Definition *definition, size_t index, size_t disk)
{
        g_autofree char *unit = unit_name_for(definition->name);
        g_autofree char *label = g_strconcat(
                        "/run/credentials/", unit, "/" SHRUTHI_CREDENTIAL_PREFIX, definition->name, NULL);
        char target[5];

        format_disk_name(disk, target);
        element_open(xml, "disk");
        element_attribute(xml, "type", "file");
        element_attribute(xml, "device", "disk");
        element_write(xml, "driver", "name", "qemu", "type", "raw", NULL);
        element_write(xml, "source", "file", label, "fdgroup", DOMAIN_XML_FD_GROUP, NULL);
        element_write(xml, "target", "dev", target, "bus", "virtio", NULL);
        element_write(xml, "readonly", NULL);
        format_address(xml, index);
        element_close(xml);
}

static void format_console(Xml *xml, const DomainFacts *facts)
{
        const DomainMachine *machine = facts->machine;

        element_open(xml, "serial");
        element_attribute(xml, "type", "pipe");
        element_write(xml, "source", "path", facts->console_path, NULL);
        element_open(xml, "target");
        element_attribute(xml, "type", machine->serial_type);
        element_attribute(xml, "port", "0");
        if (machine->serial_model)
                element_write(xml, "model", "name", machine->serial_model, NULL);
        element_close(xml);
        element_close(xml);
}

static void format_devices(Xml *xml, const Definition *definition, const DomainFacts *facts)
{
        size_t disks = 0;

        element_open(xml, "devices");
        element_write(xml, "controller", "type", "usb", "model", "none", NULL);
        for (size_t i = 0; i < facts->n_devices; i++)
                if (facts->devices[i].definition->kind == DEVICE_NETWORK)
                        format_interface(xml, &facts->devices[i], i);
                else if (facts->devices[i].definition->credentials)
                        format_credentials(xml, definition, i, disks++);
                else
                        format_volume(xml, &facts->devices[i], i, disks++);

        if (facts->console_path)
                format_console(xml, facts);
        element_write(xml, "memballoon", "model", "none", NULL);
        element_close(xml);
}

static void format_domain(Xml *xml, const Definition *definition, const DomainFacts *facts)
{
        g_autofree char *name = g_strconcat(SHRUTHI_DOMAIN_PREFIX, definition->name, NULL);

        element_open(xml, "domain");
        element_attribute(xml, "type", facts->kvm ? "kvm" : "qemu");
        if (facts->fast_start)
                element_attribute(xml, "xmlns:qemu", QEMU_NAMESPACE);
        element_text(xml, "name", name);
        element_text(xml, "uuid", facts->uuid);
        format_metadata(xml, definition, facts);
        format_machine(xml, definition, facts);
        format_devices(xml, definition, facts);

        /* Keeps libvirt from changing owners of files, so the store keeps its modes. AppArmor and SELinux
         * still confine QEMU. */
        element_write(xml, "seclabel", "type", "none", "model", "dac", NULL);

        /* This keeps libvirt from querying each CPU property separately from QEMU, which takes longer than
         * the rest of a start. libvirt then does not know which features are really enabled, which only
         * migration needs. */
        if (facts->fast_start) {
                element_open(xml, "qemu:capabilities");
                element_write(xml, "qemu:del", "capability", "cpu-unavailable-features", NULL);
                element_close(xml);
        }
        element_close(xml);
}

int domain_xml_format(
                const Definition *definition, const DomainFacts *facts, char **ret_xml, Error *ret_error)
{
        g_autoptr(xmlBuffer) buffer = xmlBufferCreate();
        g_autoptr(xmlTextWriter) writer = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
        Xml xml = {.writer = writer};

        if (!writer)
                return error_set(ret_error, ERROR_NO_MEMORY, "Not enough memory for the domain XML");

        if (facts->n_devices > DEFINITION_DEVICES_MAX)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "Too many devices: %zu, the maximum is %d", facts->n_devices,
                                DEFINITION_DEVICES_MAX);

        xml.failed |= xmlTextWriterSetIndent(writer, 1) < 0;
        xml.failed |= xmlTextWriterSetIndentString(writer, BAD_CAST "  ") < 0;
        format_domain(&xml, definition, facts);
        xml.failed |= xmlTextWriterFlush(writer) < 0;

        if (xml.refused) {
                g_autofree char *shown = text_for_display(xml.refused, 80);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' contains a control character or is not UTF-8, and cannot be passed to "
                                "libvirt",
                                shown);
        }
        if (xml.failed)
                return error_set(ret_error, ERROR_NO_MEMORY, "Not enough memory for the domain XML");

        *ret_xml = g_strdup((const char *) xmlBufferContent(buffer));
        return 0;
}

static xmlDoc *metadata_parse(const char *xml, xmlNode **ret_root)
{
        /* XML_PARSE_NOERROR and NOWARNING: we do not report errors in a foreign domain's metadata. */
        xmlDoc *doc = xml ? xmlReadMemory(xml, (int) MIN(strlen(xml), (size_t) G_MAXINT), NULL, "UTF-8",
                                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
                          : NULL;

        *ret_root = doc ? xmlDocGetRootElement(doc) : NULL;
        return doc;
}

/* libvirt finds the element by our namespace, and removes all namespaces from what it returns (9.0). */
static bool node_is(const xmlNode *node, const char *name)
{
        return node && node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name) &&
               (!node->ns || xmlStrEqual(node->ns->href, BAD_CAST SHRUTHI_METADATA_NAMESPACE));
}

static char *node_attribute(xmlNode *node, const char *name)
{
        xmlChar *found = xmlGetNoNsProp(node, BAD_CAST name);
        char *value = g_strdup((const char *) found);

        xmlFree(found);
        return value;
}

bool domain_xml_metadata_is(const char *xml, const char *name)
{
        g_autoptr(xmlDoc) doc = NULL;
        g_autofree char *found = NULL;
        xmlNode *root;

        doc = metadata_parse(xml, &root);
        if (!node_is(root, "unikernel"))
                return false;

        found = node_attribute(root, "name");
        return found && strcmp(found, name) == 0;
}

char **domain_xml_metadata_devices(const char *xml, DeviceKind kind)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        g_autoptr(xmlDoc) doc = NULL;
        xmlNode *root;

        doc = metadata_parse(xml, &root);
        for (xmlNode *node = node_is(root, "unikernel") ? root->children : NULL; node; node = node->next) {
                g_autofree char *found_kind = node_is(node, "device") ? node_attribute(node, "kind") : NULL;
                g_autofree char *name = found_kind ? node_attribute(node, "name") : NULL;

                if (name && device_kind_from_string(found_kind) == kind)
                        g_strv_builder_add(names, name);
        }

        return g_strv_builder_end(names);
}

char *domain_xml_metadata_owner(const char *xml)
{
        g_autoptr(xmlDoc) doc = NULL;
        xmlNode *root;

        doc = metadata_parse(xml, &root);
        return node_is(root, "unikernel") ? node_attribute(root, "owner") : NULL;
}
