/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Executes a command line of shruthi-domain, argv[0] being its name, and returns the exit status. Returns
 * DOMAIN_ELSEWHERE, before doing anything that cannot be repeated, if a process that keeps its connection to
 * libvirt cannot do it. credentials: see credentials_open(). */
int verbs_run(int argc, char *argv[], int credentials);
