/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Probes what the host can do. Called by lifecycle.c before a domain is created, and by check.c. */

#include "domain/lifecycle/host-probe.h"

#include <fcntl.h>
#include <glib.h>
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/watch.h"
#include "domain/xml/domain-xml.h"

#define PROBE_FILE   "result"
#define PROBE_KERNEL "kernel"
#define PROBE_LOCK   "lock"

/* No unikernel can have this name: capital letters are not allowed. */
#define PROBE_NAME   "PROBE"
#define PROBE_MEMORY (16 << 20)

/* The guest ends within 0.2 s. A KVM that hangs costs the first timeout, once. If KVM times out, the guest
 * is emulated to see whether the machine is slow: then KVM gets a multiple of that time. Emulation does not
 * hang. */
#define PROBE_TIMEOUT_USEC     (10 * G_USEC_PER_SEC)
#define PROBE_TIMEOUT_MAX_USEC (120 * G_USEC_PER_SEC)
#define PROBE_TIMEOUT_TIMES    20

#define PROBE_GUARD      300 /* seconds */
#define ASK_REST_TIMES   60
#define ASK_REST_MAX_SEC 3600 /* in case the clock was set back */

/* How to boot one guest. */
typedef struct Attempt {
        virConnectPtr connection;
        const Conf *conf;
        bool kvm, fast_start;
        gint64 timeout; /* µs */
} Attempt;

/* What the boot took. */
typedef struct Measurement {
        gint64 usec;       /* from the guest's first instruction to its end */
        unsigned commands; /* that libvirt had sent to QEMU before; 0 if not known */
} Measurement;

/* Of plain boots that went well, so that none is done twice: a boot takes a minute on a slow machine. */
typedef struct Measurements {
        Measurement kvm, tcg; /* zeros if there was none */
} Measurements;

/* Ends a domain left by an earlier attempt that was killed. */
static void probe_remove_leftover(virConnectPtr connection)
{
        _cleanup_domain_ virDomainPtr domain =
                        virDomainLookupByName(connection, SHRUTHI_DOMAIN_PREFIX PROBE_NAME);
        char *metadata;

        if (!domain)
                return;

        metadata = virt_domain_metadata(domain);
        if (domain_xml_metadata_is(metadata, PROBE_NAME))
                (void) virt_domain_destroy(connection, domain, NULL);
        free(metadata);
}

static int attempt_format(const Attempt *attempt, const char *kernel, const char *uuid, char **ret_xml,
                Error *ret_error)
{
        char name[] = PROBE_NAME, arguments[] = "";
        Definition definition = {.name = name, .arguments = arguments, .cpus = 1};
        DomainFacts facts = {
                        .machine = domain_machine_of_host(),
                        .kvm = attempt->kvm,
                        .fast_start = attempt->fast_start,
                        .image_digest = "",
                        .kernel_path = kernel,
                        .uuid = uuid,
                        .memory = PROBE_MEMORY,
        };

        return domain_xml_format(&definition, &facts, ret_xml, ret_error);
}

/* Waits for the guest's own power-off, which proves that its processor has run. */
static int attempt_wait(const Attempt *attempt, Watch *watch, virDomainPtr domain, Error *ret_error)
{
        WatchEnding ending;
        int r;

        r = watch_wait(watch, attempt->conf->libvirt_uri, (uint64_t) attempt->timeout, &ending, ret_error);
        if (r < 0)
                (void) virt_domain_destroy(attempt->connection, domain, NULL);
        if (r == -ETIMEDOUT) {
                (void) error_set(ret_error, ERROR_START_FAILED,
                                watch_saw_suspension(watch)
                                                ? "QEMU suspended it because of an error of its processor"
                                                : "it did not power off within %llu s",
                                (unsigned long long) (attempt->timeout / G_USEC_PER_SEC));
                return r;
        }
        if (r < 0)
                return r;
        /* An end during a lost connection says nothing about the host. */
        if (ending == WATCH_UNKNOWN)
                return error_set(ret_error, ERROR_LIBVIRT_UNAVAILABLE,
                                "The connection to libvirt was lost while the test guest was running");
        if (ending != WATCH_SHUTDOWN)
                return error_set(ret_error, ERROR_START_FAILED, "it ended as '%s' instead of powering off",
                                watch_ending_to_string(ending));

        return 0;
}

/* Sends a cheap command. libvirt marks the domain as tainted for it, which does not matter for a test
 * guest. */
static unsigned domain_count_commands(virDomainPtr domain)
{
        g_autofree char *text = NULL;
        char *answer = NULL;

        if (virDomainQemuMonitorCommand(domain, "{\"execute\":\"query-status\"}", &answer,
                            VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT) < 0)
                return 0;

        text = g_strdup(answer);
        free(answer);
        return probe_count_commands(text);
}

/* The guest does not run until the commands are counted: otherwise it would have ended by then. */
static int attempt_run(const Attempt *attempt, Watch *watch, const char *xml, Measurement *ret_measurement,
                Error *ret_error)
{
        _cleanup_domain_ virDomainPtr domain = NULL;
        virConnectPtr connection = attempt->connection;
        Measurement measurement = {};
        gint64 begin;
        int r;

        r = virt_domain_create_waiting(connection, xml, &domain, ret_error);
        if (r < 0)
                return r;

        measurement.commands = domain_count_commands(domain);
        begin = g_get_monotonic_time();
        r = virt_domain_let_run(connection, domain, ret_error);
        if (r >= 0)
                r = attempt_wait(attempt, watch, domain, ret_error);
        if (r < 0)
                return r;

        measurement.usec = g_get_monotonic_time() - begin;
        /* The domain has ended, and libvirt has forgotten it when this returns: the next one has the same
         * name. */
        (void) virt_domain_destroy(connection, domain, NULL);
        *ret_measurement = measurement;
        return 0;
}

void probe_guard(void)
{
        protocol_guard(PROBE_GUARD, "run a test guest");
}

/* Returns -ETIMEDOUT if it takes too long. */
static int attempt_boot(const Attempt *attempt, Measurement *ret_measurement, Error *ret_error)
{
        g_autofree char *kernel = g_build_filename(paths_probe(), PROBE_KERNEL, NULL);
        g_autofree char *uuid = g_uuid_string_random(), *xml = NULL;
        g_autoptr(Watch) watch = NULL;
        const uint8_t *code;
        size_t size;
        int r;

        probe_guard();
        /* In a place that QEMU's user may read; virt-aa-helper allows no kernel below /usr/lib. */
        code = probe_kernel(domain_machine_of_host()->architecture, &size);
        r = file_replace(paths_probe(), PROBE_KERNEL, code, size, 0444);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write %s", kernel);

        r = attempt_format(attempt, kernel, uuid, &xml, ret_error);
        if (r >= 0)
                r = watch_new(attempt->connection, PROBE_NAME, uuid, &watch, ret_error);
        if (r >= 0)
                r = attempt_run(attempt, watch, xml, ret_measurement, ret_error);

        (void) unlink(kernel);
        return r;
}

static int probe_check_kvm_offered(virConnectPtr connection, Error *ret_error)
{
        if (virt_has_machine(connection, domain_machine_of_host(), "kvm"))
                return 0;

        return virt_error_set(ret_error, connection, ERROR_NOT_SUPPORTED, "libvirt does not support KVM");
}

static int probe_boot_emulated(
                virConnectPtr connection, const Conf *conf, Measurement *ret_measurement, Error *ret_error)
{
        const Attempt attempt = {.connection = connection, .conf = conf, .timeout = PROBE_TIMEOUT_MAX_USEC};

        return attempt_boot(&attempt, ret_measurement, ret_error);
}

/* If emulation takes long, the machine is slow, and KVM gets a longer timeout. */
static int probe_boot_with_kvm(
                virConnectPtr connection, const Conf *conf, Measurements *measured, Error *ret_error)
{
        Attempt attempt = {
                        .connection = connection, .conf = conf, .kvm = true, .timeout = PROBE_TIMEOUT_USEC};
        int r;

        r = attempt_boot(&attempt, &measured->kvm, ret_error);
        if (r != -ETIMEDOUT || probe_boot_emulated(connection, conf, &measured->tcg, NULL) < 0 ||
                        measured->tcg.usec * PROBE_TIMEOUT_TIMES <= PROBE_TIMEOUT_USEC)
                return r;

        attempt.timeout = MIN(measured->tcg.usec * PROBE_TIMEOUT_TIMES, PROBE_TIMEOUT_MAX_USEC);
        return attempt_boot(&attempt, &measured->kvm, ret_error);
}

/* KVM can be slower than emulation, if a hypervisor emulates it. */
static int probe_compare_with_emulation(
                virConnectPtr connection, const Conf *conf, Measurements *measured, Error *ret_error)
{
        gint64 kvm_usec = measured->kvm.usec;

        /* No need to boot another guest if the result would not depend on it. */
        if (!probe_kvm_is_slow(kvm_usec, 0))
                return 0;
        if (measured->tcg.usec == 0 && probe_boot_emulated(connection, conf, &measured->tcg, NULL) < 0)
                return 0;
        if (!probe_kvm_is_slow(kvm_usec, measured->tcg.usec))
                return 0;

        return error_set(ret_error, ERROR_NOT_SUPPORTED, "it needs %.1f s, and %.1f s without",
                        (double) kvm_usec / G_USEC_PER_SEC, (double) measured->tcg.usec / G_USEC_PER_SEC);
}

static int probe_try_kvm(
                virConnectPtr connection, const Conf *conf, Measurements *measured, Error *ret_error)
{
        int r;

        r = probe_boot_with_kvm(connection, conf, measured, ret_error);
        if (r >= 0)
                r = probe_compare_with_emulation(connection, conf, measured, ret_error);
        if (r < 0)
                error_prefix(ret_error, "KVM exists, but the test guest does not run well with it");
        return r;
}

static bool error_is_unavailable(int r, const Error *error)
{
        return r < 0 && error->code == ERROR_LIBVIRT_UNAVAILABLE;
}

static int probe_find_acceleration(virConnectPtr connection, const Conf *conf, ProbeResult *result,
                Measurements *measured, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = 0;

        if (conf->acceleration != ACCELERATION_TCG) {
                r = probe_check_kvm_offered(connection, &error);
                result->kvm_offered = r >= 0;
        }
        if (conf->acceleration != ACCELERATION_AUTO) {
                result->kvm = conf->acceleration == ACCELERATION_KVM;
                result->kvm_reason = g_strdup_printf("Acceleration=%s is set in shruthi.conf",
                                acceleration_to_string(conf->acceleration));
        } else {
                if (r >= 0)
                        r = probe_try_kvm(connection, conf, measured, &error);
                result->kvm = r >= 0;
                result->kvm_reason = result->kvm ? g_strdup("a test guest ran with KVM")
                                                 : text_for_display(error_message(&error, r), 1000);
        }
        if (!error_is_unavailable(r, &error))
                return 0;

        error_move(ret_error, &error);
        return r;
}

/* Finds what is wrong if not even a plain start works, because then a fast one does not either. */
static int probe_find_trouble(virConnectPtr connection, const Conf *conf, ProbeResult *result,
                Measurements *measured, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        /* Such a guest has run. */
        if ((result->kvm ? measured->kvm : measured->tcg).usec != 0)
                return 0;

        if (result->kvm && !result->kvm_offered)
                r = probe_check_kvm_offered(connection, &error);
        else if (result->kvm)
                r = probe_boot_with_kvm(connection, conf, measured, &error);
        else
                r = probe_boot_emulated(connection, conf, &measured->tcg, &error);
        if (error_is_unavailable(r, &error)) {
                error_move(ret_error, &error);
                return r;
        }

        if (r < 0)
                result->trouble = text_for_display(error_message(&error, r), 1000);
        return 0;
}

static char *probe_describe_gain(FastStart wanted, const Measurement *without, const Measurement *with)
{
        if (wanted != FAST_START_AUTO || without->commands == 0 || with->commands == 0)
                return g_strdup("a test guest started with it");

        return g_strdup_printf("libvirt sends QEMU %u queries at a start with it, and %u without",
                        with->commands, without->commands);
}

static int probe_try_fast_start(virConnectPtr connection, const Conf *conf, const Measurement *without,
                ProbeResult *result, Error *ret_error)
{
        const Attempt attempt = {.connection = connection,
                        .conf = conf,
                        .kvm = result->kvm,
                        .fast_start = true,
                        .timeout = PROBE_TIMEOUT_MAX_USEC};
        _cleanup_error_ Error error = ERROR_INIT;
        Measurement with = {};
        int r;

        r = attempt_boot(&attempt, &with, &error);
        if (error_is_unavailable(r, &error)) {
                error_move(ret_error, &error);
                return r;
        }
        if (r < 0) {
                result->fast_start_refused = true;
                result->fast_start_reason = text_for_display(error_message(&error, r), 1000);
                return 0;
        }

        result->fast_start = conf->fast_start == FAST_START_YES ||
                             probe_fast_start_gains(without->commands, with.commands);
        result->fast_start_reason = probe_describe_gain(conf->fast_start, without, &with);
        return 0;
}

static int probe_find_fast_start(virConnectPtr connection, const Conf *conf, ProbeResult *result,
                Measurements *measured, Error *ret_error)
{
        bool wanted = conf->fast_start != FAST_START_NO,
             plain_first = conf->fast_start != FAST_START_YES || conf->acceleration == ACCELERATION_KVM;
        int r;

        /* No need to try what was just found to hang or to be missing. */
        if (plain_first) {
                r = probe_find_trouble(connection, conf, result, measured, ret_error);
                if (r < 0)
                        return r;
        }
        if (!wanted || result->trouble) {
                result->fast_start_reason = g_strdup(
                                wanted ? "no guest can run" : "FastStart=no is set in shruthi.conf");
                return 0;
        }

        r = probe_try_fast_start(
                        connection, conf, result->kvm ? &measured->kvm : &measured->tcg, result, ret_error);
        if (r >= 0 && result->fast_start_refused && !plain_first)
                r = probe_find_trouble(connection, conf, result, measured, ret_error);
        return r;
}

/* Everything that the result depends on, except the boot of the host, at which /run is emptied. */
static int probe_make_key(virConnectPtr connection, const Conf *conf, char **ret_key, Error *ret_error)
{
        unsigned long libvirt_version, qemu_version;

        if (virConnectGetLibVersion(connection, &libvirt_version) < 0 ||
                        virConnectGetVersion(connection, &qemu_version) < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED,
                                "Cannot get the versions of libvirt and QEMU");

        *ret_key = g_strdup_printf("libvirt=%lu qemu=%lu kvm=%s acceleration=%s fast-start=%s",
                        libvirt_version, qemu_version,
                        access("/sys/class/misc/kvm", F_OK) >= 0 ? "present" : "absent",
                        acceleration_to_string(conf->acceleration), fast_start_to_string(conf->fast_start));
        return 0;
}

/* Whether libvirt offers KVM by now. A libvirt that forgets what it knows about QEMU (see check.c) takes
 * seconds to answer, so at most a sixtieth of the time is spent asking: the file's modification time is when
 * to ask next. */
static bool probe_kvm_has_come(virConnectPtr connection, const char *path)
{
        struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {}};
        gint64 began = g_get_real_time(), next;
        struct stat st;

        if (stat(path, &st) >= 0 && st.st_mtime > began / G_USEC_PER_SEC &&
                        st.st_mtime < began / G_USEC_PER_SEC + ASK_REST_MAX_SEC)
                return false;
        if (probe_check_kvm_offered(connection, NULL) >= 0)
                return true;

        next = g_get_real_time() + (g_get_real_time() - began) * ASK_REST_TIMES;
        times[1].tv_sec = next / G_USEC_PER_SEC;
        (void) utimensat(AT_FDCWD, path, times, 0);
        return false;
}

static int probe_recall(virConnectPtr connection, const Conf *conf, const char *key, ProbeResult *ret_result)
{
        g_autofree char *path = g_build_filename(paths_probe(), PROBE_FILE, NULL), *text = NULL;
        _cleanup_probe_result_ ProbeResult result = {};
        int r;

        r = file_read_at(AT_FDCWD, path, 64 * 1024, &text, NULL);
        if (r >= 0)
                r = probe_result_parse(text, key, &result);
        if (r < 0)
                return r;
        if (!result.kvm_offered && conf->acceleration != ACCELERATION_TCG &&
                        probe_kvm_has_come(connection, path))
                return -ESTALE;

        *ret_result = result;
        result = (ProbeResult){};
        return 0;
}

static int probe_try_host(virConnectPtr connection, const Conf *conf, const char *key,
                ProbeResult *ret_result, Error *ret_error)
{
        _cleanup_probe_result_ ProbeResult result = {};
        g_autofree char *text = NULL;
        Measurements measured = {};
        int r;

        probe_remove_leftover(connection);
        r = probe_find_acceleration(connection, conf, &result, &measured, ret_error);
        if (r >= 0)
                r = probe_find_fast_start(connection, conf, &result, &measured, ret_error);
        if (r < 0)
                return r;

        /* A result that cannot be remembered is probed again next time: slower, but not wrong. */
        text = probe_result_format(key, &result);
        (void) file_replace(paths_probe(), PROBE_FILE, text, strlen(text), 0644);
        *ret_result = result;
        result = (ProbeResult){};
        return 0;
}

static int probe_host_cached(virConnectPtr connection, const Conf *conf, bool anew, ProbeResult *ret_result,
                Error *ret_error)
{
        g_autofree char *lock = g_build_filename(paths_probe(), PROBE_LOCK, NULL), *key = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = probe_make_key(connection, conf, &key, ret_error);
        if (r < 0)
                return r;
        if (!anew && probe_recall(connection, conf, key, ret_result) >= 0)
                return 0;
        if (virt_keeps_connection())
                return VIRT_NEEDS_EVENTS;

        /* Many unikernels start at boot: one runs the probe, the others wait for its result. That one has
         * its own time limit. */
        protocol_guard(0, NULL);
        fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) < 0)
                return error_set_errno(ret_error, errno, "Cannot lock %s", lock);
        probe_guard();
        if (!anew && probe_recall(connection, conf, key, ret_result) >= 0)
                return 0;

        return probe_try_host(connection, conf, key, ret_result, ret_error);
}

int probe_host(virConnectPtr connection, const Conf *conf, ProbeResult *ret_result, Error *ret_error)
{
        return probe_host_cached(connection, conf, false, ret_result, ret_error);
}

int probe_host_anew(virConnectPtr connection, const Conf *conf, ProbeResult *ret_result, Error *ret_error)
{
        return probe_host_cached(connection, conf, true, ret_result, ret_error);
}
