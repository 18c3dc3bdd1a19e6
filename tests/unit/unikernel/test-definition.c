/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A definition means what it says or is refused with its line; what is written back means the same. */

#include <glib.h>
#include <string.h>

#include "unikernel/definition.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define IMAGE  "[Unikernel]\nImage=" DIGEST "\n"

static Definition *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;
        int r = definition_parse("a", "a.unikernel", text, strlen(text), &definition, &error);

        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(r, ==, 0);
        return definition;
}

static void test_everything(void)
{
        g_autoptr(Definition) d = parse("[Unikernel]\n"
                                        "Image=/srv/images/router.virtio\n"
                                        "Initrd=" DIGEST "\n"
                                        "Arguments=--ipv4={service.2.address} --json={{\"a b\"}} \\x\n"
                                        "Memory=64M\n"
                                        "CPUs=2\n"
                                        "Architecture=arm64\n"
                                        "Owner=1000\n"
                                        "Group=root\n"
                                        "Autostart=yes\n"
                                        "Restart=on-failure\n"
                                        "[Volume storage]\n"
                                        "Path=/dev/vg/a b\n"
                                        "ReadOnly=on\n"
                                        "[Network service]\n"
                                        "Bridge=virbr0\n"
                                        "MACAddress=52:54:00:AB:cd:ef\n"
                                        "Address=10.0.0.2/24 auto\n"
                                        "Bandwidth=in:10M out:2K\n"
                                        "Isolation=no\n"
                                        "[Network service.2]\n"
                                        "Network=default\n"
                                        "Bandwidth=1G\n"
                                        "[Network storage]\n");
        const DefinitionDevice *device;

        g_assert_cmpstr(d->name, ==, "a");
        g_assert_cmpstr(d->path, ==, "a.unikernel");
        g_assert_cmpstr(d->image, ==, "/srv/images/router.virtio");
        g_assert_cmpstr(d->initrd, ==, DIGEST);
        g_assert_cmpstr(d->arguments, ==, "--ipv4={service.2.address} --json={{\"a b\"}} \\x");
        g_assert_cmpuint(d->memory, ==, 64 << 20);
        g_assert_cmpuint(d->cpus, ==, 2);
        g_assert_cmpint(d->architecture, ==, IMAGE_ARCHITECTURE_AARCH64);
        g_assert_cmpuint(d->owner, ==, 1000);
        g_assert_cmpuint(d->group, ==, 0);
        g_assert_true(d->autostart);
        g_assert_cmpint(d->restart, ==, RESTART_ON_FAILURE);
        g_assert_cmpuint(d->devices->len, ==, 4);

        device = d->devices->pdata[0];
        g_assert_cmpint(device->kind, ==, DEVICE_BLOCK);
        g_assert_cmpstr(device->name, ==, "storage");
        g_assert_cmpstr(device->path, ==, "/dev/vg/a b");
        g_assert_true(device->read_only);
        g_assert_cmpstr(device->file, ==, "a.unikernel");
        g_assert_cmpuint(device->line, ==, 12);
        device = d->devices->pdata[1];
        g_assert_cmpint(device->kind, ==, DEVICE_NETWORK);
        g_assert_cmpstr(device->bridge, ==, "virbr0");
        g_assert_null(device->network);
        g_assert_cmpstr(device->mac, ==, "52:54:00:ab:cd:ef");
        g_assert_cmpstr(device->address, ==, "10.0.0.2/24 auto");
        g_assert_cmpint(device->setting.mode4, ==, ADDRESS_MODE_FIXED);
        g_assert_cmpint(device->setting.mode6, ==, ADDRESS_MODE_AUTO);
        g_assert_cmpuint(device->rate_in, ==, 10000000);
        g_assert_cmpuint(device->rate_out, ==, 2000);
        g_assert_true(device->open);
        device = d->devices->pdata[2];
        g_assert_cmpstr(device->name, ==, "service.2");
        g_assert_cmpstr(device->network, ==, "default");
        g_assert_cmpuint(device->rate_in, ==, 1000000000);
        g_assert_cmpuint(device->rate_out, ==, 1000000000);
        /* Not written, but the arguments use it. */
        g_assert_null(device->address);
        g_assert_cmpint(device->setting.mode4, ==, ADDRESS_MODE_AUTO);
        g_assert_cmpint(device->setting.mode6, ==, ADDRESS_MODE_NONE);
        g_assert_false(device->open);
        device = d->devices->pdata[3];
        g_assert_cmpint(device->kind, ==, DEVICE_NETWORK);
        g_assert_null(device->bridge);
        g_assert_null(device->network);
        g_assert_null(device->mac);
}

/* Each line adds to those before, an empty one takes them back; all have one spelling. */
static void test_publish(void)
{
        g_autoptr(Definition) d = parse(IMAGE "Arguments={a.address}\n"
                                              "[Network a]\n"
                                              "Publish=1:1\n"
                                              "Publish=\n"
                                              "Publish=8080:80/tcp\n"
                                              "Publish=[2001:DB8::1]:53:53/udp\n"
                                              "Address=10.0.0.2/24 auto\n"
                                              "[Network b]\n");
        const DefinitionDevice *a = d->devices->pdata[0], *b = d->devices->pdata[1];
        g_autofree char *text = definition_device_format(a);

        g_assert_cmpstr(a->publish, ==, "8080:80\n[2001:db8::1]:53:53/udp");
        g_assert_null(b->publish);
        g_assert_nonnull(strstr(text, "\nPublish=8080:80\nPublish=[2001:db8::1]:53:53/udp\n"));
}

static void test_defaults(void)
{
        g_autoptr(Definition) d = parse(IMAGE "Memory=\nRestart=\nArguments=\nOwner=\nGroup=\n");

        g_assert_cmpstr(d->arguments, ==, "");
        g_assert_null(d->initrd);
        g_assert_cmpuint(d->memory, ==, 0);
        g_assert_cmpuint(d->cpus, ==, 1);
        g_assert_cmpuint(d->owner, ==, 0);
        g_assert_cmpuint(d->group, ==, GID_INVALID);
        g_assert_false(d->autostart);
        g_assert_cmpint(d->restart, ==, RESTART_NO);
        g_assert_cmpuint(d->devices->len, ==, 0);
}

static const struct {
        const char *text, *message;
} refusals[] = {
                {"", "f:1: there is no image: set Image=sha256:… or Image=/… in section [Unikernel]"},
                {"#\n[Unikernel]\nImage=\n",
                                "f:2: there is no image: set Image=sha256:… or Image=/… in section "
                                "[Unikernel]"},
                {"[Unikernel]\nMemroy=32M\n",
                                "f:2: unknown key 'Memroy' in [Unikernel], did you mean 'Memory'?"},
                {"[Unikernel]\nAddress=auto\n",
                                "f:2: unknown key 'Address' in [Unikernel]; known are Image, "
                                "Initrd, Arguments, Memory, CPUs, Architecture, Owner, Group, Autostart, "
                                "Restart, "
                                "Activation, StopWhenIdleSec, Ready, ReadyTimeoutSec, Healthy, "
                                "HealthyIntervalSec, HealthyRetries, Watchdog, UpdateFrom, "
                                "UpdateVerify, Fleet, "
                                "RestartSec, RestartSteps, RestartMaxDelaySec, StartLimitIntervalSec, "
                                "StartLimitBurst, Requires, "
                                "Wants, BindsTo, After, Before, Conflicts, PartOf, Upholds, OnFailure, "
                                "CPUWeight, CPUQuota, "
                                "AllowedCPUs, IOWeight, IOReadBandwidthMax, IOWriteBandwidthMax, "
                                "IOReadIOPSMax, "
                                "IOWriteIOPSMax, MemoryHigh, MemoryMax"},
                {IMAGE "[Network service]\nPath=/a\n",
                                "f:4: unknown key 'Path' in [Network service]; known are Bridge, "
                                "Network, MACAddress, Address, Bandwidth, Isolation, Publish"},
                {IMAGE "[Volume a]\nOwner=1\n", "f:4: unknown key 'Owner' in [Volume a]; known are Path, "
                                                "Size, Volume, ReadOnly"},
                {IMAGE "[Netwrok a]\n", "f:3: unknown section '[Netwrok]', did you mean 'Network'?"},
                {IMAGE "[Disks a]\n",
                                "f:3: unknown section '[Disks]'; known are Unikernel, Network, Volume, "
                                "Credentials"},
                {IMAGE "[Service]\n",
                                "f:3: section [Service] belongs to systemd: write it to "
                                "/etc/systemd/system/unikernel@a.service.d/50-local.conf, or use 'systemctl "
                                "edit unikernel@a.service'"},
                {IMAGE "[Unit]\n",
                                "f:3: section [Unit] belongs to systemd: write it to "
                                "/etc/systemd/system/unikernel@a.service.d/50-local.conf, or use 'systemctl "
                                "edit unikernel@a.service'"},
                {IMAGE "[Install]\n",
                                "f:3: section [Install] belongs to systemd: write it to "
                                "/etc/systemd/system/unikernel@a.service.d/50-local.conf, or use 'systemctl "
                                "edit unikernel@a.service'"},
                {"[Unikernel a]\n", "f:1: section [Unikernel a] takes no name: write [Unikernel]"},
                {IMAGE "[Network]\n",
                                "f:3: section [Network] needs the device's name as in the image's manifest, "
                                "such as [Network service]"},
                {IMAGE "[Volume]\n",
                                "f:3: section [Volume] needs the device's name as in the image's manifest, "
                                "such as [Volume storage]"},
                {IMAGE "[Network a/b]\n",
                                "f:3: 'a/b' is not a valid device name: use 1 to 67 printable ASCII "
                                "characters without '[', ']' and '/'"},
                {IMAGE "[Network ä]\n", "f:3: 'ä' is not a valid device name: use 1 to 67 printable ASCII "
                                        "characters without '[', ']' and '/'"},
                {IMAGE "[Network "
                       "a1234567890123456789012345678901234567890123456789012345678901234567]\n",
                                "f:3: "
                                "'a123456789012345678901234567890123456789012345678901234567890123456…' is "
                                "not a valid device name: use 1 to 67 printable ASCII characters without "
                                "'[', ']' "
                                "and '/'"},
                {"[Unikernel]\nImage=router.virtio\n",
                                "f:2: Image=router.virtio: neither a digest (sha256:…) nor "
                                "an absolute path (/…)"},
                {"[Unikernel]\nImage=sha256:E3B0\n",
                                "f:2: Image=sha256:E3B0: must be 'sha256:' and 64 hexadecimal "
                                "digits in lower case"},
                {"[Unikernel]\nImage=/a/../b\n", "f:2: Image=/a/../b: not a normalized path of a file: "
                                                 "write it without '//', '.', "
                                                 "'..' and a '/' at the end"},
                {IMAGE "Initrd=initrd\n",
                                "f:3: Initrd=initrd: neither a digest (sha256:…) nor an absolute path "
                                "(/…)"},
                {IMAGE "Arguments=--a={b}\n", "f:3: Arguments=: there is no field {b}; known: {name}, "
                                              "{uuid}, {owner} (write {{ "
                                              "and }} for braces)"},
                {IMAGE "Arguments=a}b\n", "f:3: Arguments=: a single '}' at byte 2: write '}}' for a brace"},
                {IMAGE "Arguments=a{b\n", "f:3: Arguments=: a single '{' at byte 2: write '{{' for a brace"},
                {IMAGE "[Network s]\nAddress=10.0.0.2\n", "f:4: Address=10.0.0.2: '10.0.0.2' has no prefix "
                                                          "length: write 10.0.0.2/24 with "
                                                          "the prefix length of its network"},
                {IMAGE "[Network s]\nBandwidth=10m\n",
                                "f:4: Bandwidth=10m: not a bandwidth: write bytes a second with K, M or G "
                                "(base "
                                "1000), such as 10M for both directions or in:10M out:2M"},
                {IMAGE "[Network s]\nBandwidth=10M in:1M\n",
                                "f:4: Bandwidth=10M in:1M: not a bandwidth: write bytes a second with K, M "
                                "or G "
                                "(base 1000), such as 10M for both directions or in:10M out:2M"},
                {IMAGE "[Network s]\nBandwidth=999\n",
                                "f:4: Bandwidth=999: out of range: write 1K (1000 bytes a second) to 1000G"},
                {IMAGE "[Network s]\nIsolation=maybe\n", "f:4: Isolation=maybe: write yes or no"},
                {IMAGE "[Network s]\nAddress=auto\nPublish=80\n",
                                "f:5: Publish=80: the port of the guest is missing: write "
                                "[ADDRESS:]PORT:GUESTPORT, such "
                                "as 8080:80, 192.0.2.1:53:53/udp or [2001:db8::1]:443:443"},
                {IMAGE "[Network s]\nAddress=auto\nPublish=80:80\nPublish=10.0.0.1:80:81\n",
                                "f:6: Publish=10.0.0.1:80:81: this device publishes some of these ports "
                                "already: write "
                                "each once"},
                {IMAGE "[Network s]\nAddress=auto\nPublish=1-1024:1-1024\nPublish=1025:1\n",
                                "f:6: Publish=1025:1: too many: a device has at most 32 lines and 1024 "
                                "ports"},
                {IMAGE "[Network s]\nPublish=80:80\n",
                                "f:4: Publish=80:80: [Network s] has no address that this host knows: write "
                                "Address=auto "
                                "there and {s.address} into Arguments=, or the address that the guest has"},
                {IMAGE "[Network s]\nAddress=auto\nIsolation=no\nPublish=80:80\n",
                                "f:6: Publish=80:80: [Network s] also has Isolation=no, so the guest could "
                                "answer from an "
                                "address of others: remove that"},
                {IMAGE "[Network s]\nAddress=10.0.0.2/24\nPublish=[::1]:80:80\n",
                                "f:5: Publish=[::1]:80:80: [Network s] has no address of the family of the "
                                "host's: write "
                                "one into Address="},
                {IMAGE "[Network s]\nAddress=auto\nPublish=80:80\n[Network "
                       "t]\nAddress=auto\nPublish=79-81:1-3\n",
                                "f:8: Publish=79-81:1-3: [Network s] publishes some of these ports too: "
                                "write each once"},
                {IMAGE "Memory=32\n", "f:3: Memory=32: less than 1M: write the unit too, such as 32M"},
                {IMAGE "Memory=512K\n", "f:3: Memory=512K: less than 1M: write 32M or more"},
                {IMAGE "Memory=32m\n",
                                "f:3: Memory=32m: not a size: write a whole number and K, M, G or T (base "
                                "1024), such as 32M"},
                {IMAGE "Memory=-1M\n",
                                "f:3: Memory=-1M: not a size: write a whole number and K, M, G or T (base "
                                "1024), such as 32M"},
                {IMAGE "Memory=1025K\n", "f:3: Memory=1025K: not a whole number of MiB: write 2M"},
                {IMAGE "Memory=17T\n", "f:3: Memory=17T: too much: at most 16T"},
                {IMAGE "Memory=99999999999999999999\n",
                                "f:3: Memory=99999999999999999999: too much: at most 16T"},
                {IMAGE "Architecture=sparc\n", "f:3: Architecture=sparc: write x86_64 or aarch64, or "
                                               "nothing for the host's own"},
                {IMAGE "CPUs=0\n", "f:3: CPUs=0: not a number from 1 to 64 (Solo5 uses one)"},
                {IMAGE "CPUs=65\n", "f:3: CPUs=65: not a number from 1 to 64 (Solo5 uses one)"},
                {IMAGE "CPUs=two\n", "f:3: CPUs=two: not a number from 1 to 64 (Solo5 uses one)"},
                {IMAGE "Owner=no-such-user\n",
                                "f:3: Owner=no-such-user: there is no such user on this host"},
                {IMAGE "Owner=4294967295\n", "f:3: Owner=4294967295: not the number of a user"},
                {IMAGE "Owner=65535\n", "f:3: Owner=65535: not the number of a user"},
                {IMAGE "Owner=-1\n", "f:3: Owner=-1: not the number of a user"},
                {IMAGE "Group=no-such-group\n",
                                "f:3: Group=no-such-group: there is no such group on this host"},
                {IMAGE "Group=4294967296\n", "f:3: Group=4294967296: not the number of a group"},
                {IMAGE "Autostart=maybe\n", "f:3: Autostart=maybe: write yes or no"},
                {IMAGE "Restart=on-abort\n", "f:3: Restart=on-abort: write no, on-failure or always"},
                {IMAGE "Ready=soon\n", "f:3: Ready=soon: write started, console:REGEX, tcp:DEVICE:PORT, "
                                       "http:DEVICE:PORT/PATH or "
                                       "ping:DEVICE"},
                {IMAGE "Ready=ping:service\n",
                                "f:3: Ready=ping:service: there is no section [Network service]"},
                {IMAGE "Ready=tcp:a:80\n[Network b]\nAddress=auto\n[Network c]\n",
                                "f:3: Ready=tcp:a:80: there is no section [Network a]; known: b, c"},
                {IMAGE "Ready=started\nReady=http:a:80/\n[Network a]\n",
                                "f:4: Ready=http:a:80/: [Network a] has no address that this host knows: "
                                "write Address=auto "
                                "there and {a.address} into Arguments=, or the address that the guest has"},
                {IMAGE "Ready=tcp:a:0\n[Network a]\nAddress=auto\n",
                                "f:3: Ready=tcp:a:0: '0' is no port: write a number from 1 to 65535"},
                {IMAGE "Healthy=started\n",
                                "f:3: Healthy=started: not a check of health: write tcp:DEVICE:PORT, "
                                "http:DEVICE:PORT/PATH or "
                                "ping:DEVICE; for a console that goes on there is Watchdog=console"},
                {IMAGE "Healthy=ping:a\n", "f:3: Healthy=ping:a: there is no section [Network a]"},
                {IMAGE "HealthyIntervalSec=10ms\n",
                                "f:3: HealthyIntervalSec=10ms: write a time from 1s to 1d"},
                {IMAGE "HealthyIntervalSec=infinity\n",
                                "f:3: HealthyIntervalSec=infinity: write a time from 1s to 1d"},
                {IMAGE "HealthyRetries=0\n", "f:3: HealthyRetries=0: not a number from 1 to 100"},
                {IMAGE "Watchdog=yes\n", "f:3: Watchdog=yes: write console"},
                {IMAGE "Fleet=a/b\n",
                                "f:3: Fleet=a/b: write the name of a fleet: 1 to 63 of a-z, 0-9 and '-', or "
                                "nothing"},
                {IMAGE "Activation=yes\n", "f:3: Activation=yes: write traffic, or nothing"},
                {IMAGE "Activation=traffic\n[Network a]\nAddress=auto\n",
                                "f:3: Activation=traffic: it publishes no port where traffic could come: "
                                "write Publish= into "
                                "a section [Network NAME]"},
                {IMAGE "StopWhenIdleSec=10ms\n", "f:3: StopWhenIdleSec=10ms: write a time from 1s to 365d"},
                {IMAGE "UpdateFrom=a.virtio\n", "f:3: UpdateFrom=a.virtio: neither a URL (https://…) nor an "
                                                "absolute path of a file: write the path "
                                                "from '/', without '//', '.', '..' and a '/' at the end"},
                {IMAGE "UpdateFrom=/a/../b\n", "f:3: UpdateFrom=/a/../b: neither a URL (https://…) nor an "
                                               "absolute path of a file: write the path "
                                               "from '/', without '//', '.', '..' and a '/' at the end"},
                {IMAGE "UpdateFrom=/a\nUpdateVerify=yes\n",
                                "f:4: UpdateVerify=yes: write minisign:KEY, openpgp:/PATH/OF/KEYRING or "
                                "sha256sums:/PATH/OF/SHA256SUMS (or sha256sums:https://…)"},
                {IMAGE "UpdateFrom=/a\nUpdateVerify=none:\n",
                                "f:4: UpdateVerify=none:: write minisign:KEY, openpgp:/PATH/OF/KEYRING or "
                                "sha256sums:/PATH/OF/SHA256SUMS (or sha256sums:https://…)"},
                {IMAGE "UpdateFrom=/a\nUpdateVerify=minisign:RWQ\n",
                                "f:4: UpdateVerify=minisign:RWQ: not a public key of minisign: write the "
                                "line of its .pub file that "
                                "begins with RW"},
                {IMAGE "UpdateFrom=/a\nUpdateVerify=minisign:/etc/a.pub\n",
                                "f:4: UpdateVerify=minisign:/etc/a.pub: write the key itself: the line of "
                                "that file that begins with "
                                "RW"},
                {IMAGE "UpdateFrom=/a\nUpdateVerify=openpgp:keys.gpg\n",
                                "f:4: UpdateVerify=openpgp:keys.gpg: not an absolute path without '//', "
                                "'.', '..' and a '/' at the "
                                "end: write openpgp:/PATH"},
                {IMAGE "UpdateFrom=http://h/a\n", "f:3: UpdateFrom=http://h/a: http is not encrypted, so "
                                                  "that anybody on the way sees and changes what "
                                                  "is fetched: write https://"},
                {IMAGE "UpdateFrom=https://h/a\n",
                                "f:3: UpdateFrom=https://h/a: what comes over the network has to be "
                                "verified, because https proves "
                                "only which server it came from: write UpdateVerify= too"},
                {IMAGE "UpdateVerify=openpgp:/a\n", "f:3: UpdateVerify=openpgp:/a: there is nothing to "
                                                    "verify without UpdateFrom=: write that too"},
                {IMAGE "Ready=console:\n", "f:3: Ready=console:: no pattern: write console: and a regular "
                                           "expression, such as "
                                           "console:^Listening"},
                {IMAGE "Ready=started\nReady=started\nReady=started\nReady=started\nReady=started\nReady="
                       "started\n"
                       "Ready=started\nReady=started\nReady=console:x\n",
                                "f:11: Ready=console:x: one check too many: write at most 8"},
                {IMAGE "ReadyTimeoutSec=soon\n",
                                "f:3: ReadyTimeoutSec=soon: write a time such as 30s or 2min, or infinity"},
                {IMAGE "ReadyTimeoutSec=0\n",
                                "f:3: ReadyTimeoutSec=0: write a time such as 30s or 2min, or infinity"},
                {IMAGE "[Network a]\nBridge=0123456789abcdef\n",
                                "f:4: Bridge=0123456789abcdef: not the name of a bridge: 1 to 15 printable "
                                "characters without '/', ':', '%' and space"},
                {IMAGE "[Network a]\nBridge=..\n", "f:4: Bridge=..: not the name of a bridge: 1 to 15 "
                                                   "printable characters without "
                                                   "'/', ':', '%' and space"},
                {IMAGE "[Network a]\nBridge=a b\n", "f:4: Bridge=a b: not the name of a bridge: 1 to 15 "
                                                    "printable characters without "
                                                    "'/', ':', '%' and space"},
                {IMAGE "[Network a]\nNetwork=a/b\n",
                                "f:4: Network=a/b: not the name of a libvirt network: at most "
                                "255 bytes, without '/'"},
                {IMAGE "[Network a]\nBridge=br0\nNetwork=default\n",
                                "f:5: Network=default: [Network a] also has Bridge=br0; remove one of the "
                                "two"},
                {IMAGE "[Network a]\nMACAddress=52:54:00:12:34\n", "f:4: MACAddress=52:54:00:12:34: not a "
                                                                   "MAC address: write six octets, such as "
                                                                   "52:54:00:12:34:56"},
                {IMAGE "[Network a]\nMACAddress=52-54-00-12-34-56\n",
                                "f:4: MACAddress=52-54-00-12-34-56: not a MAC address: write six octets, "
                                "such as "
                                "52:54:00:12:34:56"},
                {IMAGE "[Network a]\nMACAddress=01:00:5e:00:00:01\n",
                                "f:4: MACAddress=01:00:5e:00:00:01: a multicast address: the second digit "
                                "must be "
                                "even, such as in 52:54:00:12:34:56"},
                {IMAGE "[Network a]\nMACAddress=ff:ff:ff:ff:ff:ff\n",
                                "f:4: MACAddress=ff:ff:ff:ff:ff:ff: a multicast address: the second digit "
                                "must be "
                                "even, such as in 52:54:00:12:34:56"},
                {IMAGE "[Network a]\nMACAddress=FE:54:00:12:34:56\n",
                                "f:4: MACAddress=FE:54:00:12:34:56: addresses that begin with fe: belong to "
                                "the "
                                "host's side of guests' interfaces: use another, such as one that begins "
                                "with "
                                "52:54:00"},
                {IMAGE "[Network a]\nMACAddress=00:00:00:00:00:00\n",
                                "f:4: MACAddress=00:00:00:00:00:00: not the address of a device: use "
                                "another, or "
                                "remove the key to have one derived"},
                {IMAGE "[Network a]\nMACAddress=52:54:00:12:34:56\n[Network "
                       "b]\nMACAddress=52:54:00:12:34:56\n",
                                "f:6: MACAddress=52:54:00:12:34:56: [Network a] has this address already"},
                {IMAGE "[Volume a]\n",
                                "f:3: [Volume a] has no source: set Size=64M (or another size) to create a "
                                "volume, Volume=… to use an existing one, or Path=/… to use a file or block "
                                "device of the host"},
                {IMAGE "[Volume a]\nPath=/a\nSize=1M\n", "f:4: Path=/a: [Volume a] also has Size=: Path= is "
                                                         "for a file or block device of "
                                                         "the host, Size= and Volume= are for volumes of "
                                                         "the store; remove one of them"},
                {IMAGE "[Volume a]\nVolume=b\nPath=/a\n", "f:5: Path=/a: [Volume a] also has Volume=: Path= "
                                                          "is for a file or block device of "
                                                          "the host, Size= and Volume= are for volumes of "
                                                          "the store; remove one of them"},
                {IMAGE "[Volume a]\nSize=1000\n", "f:4: Size=1000: A volume cannot have 1000 bytes: its "
                                                  "size is a multiple of 512 "
                                                  "bytes, at least 512 and at most 64T, such as 64M"},
                {IMAGE "[Volume a]\nSize=big\n", "f:4: Size=big: not a size: write a whole number and K, M, "
                                                 "G or T (base 1024), "
                                                 "such as 64M"},
                {IMAGE "[Volume a]\nVolume=../b\n",
                                "f:4: Volume=../b: '../b' is not a valid volume name: use 1 to 131 of a-z, "
                                "A-Z, "
                                "0-9, '-', '_' and '.', beginning with a letter or digit"},
                {IMAGE "[Volume a b]\nSize=1M\n", "f:3: [Volume a b] has no valid volume name: set Volume= "
                                                  "to a name of a-z, A-Z, "
                                                  "0-9, '-', '_' and '.'"},
                {IMAGE "[Volume a]\nSize=1M\n[Volume b]\nVolume=a-a\nReadOnly=yes\n",
                                "f:5: [Volume a] and [Volume b] are the same volume 'a-a': set ReadOnly=yes "
                                "in "
                                "both, or use two volumes"},
                {IMAGE "[Volume a]\nPath=disk.img\n", "f:4: Path=disk.img: not an absolute, normalized "
                                                      "path: write it from '/', without "
                                                      "'//', '.', '..' and a '/' at the end"},
                {IMAGE "[Volume a]\nPath=/srv//disk.img\n", "f:4: Path=/srv//disk.img: not an absolute, "
                                                            "normalized path: write it from '/', "
                                                            "without '//', '.', '..' and a '/' at the end"},
                {IMAGE "[Volume a]\nPath=/\n", "f:4: Path=/: not an absolute, normalized path: write it "
                                               "from '/', without '//', "
                                               "'.', '..' and a '/' at the end"},
                {IMAGE "[Volume a]\nReadOnly=2\n", "f:4: ReadOnly=2: write yes or no"},
                {IMAGE IMAGE, "f:3: section [Unikernel] is given twice; join the two"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(Definition) definition = NULL;

                g_test_message("%s", refusals[i].text);
                g_assert_cmpint(definition_parse("a", "f", refusals[i].text, strlen(refusals[i].text),
                                                &definition, &error),
                                ==, -EBADMSG);
                g_assert_cmpstr(error.message, ==, refusals[i].message);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_null(definition);
        }
}

static void test_too_many_devices(void)
{
        g_autoptr(GString) text = g_string_new(IMAGE);
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        for (int i = 0; i < DEFINITION_DEVICES_MAX; i++)
                g_string_append_printf(text, "[Network n%d]\n", i);
        g_assert_cmpint(definition_parse("a", "f", text->str, text->len, &definition, &error), ==, 0);
        g_clear_pointer(&definition, definition_free);
        g_string_append(text, "[Network one-more]\n");
        g_assert_cmpint(definition_parse("a", "f", text->str, text->len, &definition, &error), ==, -EBADMSG);
        g_assert_cmpstr(error.message, ==,
                        "f:32: device limit reached at [Network one-more]: a guest can have at most 29 "
                        "devices");
}

static void test_names_are_checked(void)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(definition_parse("../a", "f", "", 0, &definition, &error), ==, -EINVAL);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_NAME);
        g_assert_cmpint(definition_load("A", &definition, &error), ==, -EINVAL);
        g_assert_cmpint(definition_write("a/b", IMAGE, true, &error), ==, -EINVAL);
        g_assert_cmpint(definition_remove("..", &error), ==, -EINVAL);
}

static void test_format_comes_back(void)
{
        static const char text[] =
                        "# Made by shruthid. 'shruthictl edit a' changes it; man shruthi.unikernel(5).\n\n"
                        "[Unikernel]\nImage=" DIGEST
                        "\nInitrd=/a/b\nArguments=a {{b}} \"c\nMemory=64M\nCPUs=2\n"
                        "Architecture=aarch64\nOwner=1000\nGroup=100\nAutostart=yes\nRestart=always\n"
                        "Activation=traffic\nStopWhenIdleSec=5min\n"
                        "Ready=started\nReady=console:^Listening on .*:80$\nReadyTimeoutSec=2min\n"
                        "Healthy=tcp:service:80\nHealthyIntervalSec=1min\nHealthyRetries=1\nWatchdog="
                        "console\n"
                        "UpdateFrom=/srv/a.virtio\nUpdateVerify=sha256sums:/srv/SHA256SUMS\n"
                        "Fleet=gossip\n"
                        "RestartSec=1s\nRestartSteps=2\nRestartMaxDelaySec=1min\nStartLimitIntervalSec=1h\n"
                        "StartLimitBurst=3\nRequires=b\nWants=c x.target\nBindsTo=d\nAfter=b d\nBefore=e\n"
                        "Conflicts=f\nPartOf=g\nUpholds=h\nOnFailure=i\n"
                        "CPUWeight=idle\nCPUQuota=20%\nAllowedCPUs=0-3,6\nIOWeight=50\n"
                        "IOReadBandwidthMax=10M\nIOReadBandwidthMax=/srv 1M\nIOWriteBandwidthMax=2M\n"
                        "IOReadIOPSMax=500\nIOWriteIOPSMax=5K\nMemoryHigh=100M\nMemoryMax=128M\n"
                        "\n[Network "
                        "service]\nBridge=br0\nMACAddress=52:54:00:12:34:56\nAddress=10.0.0.2/24\n"
                        "\n[Network other]\nNetwork=default\nAddress=auto\nPublish=8080:80\n"
                        "\n[Volume storage]\nPath=/a\nReadOnly=yes\n"
                        "\n[Volume own]\nSize=64M\n"
                        "\n[Volume shared]\nSize=512\nVolume=b-own\nReadOnly=yes\n"
                        "\n[Volume other]\nVolume=c\n";
        static const char least[] =
                        "# Made by shruthid. 'shruthictl edit a' changes it; man shruthi.unikernel(5).\n\n"
                        "[Unikernel]\nImage=" DIGEST "\nOwner=0\n";
        g_autoptr(Definition) definition = parse(text), small = parse(least);
        g_autofree char *formatted = definition_format(definition),
                        *formatted_small = definition_format(small);

        g_assert_cmpstr(formatted, ==, text);
        g_assert_cmpstr(formatted_small, ==, least);
}

/* Each has its name in the store, or a path. */
static void test_stored_volumes(void)
{
        g_autoptr(Definition) definition = parse(IMAGE "[Volume p]\nPath=/p\n[Volume own]\nSize=64M\n"
                                                       "[Volume there]\nVolume=b\nReadOnly=yes\n"
                                                       "[Volume twice]\nVolume=b\nReadOnly=yes\n");
        const DefinitionDevice *device = definition->devices->pdata[0];

        g_assert_cmpstr(device->stored, ==, NULL);
        device = definition->devices->pdata[1];
        g_assert_cmpstr(device->stored, ==, "a-own");
        g_assert_cmpuint(device->size, ==, 64 * 1024 * 1024);
        g_assert_cmpstr(device->volume, ==, NULL);
        device = definition->devices->pdata[2];
        g_assert_cmpstr(device->stored, ==, "b");
        g_assert_cmpuint(device->size, ==, 0);
}

static void test_text_set(void)
{
        static const char text[] = "# top\n"
                                   "[Unikernel]\n"
                                   "# why\n"
                                   "Memory = 32M\n"
                                   "Arguments=a \\\n"
                                   "# within\n"
                                   " b\n"
                                   "CPUs=1\n"
                                   "\n"
                                   "# about service\n"
                                   "[Network service]\n"
                                   "Bridge=br0\n"
                                   "# tail";
        static const struct {
                const char *type, *name, *key, *value, *before, *after;
        } cases[] = {
                {"Unikernel", NULL, "Memory", "64M", "Memory = 32M\n", "Memory=64M\n"},
                {"Unikernel", NULL, "Memory", NULL, "Memory = 32M\n", ""},
                {"Unikernel", NULL, "Arguments", "c", "Arguments=a \\\n# within\n b\n",
                                "Arguments=c\n"},
                {"Unikernel", NULL, "Owner", "7", "CPUs=1\n", "CPUs=1\nOwner=7\n"},
                {"Unikernel", NULL, "Owner", NULL, "", ""},
                {"Network", "service", "Network", "default", "Bridge=br0\n",
                                "Bridge=br0\nNetwork=default\n"},
                {"Network", "other", "Bridge", "br1", "# tail",
                                "# tail\n\n[Network other]\nBridge=br1"},
                {"Network", "other", NULL, "", "# tail", "# tail\n\n[Network other]"},
                {"Network", "service", NULL, "", "", ""},
                {"Network", "service", NULL, NULL, "[Network service]\nBridge=br0\n# tail\n", ""},
                {"Network", "other", NULL, NULL, "", ""},
                {"Unikernel", NULL, NULL, NULL,
                                "[Unikernel]\n# why\nMemory = 32M\nArguments=a \\\n# within\n b\nCPUs=1\n\n",
                                ""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *set = definition_text_set(
                                text, cases[i].type, cases[i].name, cases[i].key, cases[i].value);
                g_autoptr(GString) expected = g_string_new(text);

                g_string_append_c(expected, '\n');
                g_assert_cmpuint(g_string_replace(expected, cases[i].before, cases[i].after, 1), ==, 1);
                g_assert_cmpstr(set, ==, expected->str);
        }
}

static void test_text_set_in_nothing(void)
{
        g_autofree char *set = definition_text_set("", "Unikernel", NULL, "CPUs", "2");
        g_autofree char *again = definition_text_set(set, "Volume", "a", "Path", "/a");

        g_assert_cmpstr(set, ==, "[Unikernel]\nCPUs=2\n");
        g_assert_cmpstr(again, ==, "[Unikernel]\nCPUs=2\n\n[Volume a]\nPath=/a\n");
}

/* What nobody wrote as a file has no lines: errors name what was set. */
static void test_a_text_of_no_file_has_no_lines(void)
{
        static const struct {
                const char *text, *said;
        } cases[] = {
                {"[Unikernel]\nImage=/i\nMemory=5\n",
                 "Memory=5: less than 1M: write the unit too, such as 32M"},
                {"[Unikernel]\nImage=/i\n[Network a]\nBridge=a/b\n", "[Network a] Bridge=a/b: not the name"},
                {"[Unikernel]\nImage=/i\nArguments={nothing}\n", "Arguments=: "},
                {"[Unikernel]\nImage=/i\n[Volume a]\nSize=1M\n[Credentials a]\n",
                 "block device 'a' also has a section [Volume a]; remove one"},
                {"[Unikernel]\nImage=/i\nFrob=1\n", "unknown key 'Frob' in [Unikernel]"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Definition) definition = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(definition_parse("a", NULL, cases[i].text, strlen(cases[i].text),
                                                &definition, &error), ==, -EBADMSG);
                g_test_message("%s", error.message);
                g_assert_true(g_str_has_prefix(error.message, cases[i].said));
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/definition/published-ports", test_publish);
        g_test_add_func("/unikernel/definition/everything", test_everything);
        g_test_add_func("/unikernel/definition/defaults", test_defaults);
        g_test_add_func("/unikernel/definition/refusals", test_refusals);
        g_test_add_func("/unikernel/definition/too-many-devices", test_too_many_devices);
        g_test_add_func("/unikernel/definition/names-are-checked", test_names_are_checked);
        g_test_add_func("/unikernel/definition/format-comes-back", test_format_comes_back);
        g_test_add_func("/definition/volumes-have-names-in-the-store", test_stored_volumes);
        g_test_add_func("/unikernel/definition/text-set", test_text_set);
        g_test_add_func("/unikernel/definition/text-set-in-nothing", test_text_set_in_nothing);
        g_test_add_func("/unikernel/definition/a-text-of-no-file-has-no-lines",
                        test_a_text_of_no_file_has_no_lines);
        return g_test_run();
}
