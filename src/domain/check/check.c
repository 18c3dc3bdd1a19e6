/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds what is wrong with a host. Called by verbs.c for shruthictl doctor. */

#include "domain/check/check-private.h"

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/names.h"
#include "common/own-name.h"
#include "common/paths.h"
#include "common/size.h"
#include "config.h"
#include "domain/host/antispoof-client.h"
#include "domain/host/path-access.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/host-probe.h"
#include "domain/network/isolation.h"
#include "domain/xml/machine.h"
#include "unikernel/definition.h"
#include "unikernel/guest-slice.h"
#include "volume/store.h"

#define CHECK_GUARD  600 /* seconds, for each check */
#define ATTEMPTS_MAX 3U

/* libvirt answers what it already knows about QEMU within milliseconds, some ten times the shortest answer;
 * querying QEMU again takes seconds, more than ten thousand times as long. */
#define CACHED_ANSWER_USEC  (1500 * 1000)
#define CACHED_ANSWER_TIMES 1000

#define OWN_NAME_USEC (1 * G_USEC_PER_SEC) /* the shortest timeout of a resolver */

#define TMPFILES_FIX "systemd-tmpfiles --create shruthi.conf"

/* Lines held back until they are known to be true; NULL if lines are emitted at once. */
static GPtrArray *postponed;

void check_emit(const char *name, const char *status, const char *fix, const char *format, ...)
{
        g_autofree char *message = NULL, *line = NULL;
        va_list ap;

        va_start(ap, format);
        message = g_strdup_vprintf(format, ap);
        va_end(ap);

        line = g_strdup_printf("%s|%s|%s|%s", name, status, g_strdelimit(message, "|", '/'), fix);
        if (postponed)
                g_ptr_array_add(postponed, g_steal_pointer(&line));
        else
                protocol_emit(DOMAIN_KEY_CHECK, "%s", line);
}

/* Free with g_free(). */
static char *machine_install_fix(const DomainMachine *machine)
{
        return g_strdup_printf("install %s, which is in package %s", machine->emulator, machine->packages);
}

static void check_libvirt(const Host *host)
{
        unsigned long libvirt = 0, qemu = 0;

        (void) virConnectGetLibVersion(host->connection, &libvirt);
        if (virConnectGetVersion(host->connection, &qemu) < 0) {
                g_autofree char *fix = machine_install_fix(domain_machine_of_host());

                check_emit("libvirt", "failed", fix, "libvirt at %s does not find QEMU: %s",
                                host->conf->libvirt_uri, virGetLastErrorMessage());
                return;
        }

        check_emit("libvirt", "ok", "", "libvirt %lu.%lu.%lu with QEMU %lu.%lu.%lu answers at %s",
                        libvirt / 1000000, libvirt / 1000 % 1000, libvirt % 1000, qemu / 1000000,
                        qemu / 1000 % 1000, qemu % 1000, host->conf->libvirt_uri);
}

static void check_no_libvirt(const Host *host, const char *message)
{
        /* Access to the socket depends on polkit or on the group; the error is libvirt's or the bus's. */
        bool refused = strstr(message, "uthenticat") || strstr(message, "enied") ||
                       strstr(message, "error from service");

        if (refused && !host->polkit) {
                check_emit("libvirt", "failed", "fix the check 'polkit' first",
                                "libvirt asks polkit about all users except root, and polkit does not "
                                "answer: %s",
                                message);
                return;
        }

        check_emit("libvirt", "failed",
                        refused ? "usermod -a -G " SHRUTHI_LIBVIRT_GROUP " " SHRUTHI_USER
                                : "systemctl enable --now libvirtd.socket (or virtqemud.socket)",
                        "%s", message);
}

static bool connection_ask_capabilities(virConnectPtr connection, gint64 *ret_usec)
{
        gint64 begin = g_get_monotonic_time();
        bool found = virt_has_machine(connection, domain_machine_of_host(), "qemu");

        *ret_usec = g_get_monotonic_time() - begin;
        return found;
}

/* The time of the shortest request, measured now: machines differ by a factor of a hundred. */
static gint64 connection_measure_answer(virConnectPtr connection)
{
        gint64 least = INT64_MAX;
        unsigned long version;

        for (unsigned i = 0; i < 3; i++) {
                gint64 begin = g_get_monotonic_time();

                if (virConnectGetLibVersion(connection, &version) >= 0)
                        least = MIN(least, g_get_monotonic_time() - begin);
        }

        return least == INT64_MAX ? 0 : least;
}

static void check_machine(const Host *host)
{
        const DomainMachine *machine = domain_machine_of_host();
        g_autofree char *fix = machine_install_fix(machine);
        gint64 first, second, limit;

        if (!connection_ask_capabilities(host->connection, &first)) {
                check_emit("machine", "failed", fix, "QEMU does not support machine '%s' for %s: %s",
                                machine->type, machine->arch, virGetLastErrorMessage());
                return;
        }
        check_emit("machine", "ok", "", "QEMU supports machine '%s' for %s", machine->type, machine->arch);

        limit = MAX(CACHED_ANSWER_USEC, connection_measure_answer(host->connection) * CACHED_ANSWER_TIMES);
        if (connection_ask_capabilities(host->connection, &second) && second > limit)
                check_emit("capability-cache", "warning",
                                "usermod -a -G kvm " SHRUTHI_QEMU_USER
                                " && chgrp kvm /dev/kvm && chmod 0660 /dev/kvm && systemctl restart "
                                "libvirtd",
                                "libvirt discards its QEMU capabilities at each start and queries them for "
                                "%.1f s; usually root can open /dev/kvm and QEMU's user %s cannot",
                                (double) second / G_USEC_PER_SEC, SHRUTHI_QEMU_USER);
        else
                check_emit("capability-cache", "ok", "", "libvirt caches the capabilities of QEMU");
}

/* The names of unikernels whose definitions set that architecture. Free with g_free(). */
static char *definitions_with_architecture(const GPtrArray *definitions, ImageArchitecture architecture)
{
        g_autoptr(GString) names = g_string_new(NULL);

        for (guint i = 0; i < definitions->len; i++) {
                const Definition *definition = definitions->pdata[i];

                if (definition->architecture == architecture)
                        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", definition->name);
        }

        return g_string_free(g_steal_pointer(&names), FALSE);
}

static void check_emulation(const Host *host)
{
        g_autoptr(GPtrArray) definitions = NULL;
        g_autofree char *broken = NULL;

        if (definition_load_all(&definitions, &broken, NULL) < 0)
                return;

        for (ImageArchitecture i = 0; i < _IMAGE_ARCHITECTURE_MAX; i++) {
                const DomainMachine *machine = domain_machine_for(i);
                g_autofree char *users = machine ? definitions_with_architecture(definitions, i) : NULL,
                                *fix = NULL;

                if (!users || !*users || guest_architecture_is_native(i, host_machine()))
                        continue;
                fix = machine_install_fix(machine);
                if (virt_has_machine(host->connection, machine, "qemu"))
                        check_emit("emulation", "ok", "", "QEMU emulates %s for %s", machine->arch, users);
                else
                        check_emit("emulation", "failed", fix, "%s cannot start: %s", users,
                                        virGetLastErrorMessage());
        }
}

static void check_acceleration(const Host *host, const ProbeResult *found)
{
        bool forced = host->conf->acceleration == ACCELERATION_KVM;
        const char *fix = domain_machine_of_host()->kvm_fix;
        g_autofree char *forced_fix = g_strconcat(fix, "; or set Acceleration=auto in shruthi.conf", NULL);

        if (found->trouble && forced)
                check_emit("kvm", "failed", forced_fix, "No unikernel can start: %s, and %s",
                                found->kvm_reason, found->trouble);
        else if (found->trouble)
                check_emit("kvm", "failed", "journalctl -b -u libvirtd.service",
                                "No unikernel can start; a test guest does not start either: %s",
                                found->trouble);
        else if (found->kvm)
                check_emit("kvm", "ok", "", "Unikernels run with KVM: %s", found->kvm_reason);
        else if (host->conf->acceleration == ACCELERATION_TCG)
                check_emit("kvm", "ok", "", "Unikernels run under emulation: %s", found->kvm_reason);
        else
                check_emit("kvm", "warning", fix, "Unikernels run under emulation, which is slower: %s",
                                found->kvm_reason);
}

static void check_probe(const Host *host)
{
        _cleanup_probe_result_ ProbeResult found = {};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = probe_host_anew(host->connection, host->conf, &found, &error);
        if (r < 0) {
                check_emit("kvm", "failed", "", "%s", error_message(&error, r));
                return;
        }

        check_acceleration(host, &found);
        if (found.trouble)
                return;
        if (!found.fast_start_refused)
                check_emit("fast-start", "ok", "", "Fast start is %s: %s", found.fast_start ? "on" : "off",
                                found.fast_start_reason);
        else
                check_emit("fast-start", "warning",
                                "set FastStart=no in shruthi.conf to disable this warning",
                                "Starts are slower than necessary: %s", found.fast_start_reason);
}

/* Asks libvirt itself, with the same request as at each start. Even if DNS answers now, it may not when the
 * host boots. */
static void check_own_name(const Host *host)
{
        g_autofree char *name = NULL, *fix = NULL;
        bool needs_dns = own_name_of_host_needs_dns(&name);
        gint64 began = g_get_monotonic_time(), took;

        free(virConnectGetHostname(host->connection));
        took = g_get_monotonic_time() - began;
        fix = g_strdup_printf(OWN_NAME_FIX_FORMAT, name);

        if (took > MAX(OWN_NAME_USEC, connection_measure_answer(host->connection) * CACHED_ANSWER_TIMES))
                check_emit("own-name", "failed", fix,
                                "libvirt resolves this host's own name, '%s', at each start, which took "
                                "%.1f s now",
                                name, (double) took / G_USEC_PER_SEC);
        else if (needs_dns)
                check_emit("own-name", "warning", fix,
                                "libvirt resolves this host's own name, '%s', at each start, and only DNS "
                                "can resolve it; if DNS does not answer, for example at boot because a "
                                "unikernel is the resolver, each start takes 6 to 20 s longer",
                                name);
        else
                check_emit("own-name", "ok", "", "This host's own name, '%s', is resolved without DNS",
                                name);
}

static void check_confinement(const Host *host)
{
        virSecurityModel model = {};

        if (virNodeGetSecurityModel(host->connection, &model) < 0) {
                check_emit("confinement", "warning", "", "Cannot ask libvirt how it confines QEMU: %s",
                                virGetLastErrorMessage());
                return;
        }

        if (strcmp(model.model, "apparmor") == 0)
                check_emit("confinement", "ok", "",
                                "AppArmor confines QEMU; libvirt's virt-aa-helper allows the image, volumes "
                                "and console of each unikernel");
        else if (strcmp(model.model, "selinux") == 0)
                check_emit("confinement", "ok", "",
                                "QEMU is confined by SELinux; libvirt labels each unikernel's image, "
                                "volumes and console, so their file systems must carry labels");
        else
                check_emit("confinement", "warning", "enable AppArmor or SELinux on this host",
                                "QEMU runs as its own user, but neither AppArmor nor SELinux confines it");
}

static void check_limits(const Host *host)
{
        if (guest_slice_is_available())
                check_emit("limits", "ok", "",
                                "Limits of slices apply to guests: each guest is in its own, below that of "
                                "its owner, unikernel-UID.slice (man shruthi-run)");
        else if (guest_slice_has_controllers())
                check_emit("limits", "warning", "install systemd-machined (Debian: systemd-container)",
                                "Without systemd-machined guests are not in unikernel.slice, and its limits "
                                "do not apply to them");
        else
                check_emit("limits", "warning", "",
                                "This host has no control group controllers (version 2); limits of slices "
                                "do not apply to guests, only Memory= and CPUs=");
}

/* libvirt's filters do the same, but more slowly. */
static bool check_antispoofing(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        bool restored;
        int r;

        if (!HAVE_NFTABLES)
                return false;

        r = antispoof_check(&restored, &error);
        if (r >= 0 && !restored)
                check_emit("anti-spoofing", "ok", "",
                                "Guests with known addresses are filtered with one nftables transaction at "
                                "each start");
        else if (r >= 0)
                check_emit("anti-spoofing", "warning",
                                "find what flushes the packet filter while guests run, such as 'nft flush "
                                "ruleset' or a restart of nftables.service, and run 'shruthictl doctor' "
                                "after it",
                                "The packet filter was flushed: until now guests could send from other MAC "
                                "and IP addresses; they are filtered again");
        else
                check_emit("anti-spoofing", "warning", "systemctl enable --now shruthi-antispoof.socket",
                                "libvirt's network filters are used, which make each start and stop of a "
                                "guest with a network a quarter of a second longer: %s",
                                error_message(&error, r));
        return r >= 0;
}

/* Guests whose addresses are known need no filters of libvirt if shruthi-antispoof filters them. */
static void check_isolation(const Host *host)
{
        g_autofree char *problem = NULL;
        const char *fix;

        problem = isolation_problem(host->connection, &fix);
        if (!problem)
                check_emit("isolation", "ok", "",
                                "Guests can send only from their own MAC address and, if they have IP "
                                "addresses, only from these");
        else
                check_emit("isolation", "warning", fix, "%s can send from other MAC and IP addresses: %s",
                                host->antispoofed ? "Users' guests without allocated addresses" : "Guests",
                                problem);
}

static void check_path_access(const char *name, const char *path)
{
        _cleanup_access_user_ AccessUser user = {};
        g_autofree char *where = NULL;
        int r;

        r = access_user_init(SHRUTHI_QEMU_USER, SHRUTHI_QEMU_GROUP, &user);
        if (r < 0) {
                check_emit(name, "failed", "install libvirt's QEMU driver",
                                "QEMU's user '%s' or group '%s' does not exist", SHRUTHI_QEMU_USER,
                                SHRUTHI_QEMU_GROUP);
                return;
        }

        r = access_check_directory(&user, path, &where);
        if (r == -EACCES && where)
                check_emit(name, "failed", TMPFILES_FIX,
                                "QEMU's user '%s' cannot enter %s, a parent directory of %s",
                                SHRUTHI_QEMU_USER, where, path);
        else if (r < 0)
                check_emit(name, "failed", TMPFILES_FIX, "Cannot inspect %s: %s", path, g_strerror(-r));
        else
                check_emit(name, "ok", "", "QEMU's user '%s' can enter %s", SHRUTHI_QEMU_USER, path);
}

/* Volumes use space only when written, so the same free space may be promised to several. */
static void check_free_space(void)
{
        g_autofree char *wanted_text = NULL, *left_text = NULL;
        g_autoptr(GPtrArray) volumes = NULL;
        uint64_t left, total, wanted = 0;

        /* Errors of the store itself have already been reported. */
        if (volume_list(&volumes, NULL) < 0 || volume_space(&left, &total, NULL) < 0)
                return;

        for (guint i = 0; i < volumes->len; i++) {
                const Volume *volume = volumes->pdata[i];

                wanted += volume->size - MIN(volume->allocated, volume->size);
        }
        wanted_text = size_format(wanted);
        left_text = size_format(left);
        if (wanted <= left)
                check_emit("volume-room", "ok", "", "%u volumes can need up to %s; %s are free",
                                volumes->len, wanted_text, left_text);
        else
                check_emit("volume-room", left < VOLUME_SPACE_LEAST ? "failed" : "warning",
                                paths_are_of_user() ? "free space on the file system of your home"
                                                    : "free space on the file system of "
                                                      "/var/lib/shruthi/volumes",
                                "%u volumes can need up to %s; %s are free on their file system, and beyond "
                                "that, writes of guests fail",
                                volumes->len, wanted_text, left_text);
}

/* Returns NULL if the configuration is broken; checks that depend on it are then skipped. */
static Conf *check_configuration(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Conf *conf = NULL;
        int r;

        r = conf_load(&conf, &error);
        if (r >= 0)
                check_emit("configuration", "ok", "", "shruthi.conf and its drop-ins are valid");
        else
                check_emit("configuration", "failed", "correct that file",
                                "Until this is corrected nothing can be created, changed or started, and "
                                "libvirt and the networks are not checked: %s",
                                error_message(&error, r));
        return conf;
}

static void host_connect(Host *host)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (!virt_is_wanted(host->conf->libvirt_uri)) {
                check_emit("libvirt", "ok", "",
                                "LibvirtURI=none: unikernels are processes only (images for Solo5's spt "
                                "target), on bridges; there are no virtual machines, no snapshots, and no "
                                "libvirt networks, and so no DHCP, DNS or published ports");
                return;
        }
        r = virt_connect(host->conf->libvirt_uri, &host->connection, &error);
        if (r < 0)
                check_no_libvirt(host, error_message(&error, r));
}

static void check_emit_postponed(bool true_ones)
{
        g_autoptr(GPtrArray) lines = g_steal_pointer(&postponed);

        for (guint i = 0; true_ones && i < lines->len; i++)
                protocol_emit(DOMAIN_KEY_CHECK, "%s", (const char *) lines->pdata[i]);
}

/* The result of a check counts only if the connection lasted to its end: if libvirtd has closed it
 * meanwhile, because it was restarted or this took longer than its limit (keepalive_interval= in its
 * configuration), everything would seem to be missing. */
void check_live(Host *host, void (*check)(const Host *host))
{
        unsigned long version;

        for (unsigned attempt = 1; host->connection; attempt++) {
                bool live;

                postponed = g_ptr_array_new_with_free_func(g_free);
                check(host);
                live = virConnectGetLibVersion(host->connection, &version) >= 0;
                check_emit_postponed(live);
                if (live)
                        return;

                virt_connection_unref(&host->connection);
                if (attempt < ATTEMPTS_MAX)
                        host_connect(host);
                else
                        check_emit("libvirt", "failed", "journalctl -b -u libvirtd.service",
                                        "libvirt closed the connection %u times; the remaining checks were "
                                        "not run",
                                        ATTEMPTS_MAX);
        }
}

static void check_virtualization(Host *host)
{
        static void (*const checks[])(const Host *host) = {check_libvirt, check_machine, check_emulation,
                        check_own_name, check_probe, check_confinement, check_limits, check_isolation};

        host->antispoofed = check_antispoofing();
        host_connect(host);
        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
                protocol_guard(CHECK_GUARD, "answer");
                check_live(host, checks[i]);
        }
}

static int check_of_user(void)
{
        g_autoptr(Conf) conf = check_configuration();
        const Host host = {.conf = conf};

        if (conf)
                check_hvt(&host);
        check_keys();
        check_free_space();
        check_uplinks();
        check_lingering();
        return 0;
}

int check_host(bool polkit, Error *ret_error)
{
        Host host = {.polkit = polkit};
        g_autoptr(Conf) conf = NULL;
        int r;

        if (paths_are_of_user())
                return check_of_user();
        r = virt_setup(ret_error);
        if (r < 0)
                return r;

        protocol_guard(CHECK_GUARD, "answer");
        host.conf = conf = check_configuration();
        if (conf) {
                check_virtualization(&host);
                check_processes(&host);
                check_hvt(&host);
        }
        check_keys();
        check_path_access("store", paths_images());
        check_path_access("console", paths_consoles());
        check_path_access("volumes", paths_volumes());
        check_free_space();
        if (conf)
                check_attachments(&host);
        check_neighbours();
        check_probes();
        check_demand();
        check_links();

        virt_connection_unref(&host.connection);
        return 0;
}
