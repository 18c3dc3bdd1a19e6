/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Statistics of guests that are processes, in the lines of those of domains. Called by report.c. */

#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <time.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "domain/check/report-private.h"
#include "domain/host/neighbours-client.h"
#include "domain/host/protocol.h"
#include "unikernel/process.h"
#include "unikernel/run-state.h"
#include "unikernel/started.h"

#define CURRENT_MAX  32 /* bytes of memory.current */
#define NSEC_PER_SEC UINT64_C(1000000000)

/* The clock of a process may be read by everybody, and has nothing of the runner's time. */
static bool process_cpu_time(pid_t pid, uint64_t *ret_usec)
{
        struct timespec time;
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
                return false;

        *ret_usec = ((uint64_t) time.tv_sec * NSEC_PER_SEC + (uint64_t) time.tv_nsec) / 1000;
        return true;
}

/* What the unit takes, the runner included; false where the host does not count memory. */
static bool cgroup_memory(const char *cgroup, uint64_t *ret_bytes)
{
        g_autofree char *path = g_build_filename(paths_cgroups(), cgroup, "memory.current", NULL),
                        *text = NULL;

        return file_read_at(AT_FDCWD, path, CURRENT_MAX, &text, NULL) >= 0 &&
               number_parse(g_strchomp(text), 0, UINT64_MAX, ret_bytes) >= 0;
}

/* What the guest does with its block devices is not counted by anybody. */
static void emit_volumes(const char *name)
{
        g_autoptr(Definition) started = started_load_other(name, NULL);
        guint n = 0;

        for (guint i = 0; started && i < started->devices->len; i++) {
                const DefinitionDevice *device = started->devices->pdata[i];

                if (device->kind == DEVICE_BLOCK)
                        protocol_emit_field(DOMAIN_KIND_VOLUME, n++, DOMAIN_FIELD_NAME, "%s", device->name);
        }
}

static GArray *ports_read_counters(const GPtrArray *ports)
{
        g_autoptr(GPtrArray) interfaces = g_ptr_array_new();
        GArray *counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));

        for (guint i = 0; i < ports->len; i++)
                g_ptr_array_add(interfaces, ((const ProcessPort *) ports->pdata[i])->interface);
        g_ptr_array_add(interfaces, NULL);
        /* What cannot be told is left out. */
        if (ports->len > 0)
                (void) neighbours_ask_counters((const char *const *) interfaces->pdata, counters, NULL);
        return counters;
}

static void emit_counters(guint i, const InterfaceCounters *counters)
{
        if (!counters)
                return;

        protocol_emit_field(
                        DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_RX_BYTES, "%" PRIu64, counters->received_bytes);
        protocol_emit_field(DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_RX_PACKETS, "%" PRIu64,
                        counters->received_packets);
        protocol_emit_field(DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_RX_DROPPED, "%" PRIu64,
                        counters->received_dropped);
        protocol_emit_field(DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_TX_BYTES, "%" PRIu64, counters->sent_bytes);
        protocol_emit_field(
                        DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_TX_PACKETS, "%" PRIu64, counters->sent_packets);
        protocol_emit_field(
                        DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_TX_DROPPED, "%" PRIu64, counters->sent_dropped);
}

int report_process(const char *name, char *const *addresses, Error *ret_error)
{
        g_autofree char *dir = paths_unikernel_runtime(name);
        g_autoptr(GPtrArray) ports = process_read_ports(name);
        g_autoptr(GArray) counters = ports_read_counters(ports);
        _cleanup_run_state_ RunState run = RUN_STATE_INIT;
        _cleanup_close_ int pidfd = -EBADF;
        uint64_t number;
        pid_t pid;

        if (process_find(name, &pid, &pidfd) < 0)
                return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);

        (void) run_state_read(dir, &run);
        if (process_cpu_time(pid, &number))
                protocol_emit(DOMAIN_KEY_CPU_TIME_USEC, "%" PRIu64, number);
        if (run.memory > 0)
                protocol_emit(DOMAIN_KEY_MEMORY, "%" PRIu64, run.memory);
        if (run.cgroup && cgroup_memory(run.cgroup, &number))
                protocol_emit(DOMAIN_KEY_MEMORY_RESIDENT, "%" PRIu64, number);
        for (guint i = 0; i < ports->len; i++) {
                const ProcessPort *port = ports->pdata[i];

                protocol_emit_field(DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_NAME, "%s", port->device);
                if (addresses && addresses[i])
                        protocol_emit_field(
                                        DOMAIN_KIND_NETWORK, i, DOMAIN_FIELD_ADDRESSES, "%s", addresses[i]);
                emit_counters(i, interface_counters_find(counters, port->interface));
        }
        emit_volumes(name);
        return 0;
}
