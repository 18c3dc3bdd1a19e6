/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking for what is wrong with a host. Called by main.c for shruthictl doctor. */

#include "domain/check.h"

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "config.h"
#include "domain/bridges.h"
#include "domain/check-keys.h"
#include "domain/fence-client.h"
#include "domain/isolation.h"
#include "domain/neighbours-client.h"
#include "domain/probe.h"
#include "domain/protocol.h"
#include "domain/reach.h"
#include "domain/virt.h"
#include "unikernel/lease.h"
#include "unikernel/network.h"
#include "volume/room.h"

#define CHECK_GUARD 150 /* seconds */

/* What libvirt knows about QEMU it answers within milliseconds; asking QEMU anew takes seconds. */
#define CACHED_ANSWER_USEC (1500 * 1000)

#define TMPFILES_FIX "systemd-tmpfiles --create shruthi.conf"

void check_emit(const char *name, const char *verdict, const char *fix, const char *format, ...)
{
        g_autofree char *sentence = NULL;
        va_list ap;

        va_start(ap, format);
        sentence = g_strdup_vprintf(format, ap);
        va_end(ap);

        protocol_emit("check", "%s|%s|%s|%s", name, verdict, g_strdelimit(sentence, "|", '/'), fix);
}

static void check_libvirt(virConnectPtr connection, const Conf *conf)
{
        unsigned long libvirt = 0, qemu = 0;

        (void) virConnectGetLibVersion(connection, &libvirt);
        if (virConnectGetVersion(connection, &qemu) < 0) {
                check_emit("libvirt", "failed", "install QEMU's qemu-system-x86_64",
                                "libvirt at %s finds no QEMU: %s", conf->libvirt_uri,
                                virGetLastErrorMessage());
                return;
        }

        check_emit("libvirt", "ok", "", "libvirt %lu.%lu.%lu with QEMU %lu.%lu.%lu answers at %s",
                        libvirt / 1000000, libvirt / 1000 % 1000, libvirt % 1000, qemu / 1000000,
                        qemu / 1000 % 1000, qemu % 1000, conf->libvirt_uri);
}

static void check_no_libvirt(const char *message)
{
        /* The socket lets us in by polkit or by the group, and says so in its words. */
        bool refused = strstr(message, "uthenticat") || strstr(message, "enied");

        check_emit("libvirt", "failed",
                        refused ? "usermod -a -G " SHRUTHI_LIBVIRT_GROUP " " SHRUTHI_USER
                                : "systemctl enable --now libvirtd.socket (or virtqemud.socket)",
                        "%s", message);
}

static bool ask_capabilities(virConnectPtr connection, gint64 *ret_usec)
{
        gint64 begin = g_get_monotonic_time();
        char *capabilities = virConnectGetDomainCapabilities(connection, NULL, "x86_64", "pc", "qemu", 0);
        bool found = capabilities != NULL;

        free(capabilities);
        *ret_usec = g_get_monotonic_time() - begin;
        return found;
}

static void check_machine(virConnectPtr connection)
{
        gint64 first, second;

        if (!ask_capabilities(connection, &first)) {
                check_emit("machine", "failed", "install QEMU's qemu-system-x86_64",
                                "QEMU offers no machine 'pc' for x86_64: %s", virGetLastErrorMessage());
                return;
        }
        check_emit("machine", "ok", "", "QEMU offers the machine 'pc' for x86_64");

        if (ask_capabilities(connection, &second) && second > CACHED_ANSWER_USEC)
                check_emit("capability-cache", "warning",
                                "usermod -a -G kvm " SHRUTHI_QEMU_USER
                                " && chgrp kvm /dev/kvm && chmod 0660 /dev/kvm && systemctl restart "
                                "libvirtd",
                                "libvirt forgets at each start what it knows about QEMU, and asks again "
                                "for %.1f s: usually root can open /dev/kvm and QEMU's user %s cannot",
                                (double) second / G_USEC_PER_SEC, SHRUTHI_QEMU_USER);
        else
                check_emit("capability-cache", "ok", "", "libvirt remembers what it knows about QEMU");
}

static void check_probe(virConnectPtr connection, const Conf *conf)
{
        _cleanup_probe_result_ ProbeResult host = {};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = probe_host(connection, conf, &host, &error);
        if (r < 0) {
                check_emit("kvm", "failed", "", "%s", error_message(&error, r));
                return;
        }

        if (host.kvm)
                check_emit("kvm", "ok", "", "Unikernels run with KVM: %s", host.kvm_reason);
        else if (conf->acceleration == ACCELERATION_TCG)
                check_emit("kvm", "ok", "", "Unikernels run by emulation: %s", host.kvm_reason);
        else
                check_emit("kvm", "warning", "ls -l /dev/kvm; modprobe -a kvm_intel kvm_amd",
                                "Unikernels run by emulation, which is slower: %s", host.kvm_reason);

        if (host.fast_start || !conf->fast_start)
                check_emit("fast-start", "ok", "", "Fast start is %s: %s", host.fast_start ? "on" : "off",
                                host.fast_start_reason);
        else
                check_emit("fast-start", "warning", "write FastStart=no into shruthi.conf to silence this",
                                "Starts take longer than they could: %s", host.fast_start_reason);
}

static void check_confinement(virConnectPtr connection)
{
        virSecurityModel model = {};

        if (virNodeGetSecurityModel(connection, &model) < 0) {
                check_emit("confinement", "warning", "", "libvirt does not say how it confines QEMU: %s",
                                virGetLastErrorMessage());
                return;
        }

        if (strcmp(model.model, "apparmor") == 0)
                check_emit("confinement", "ok", "",
                                "QEMU is confined by AppArmor; libvirt's virt-aa-helper lets each "
                                "unikernel's image, volumes and console through");
        else if (strcmp(model.model, "selinux") == 0)
                check_emit("confinement", "ok", "",
                                "QEMU is confined by SELinux; libvirt labels each unikernel's image, "
                                "volumes and console, so their file systems must carry labels");
        else
                check_emit("confinement", "warning", "enable AppArmor or SELinux on this host",
                                "QEMU runs as its own user, but neither AppArmor nor SELinux confines it");
}

/* libvirt's filters do the same, at a price. */
static bool check_fence(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        bool restored;
        int r;

        if (!HAVE_NFTABLES)
                return false;

        r = fence_check(&restored, &error);
        if (r >= 0 && !restored)
                check_emit("fence", "ok", "",
                                "Guests whose addresses are known are held to them by one transaction of "
                                "nftables at each start");
        else if (r >= 0)
                check_emit("fence", "warning",
                                "look for what empties the packet filter while guests run, such as 'nft "
                                "flush ruleset' or a restart of nftables.service, and run 'shruthictl "
                                "doctor' behind it",
                                "Guests could send from others' MAC and IP addresses until now: somebody "
                                "has emptied the packet filter; they are held again");
        else
                check_emit("fence", "warning", "systemctl enable --now shruthi-fence.socket",
                                "Each start and each stop of a guest with a network takes a quarter of a "
                                "second longer than it could, in libvirt's filters: %s",
                                error_message(&error, r));
        return r >= 0;
}

/* fenced: those whose addresses are known need no filters of libvirt's. */
static void check_isolation(virConnectPtr connection, bool fenced)
{
        g_autofree char *problem = NULL;
        const char *fix;

        problem = isolation_problem(connection, &fix);
        if (!problem)
                check_emit("isolation", "ok", "",
                                "Guests cannot send from others' MAC addresses, and where they are given IP "
                                "addresses, not from other ones");
        else
                check_emit("isolation", "warning", fix,
                                "%s can send from others' MAC and IP addresses: %s",
                                fenced ? "Users' guests that are given no addresses" : "Guests", problem);
}

/* Any interface that is always there will do: what is looked at is whether somebody answers. */
static void check_neighbours(void)
{
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = neighbours_ask("lo", seen, &error);
        if (r >= 0)
                check_emit("neighbours", "ok", "",
                                "Address=auto gives out no address that a host of the bridge was lately "
                                "seen with");
        else
                check_emit("neighbours", "warning", "systemctl enable --now shruthi-neighbours.socket",
                                "Address=auto gives out nothing on bridges that libvirt does not manage, and "
                                "elsewhere trusts DHCP alone: %s",
                                error_message(&error, r));
}

static void check_reach(const char *name, const char *path)
{
        _cleanup_reach_user_ ReachUser user = {};
        g_autofree char *where = NULL;
        int r;

        r = reach_user_init(SHRUTHI_QEMU_USER, SHRUTHI_QEMU_GROUP, &user);
        if (r < 0) {
                check_emit(name, "failed", "install libvirt's QEMU driver",
                                "QEMU's user '%s' or its group '%s' is not there", SHRUTHI_QEMU_USER,
                                SHRUTHI_QEMU_GROUP);
                return;
        }

        r = reach_directory(&user, path, &where);
        if (r == -EACCES && where)
                check_emit(name, "failed", TMPFILES_FIX,
                                "QEMU's user '%s' may not enter %s, which leads to %s", SHRUTHI_QEMU_USER,
                                where, path);
        else if (r < 0)
                check_emit(name, "failed", TMPFILES_FIX, "Cannot look at %s: %s", path, g_strerror(-r));
        else
                check_emit(name, "ok", "", "QEMU's user '%s' can enter %s", SHRUTHI_QEMU_USER, path);
}

/* Volumes take room only as they are written: what they may come to need is promised more than once. */
static void check_room(void)
{
        g_autofree char *wanted_text = NULL, *left_text = NULL;
        g_autoptr(GPtrArray) volumes = NULL;
        uint64_t left, total, wanted = 0;

        /* What is wrong with the store itself has been said. */
        if (volume_list(&volumes, NULL) < 0 || volume_space(&left, &total, NULL) < 0)
                return;

        for (guint i = 0; i < volumes->len; i++) {
                const Volume *volume = volumes->pdata[i];

                wanted += volume->size - MIN(volume->allocated, volume->size);
        }
        wanted_text = size_format(wanted);
        left_text = size_format(left);
        if (wanted <= left)
                check_emit("volume-room", "ok", "", "%u volumes may come to need %s, and %s are left",
                                volumes->len, wanted_text, left_text);
        else
                check_emit("volume-room", left < VOLUME_ROOM_LEAST ? "failed" : "warning",
                                "make room on the file system of /var/lib/shruthi/volumes",
                                "%u volumes may come to need %s, and %s are left on their file system: "
                                "beyond that, writes of guests fail",
                                volumes->len, wanted_text, left_text);
}

static void check_bridge(const char *bridge)
{
        g_autofree char *fix = g_strdup_printf(
                        "ip link add %s type bridge (or 'virsh net-start default' for virbr0)", bridge);
        int r = bridge_exists(bridge);

        if (r > 0)
                check_emit("bridge", "ok", "", "The bridge '%s' is there", bridge);
        else if (r == -ENODATA)
                check_emit("bridge", "ok", "", "The bridge '%s' is looked for by libvirt at each start",
                                bridge);
        else
                check_emit("bridge", "failed", fix,
                                "The bridge '%s', which shruthi.conf names, is not there", bridge);
}

static void check_network(virConnectPtr connection, const char *name)
{
        virNetworkPtr network = virNetworkLookupByName(connection, name);
        g_autofree char *fix = g_strdup_printf("virsh net-start %s", name);

        if (network && virNetworkIsActive(network) == 1)
                check_emit("network", "ok", "", "libvirt's network '%s' is active", name);
        else
                check_emit("network", "failed", fix,
                                "libvirt's network '%s', which shruthi.conf names, is not %s", name,
                                network ? "active" : "there");
        if (network)
                (void) virNetworkFree(network);
}

static void check_networks(virConnectPtr connection, const Conf *conf)
{
        if (!conf->bridge_interface)
                check_emit("bridge", "warning",
                                "write BridgeInterface=virbr0 (or another bridge) into shruthi.conf",
                                "No default bridge is configured: each [Network] has to name its own");
        else
                check_bridge(conf->bridge_interface);

        for (char **bridge = conf->allowed_bridges; bridge && *bridge; bridge++)
                if (g_strcmp0(*bridge, conf->bridge_interface) != 0)
                        check_bridge(*bridge);
        for (char **network = conf->allowed_networks; connection && network && *network; network++)
                check_network(connection, *network);
}

static bool has_network(virConnectPtr connection, const char *name, bool *ret_active)
{
        virNetworkPtr network = virNetworkLookupByName(connection, name);

        *ret_active = network && virNetworkIsActive(network) == 1;
        if (!network)
                return false;

        (void) virNetworkFree(network);
        return true;
}

/* What we have made, and whether libvirt still has it. */
static void check_made_networks(virConnectPtr connection)
{
        g_auto(GStrv) names = NULL;
        bool active;

        if (network_record_list(&names, NULL) < 0)
                return;

        for (char **name = names; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(NetworkRecord) record = NULL;
                int r = network_record_load(*name, &record, &error);
                bool there = has_network(connection, *name, &active);

                if (r < 0)
                        check_emit("network", "failed", "", "%s", error_message(&error, r));
                else if (!there)
                        check_emit("network", "failed", "systemctl reload shruthid",
                                        "The network '%s' of user %u is not in libvirt", *name,
                                        (unsigned) record->owner);
                else if (!active)
                        check_emit("network", "failed", "systemctl reload shruthid",
                                        "The network '%s' of user %u is not active", *name,
                                        (unsigned) record->owner);
        }
}

/* Addresses given out in networks that libvirt no longer has. */
static void check_leases(virConnectPtr connection)
{
        g_autoptr(GPtrArray) leases = NULL;

        if (lease_list(NULL, NULL, &leases, NULL) < 0)
                return;

        for (guint i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i], *last = i > 0 ? leases->pdata[i - 1] : NULL;
                g_autofree char *network = lease_key_network(lease->network);
                bool active;

                /* They are sorted by network: one sentence for each. */
                if (!network || (last && g_str_equal(last->network, lease->network)) ||
                                has_network(connection, network, &active))
                        continue;
                check_emit("addresses", "warning", "attach it elsewhere (shruthictl set), and start it once",
                                "Unikernel '%s' has an address in the network '%s', which libvirt no longer "
                                "has",
                                lease->unikernel ?: "?", network);
        }
}

/* What goes by the configuration is left out where that is broken. Returns NULL then. */
static Conf *check_configuration(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Conf *conf = NULL;
        int r;

        r = conf_load(&conf, &error);
        if (r >= 0)
                check_emit("configuration", "ok", "", "shruthi.conf and its drop-ins can be read");
        else
                check_emit("configuration", "failed", "correct that file",
                                "Until this is mended nothing can be created, changed or started, and libvirt "
                                "and the networks are not looked at here: %s",
                                error_message(&error, r));
        return conf;
}

static void check_virtualization(const Conf *conf, virConnectPtr *ret_connection)
{
        _cleanup_error_ Error error = ERROR_INIT;
        bool fenced = check_fence();
        int r;

        r = virt_connect(conf->libvirt_uri, ret_connection, &error);
        if (r < 0) {
                check_no_libvirt(error_message(&error, r));
                return;
        }

        check_libvirt(*ret_connection, conf);
        check_machine(*ret_connection);
        check_probe(*ret_connection, conf);
        check_confinement(*ret_connection);
        check_isolation(*ret_connection, fenced);
}

int check_host(Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Conf) conf = NULL;
        int r;

        r = virt_setup(ret_error);
        if (r < 0)
                return r;

        protocol_guard(CHECK_GUARD, "answer");
        conf = check_configuration();
        if (conf)
                check_virtualization(conf, &connection);
        check_keys();
        check_reach("store", paths_images());
        check_reach("console", paths_consoles());
        check_reach("volumes", paths_volumes());
        check_room();
        if (conf)
                check_networks(connection, conf);
        if (connection) {
                check_made_networks(connection);
                check_leases(connection);
        }
        check_neighbours();

        return 0;
}
