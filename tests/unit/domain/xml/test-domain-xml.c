/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definition and facts give exactly the domain XML of the golden files. SHRUTHI_UPDATE_GOLDEN=1 writes them
 * anew; what then changed is read in the difference, and validated by the test "domain-xml-schema". */

#include <fcntl.h>
#include <glib.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

#include "common/io.h"
#include "domain/xml/domain-xml.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char name_msgrouter[] = "msgrouter";

static DefinitionDevice network(const char *name)
{
        return (DefinitionDevice){.kind = DEVICE_NETWORK, .name = (char *) name};
}

static DefinitionDevice volume(const char *name, const char *path, bool read_only)
{
        return (DefinitionDevice){.kind = DEVICE_BLOCK,
                        .name = (char *) name,
                        .path = (char *) path,
                        .read_only = read_only};
}

static Definition definition_plain(void)
{
        return (Definition){.name = name_msgrouter, .cpus = 1, .owner = 1000};
}

static DomainFacts facts_plain(void)
{
        return (DomainFacts){
                        .machine = domain_machine_for(IMAGE_ARCHITECTURE_X86_64),
                        .image_digest = DIGEST,
                        .kernel_path = "/var/lib/shruthi/images/" HEX,
                        .uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                        .console_path = "/run/shruthi/unikernels/msgrouter/console",
                        .memory = 32 << 20,
        };
}

static void assert_golden(const char *file, const Definition *definition, const DomainFacts *facts)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden", file, NULL);
        g_autofree char *xml = NULL, *again = NULL, *golden = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(domain_xml_format(definition, facts, &xml, &error), ==, 0);
        g_assert_cmpint(domain_xml_format(definition, facts, &again, &error), ==, 0);
        g_assert_cmpstr(xml, ==, again);

        if (g_getenv("SHRUTHI_UPDATE_GOLDEN"))
                g_assert_true(g_file_set_contents(path, xml, -1, NULL));
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 1 << 20, &golden, NULL), ==, 0);
        g_assert_cmpstr(xml, ==, golden);
}

static void test_no_devices(void)
{
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        assert_golden("no-devices.xml", &definition, &facts);
}

/* The guest's devices are numbered by slot, whatever their kind. */
static void test_manifest_order(void)
{
        static char arguments[] = "--ipv4=10.0.0.2/24 --ipv4-gateway=10.0.0.1";
        DefinitionDevice storage = volume("storage", "/srv/volumes/storage.img", false);
        DefinitionDevice service = network("service"), uplink = network("uplink");
        DefinitionDevice keys = volume("keys", "/dev/vg0/keys", true);
        DomainDevice devices[] = {
                        {.definition = &storage, .path = storage.path},
                        {.definition = &service, .bridge = "virbr0", .mac = "d2:9a:00:11:22:33"},
                        {.definition = &keys, .path = keys.path, .block_device = true},
                        {.definition = &uplink, .mac = "52:54:00:aa:bb:cc"},
        };
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        uplink.network = (char *) "default";
        facts.arguments = arguments;
        facts.devices = devices;
        facts.n_devices = G_N_ELEMENTS(devices);
        assert_golden("manifest-order.xml", &definition, &facts);
}

static DomainFacts facts_aarch64(void)
{
        DomainFacts facts = facts_plain();

        facts.machine = domain_machine_for(IMAGE_ARCHITECTURE_AARCH64);
        return facts;
}

/* On an aarch64 host with KVM: its own processor and interrupt controller. */
static void test_aarch64_kvm(void)
{
        static char arguments[] = "console=ttyAMA0";
        Definition definition = definition_plain();
        DomainFacts facts = facts_aarch64();

        facts.kvm = true;
        facts.initrd_path = "/var/lib/shruthi/images/initrd";
        facts.arguments = arguments;
        assert_golden("aarch64-kvm.xml", &definition, &facts);
}

/* By emulation, on whatever host: all kinds of devices, in the guest's order. */
static void test_aarch64_emulated(void)
{
        static const char *const parameters[] = {"IP", "10.0.0.2", NULL};
        DefinitionDevice storage = volume("storage", "/srv/volumes/storage.img", false);
        DefinitionDevice service = network("service"), uplink = network("uplink");
        DefinitionDevice keys = volume("keys", NULL, true);
        DomainDevice devices[] = {
                        {.definition = &storage, .path = storage.path},
                        {.definition = &service,
                                        .bridge = "virbr0",
                                        .mac = "d2:9a:00:11:22:33",
                                        .filter = "shruthi-3-held-held",
                                        .filter_parameters = parameters},
                        {.definition = &keys},
                        {.definition = &uplink, .mac = "52:54:00:aa:bb:cc"},
        };
        Definition definition = definition_plain();
        DomainFacts facts = facts_aarch64();

        keys.credentials = true;
        uplink.network = (char *) "default";
        definition.cpus = 8;
        facts.devices = devices;
        facts.n_devices = G_N_ELEMENTS(devices);
        assert_golden("aarch64-emulated.xml", &definition, &facts);
}

/* More processors than the older interrupt controller takes. */
static void test_aarch64_with_many_cpus(void)
{
        Definition definition = definition_plain();
        DomainFacts facts = facts_aarch64();

        definition.cpus = 9;
        assert_golden("aarch64-nine-cpus.xml", &definition, &facts);
}

/* Key material: by descriptor, read only, and in no core file. */
static void test_credentials(void)
{
        DefinitionDevice storage = volume("storage", "/srv/volumes/storage.img", false);
        DefinitionDevice keys = volume("keys", NULL, true);
        DomainDevice devices[] = {{.definition = &keys}, {.definition = &storage, .path = storage.path}};
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        keys.credentials = true;
        facts.devices = devices;
        facts.n_devices = G_N_ELEMENTS(devices);
        assert_golden("credentials.xml", &definition, &facts);
}

/* Which filter a network has, and how fast it is. */
static void test_filter_and_bandwidth(void)
{
        static const char *const parameters[] = {
                        "IP", "10.0.0.2", "IPV6", "fd00::2", "IPV6", "fe80::2", NULL};
        DefinitionDevice service = network("service"), uplink = network("uplink");
        DomainDevice devices[] = {
                        {.definition = &service,
                                        .bridge = "virbr0",
                                        .mac = "d2:9a:00:11:22:33",
                                        .filter = "shruthi-3-held-held",
                                        .filter_parameters = parameters},
                        {.definition = &uplink,
                                        .bridge = "virbr0",
                                        .mac = "52:54:00:aa:bb:cc",
                                        .interface = "shruabcdefghijk"},
        };
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        service.rate_in = 10000000;
        service.rate_out = 2048;
        uplink.rate_out = 1000;
        facts.devices = devices;
        facts.n_devices = G_N_ELEMENTS(devices);
        assert_golden("filter-bandwidth.xml", &definition, &facts);
}

/* All that a manifest could name: the last one is in slot 30, and disk names go on after vdz. */
static void test_as_many_as_there_are_slots(void)
{
        DefinitionDevice disk = volume("storage", "/srv/volumes/storage.img", true);
        DomainDevice devices[DEFINITION_DEVICES_MAX + 1];
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();
        g_autofree char *xml = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
                devices[i] = (DomainDevice){.definition = &disk, .path = disk.path};
        facts.devices = devices;
        facts.n_devices = DEFINITION_DEVICES_MAX;
        assert_golden("all-slots.xml", &definition, &facts);

        facts.n_devices++;
        g_assert_cmpint(domain_xml_format(&definition, &facts, &xml, &error), ==,
                        error_code_to_errno(ERROR_DEVICE_MISMATCH));
        g_assert_cmpint(error.code, ==, ERROR_DEVICE_MISMATCH);
        g_assert_null(xml);
}

static void test_linux_with_initrd(void)
{
        static char arguments[] = "console=ttyS0 root=/dev/vda ro";
        DefinitionDevice root = volume("root", "/srv/volumes/root.img", true);
        DomainDevice devices[] = {{.definition = &root, .path = root.path}};
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        facts.arguments = arguments;
        definition.cpus = 2;
        facts.initrd_path = "/var/lib/shruthi/images/"
                            "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        facts.memory = 512 << 20;
        facts.devices = devices;
        facts.n_devices = 1;
        assert_golden("linux-initrd.xml", &definition, &facts);
}

static void test_kvm(void)
{
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        facts.kvm = true;
        assert_golden("kvm.xml", &definition, &facts);
}

/* Whoever limits its slice limits QEMU. */
static void test_partition(void)
{
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        facts.partition = "/unikernel/msgrouter";
        assert_golden("partition.xml", &definition, &facts);
}

static void test_fast_start(void)
{
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();

        facts.fast_start = true;
        assert_golden("fast-start.xml", &definition, &facts);
        facts.kvm = true;
        assert_golden("kvm-fast-start.xml", &definition, &facts);
}

/* What the definition's text reaches libvirt as. */
static char *xml_string(const char *xml, const char *expression)
{
        xmlDocPtr doc = xmlReadMemory(xml, (int) strlen(xml), NULL, NULL, XML_PARSE_NONET);
        xmlXPathContextPtr context = xmlXPathNewContext(doc);
        xmlXPathObjectPtr object = xmlXPathEvalExpression(BAD_CAST expression, context);
        char *value = g_strdup((const char *) object->stringval);

        xmlXPathFreeObject(object);
        xmlXPathFreeContext(context);
        xmlFreeDoc(doc);
        return value;
}

/* Whatever a user wrote is text: it closes no element and opens none, and arrives unchanged. */
static void test_hostile_text(void)
{
        static char arguments[] =
                        "--a=\"x\" --b='y' <!-- </cmdline><devices/> ]]> &lt; & >\n\ttab,comma,,two "
                        "file=/etc/shadow,if=virtio \xc3\xa4\xf0\x9f\xa6\x84 {x} %s \\";
        static char path[] = "/srv/a'/><disk type=\"block\">&amp;,\tä.img", bridge[] = "virbr0",
                    bad[] = "br'\"<&>";
        DefinitionDevice storage = volume("storage", path, false), service = network("service");
        DomainDevice devices[] = {
                        {.definition = &service, .bridge = bridge, .mac = "d2:9a:00:11:22:33"},
                        {.definition = &storage, .path = storage.path},
        };
        Definition definition = definition_plain();
        DomainFacts facts = facts_plain();
        g_autofree char *xml = NULL, *seen_arguments = NULL, *seen_path = NULL, *seen_bridge = NULL,
                        *count = NULL;

        facts.arguments = arguments;
        facts.devices = devices;
        facts.n_devices = G_N_ELEMENTS(devices);
        assert_golden("hostile.xml", &definition, &facts);

        /* No interface can have that name, and libvirt's schema knows it. */
        devices[0].bridge = bad;
        g_assert_cmpint(domain_xml_format(&definition, &facts, &xml, NULL), ==, 0);
        seen_arguments = xml_string(xml, "string(/domain/os/cmdline)");
        seen_path = xml_string(xml, "string(/domain/devices/disk/source/@file)");
        seen_bridge = xml_string(xml, "string(/domain/devices/interface/source/@bridge)");
        count = xml_string(xml, "string(count(//disk) + count(//devices))");
        g_assert_cmpstr(seen_arguments, ==, arguments);
        g_assert_cmpstr(seen_path, ==, path);
        g_assert_cmpstr(seen_bridge, ==, bad);
        g_assert_cmpstr(count, ==, "2");
}

static void test_refuses_what_xml_cannot_carry(void)
{
        static const char *const texts[] = {
                        "\x01", "a\x1b[2J", "\xff", "\xef\xbf\xbf", "\xed\xa0\x80", "\xc3"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                DefinitionDevice storage = volume("storage", texts[i], false);
                DomainDevice device = {.definition = &storage, .path = storage.path};
                Definition definition = definition_plain();
                DomainFacts facts = facts_plain();
                g_autofree char *xml = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                facts.arguments = texts[i];
                g_assert_cmpint(domain_xml_format(&definition, &facts, &xml, &error), ==, -EINVAL);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
                g_assert_null(strpbrk(error.message, "\x01\x1b\xff"));

                facts.arguments = NULL;
                facts.devices = &device;
                facts.n_devices = 1;
                g_assert_cmpint(domain_xml_format(&definition, &facts, &xml, NULL), ==, -EINVAL);
                g_assert_null(xml);
        }
}

#define OURS "xmlns:shruthi=\"https://dream.org/xmlns/shruthi/1\""

/* Only an element of our namespace (as we write it, or as libvirt gives it back: without one) that names
 * this unikernel makes a domain ours. */
static void test_metadata(void)
{
        static const struct {
                const char *xml;
                bool ours;
        } cases[] = {
                        {"<shruthi:unikernel " OURS " name=\"msgrouter\" owner=\"0\"/>", true},
                        {"<x:unikernel xmlns:x='https://dream.org/xmlns/shruthi/1' name='msgrouter'/>",
                                        true},
                        {"<shruthi:unikernel " OURS " name=\"other\"/>", false},
                        {"<shruthi:unikernel " OURS " name=\"msgrouter2\"/>", false},
                        {"<shruthi:unikernel " OURS "/>", false},
                        {"<shruthi:other " OURS " name=\"msgrouter\"/>", false},
                        {"<unikernel name=\"msgrouter\" owner=\"0\"><device/></unikernel>", true},
                        {"<unikernel name=\"other\"/>", false},
                        {"<x:unikernel xmlns:x=\"https://example.org/\" name=\"msgrouter\"/>", false},
                        {"<shruthi:unikernel " OURS " name=\"msgrouter\">", false},
                        {"", false},
                        {NULL, false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(domain_xml_metadata_is(cases[i].xml, "msgrouter"), ==, cases[i].ours);
}

/* Statistics are told by these names. */
static void test_metadata_names_devices(void)
{
        static const char xml[] =
                        "<shruthi:unikernel " OURS " name=\"a\">\n"
                        "<shruthi:device kind=\"block\" name=\"storage\"/>"
                        "<shruthi:device kind=\"network\" name=\"ser&quot;vice\"/>"
                        "<x:device xmlns:x=\"https://example.org/\" kind=\"network\" name=\"foreign\"/>"
                        "<shruthi:device kind=\"other\" name=\"unknown\"/><shruthi:device kind=\"network\"/>"
                        "<shruthi:device kind=\"network\" name=\"uplink\"/></shruthi:unikernel>";
        g_auto(GStrv) networks = domain_xml_metadata_devices(xml, DEVICE_NETWORK);
        g_auto(GStrv) blocks = domain_xml_metadata_devices(xml, DEVICE_BLOCK);
        g_auto(GStrv) none = domain_xml_metadata_devices("<unikernel/>", DEVICE_BLOCK);
        g_auto(GStrv) plain = domain_xml_metadata_devices(
                        "<unikernel><device kind='block' name='a'/></unikernel>", DEVICE_BLOCK);
        g_autofree char *joined = g_strjoinv(",", networks);

        g_assert_cmpstr(joined, ==, "ser\"vice,uplink");
        g_assert_cmpuint(g_strv_length(blocks), ==, 1);
        g_assert_cmpstr(blocks[0], ==, "storage");
        g_assert_cmpuint(g_strv_length(none), ==, 0);
        g_assert_cmpuint(g_strv_length(plain), ==, 1);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/xml/no-devices", test_no_devices);
        g_test_add_func("/domain/xml/aarch64-kvm", test_aarch64_kvm);
        g_test_add_func("/domain/xml/aarch64-emulated", test_aarch64_emulated);
        g_test_add_func("/domain/xml/aarch64-with-many-cpus", test_aarch64_with_many_cpus);
        g_test_add_func("/domain/xml/devices-in-manifest-order", test_manifest_order);
        g_test_add_func("/domain/xml/credentials-by-descriptor", test_credentials);
        g_test_add_func("/domain/xml/filter-and-bandwidth", test_filter_and_bandwidth);
        g_test_add_func("/domain/xml/as-many-devices-as-slots", test_as_many_as_there_are_slots);
        g_test_add_func("/domain/xml/linux-with-initrd", test_linux_with_initrd);
        g_test_add_func("/domain/xml/kvm", test_kvm);
        g_test_add_func("/domain/xml/partition", test_partition);
        g_test_add_func("/domain/xml/fast-start", test_fast_start);
        g_test_add_func("/domain/xml/hostile-text-stays-text", test_hostile_text);
        g_test_add_func("/domain/xml/refuses-what-xml-cannot-carry", test_refuses_what_xml_cannot_carry);
        g_test_add_func("/domain/xml/metadata-tells-ours", test_metadata);
        g_test_add_func("/domain/xml/metadata-names-devices", test_metadata_names_devices);
        return g_test_run();
}
