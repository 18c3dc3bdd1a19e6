/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Does what a command line of shruthi-domain says, argv[0] being its name, and returns the exit status; or
 * DOMAIN_ELSEWHERE, before anything was done that is not done again, where a process that keeps its
 * connection to libvirt cannot.
 * credentials: see credentials_open(). */
int verbs_run(int argc, char *argv[], int credentials);
