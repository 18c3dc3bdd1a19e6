/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks over the network: shruthi-probe carries them out, and its answers go to the wait for readiness, or
 * to the health of a ready guest. */

#include <glib.h>
#include <string.h>

#include "run/runner-private.h"

static void on_runner_probe_answer(void *userdata, const ProbeAnswer *answer)
{
        if (answer->number < CHECKS_MAX)
                runner_take_ready_answer(userdata, answer->number, answer->reason);
        else
                runner_take_health_answer(userdata, answer->number - CHECKS_MAX, answer->reason);
}

/* A lost service says nothing about the guest's health. */
static void on_runner_probe_lost(void *userdata, const char *reason)
{
        runner_take_ready_loss(userdata, reason);
}

char *runner_start_probe(Runner *runner, unsigned number, const Check *check, unsigned interval_ms,
                unsigned timeout_ms)
{
        static const ProbeClientHooks hooks = {
                        .answer = on_runner_probe_answer, .lost = on_runner_probe_lost};
        static const ProbeKind kinds[_CHECK_KIND_MAX] = {
                        [CHECK_TCP] = PROBE_TCP, [CHECK_HTTP] = PROBE_HTTP, [CHECK_PING] = PROBE_PING};
        ProbeRequest request = {.number = number,
                        .kind = kinds[check->kind],
                        .port = check->port,
                        .interval_ms = interval_ms,
                        .timeout_ms = timeout_ms};
        g_autofree char *bridge = run_state_find_reach(&runner->run, check->device, &request.address);

        if (!bridge || g_strlcpy(request.interface, bridge, sizeof request.interface) >=
                                        sizeof request.interface)
                return g_strdup_printf("network device '%s' is on no bridge of this host, or has no address",
                                check->device);

        if (!runner->probes)
                runner->probes = probe_client_new(runner->event, &hooks, runner);
        request.path = g_strdup(check->path);
        probe_client_watch(runner->probes, &request);
        return NULL;
}

void runner_end_probe(Runner *runner, unsigned number)
{
        if (runner->probes)
                probe_client_forget(runner->probes, number);
}
