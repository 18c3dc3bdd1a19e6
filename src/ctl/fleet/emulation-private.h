/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/emulation.h"
#include "fleet/expansion/links.h"
#include "switch/protocol.h"

/* What emulation.c, which talks with shruthi-switch, and emulation-captures.c share. */

/* Of one network. */
typedef struct FleetEmulation {
        const FleetLinks *links;
        char *network; /* as it is called on this host */
        int fd;
        char *rules;      /* those that hold */
        GArray *captures; /* uint32_t: numbers of those that go on */
} FleetEmulation;

/* Sends one request and waits for its answer. ret_text (or NULL): the words behind "done"; ret_fd (or NULL):
 * the descriptor that came with it. */
int fleet_links_ask(int socket, const SwitchRequest *request, int fd, char **ret_text, int *ret_fd,
                Error *ret_error);

/* A folder in that of the results. */
int fleet_links_make_folder(const FleetRun *run, const char *name, int *ret_fd, Error *ret_error);

/* Begins what Capture= and CaptureLink= say, into captures/ of the results. */
int fleet_captures_begin(const FleetRun *run, FleetEmulation *emulation, Error *ret_error);

/* The files are whole then. What is missing in them is said. */
void fleet_captures_end(FleetRun *run, FleetEmulation *emulation);
