/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Paths of files and directories. The build sets them; tests put all of them below a folder of their own.
 * Each function returns a string that stays valid until paths_set_root() or paths_use_user() is called. */

/* Prefixes every path below with root (NULL: none). For unit tests, before anything else. */
void paths_set_root(const char *root);

/* From now on the paths are those of the user's own unikernels, by the XDG Base Directory Specification:
 * ~/.config/shruthi, ~/.local/state/shruthi, $XDG_RUNTIME_DIR/shruthi. Before anything else. FAILED if there
 * is no session. */
int paths_use_user(Error *ret_error);

/* Whether they are, so that this is about unikernels of a user, who is their administrator, and who is
 * number 0 there (users.h). */
bool paths_are_of_user(void);

/* A text with commands for the system's unikernels, as they are for these: with --user if they are a user's.
 * Free with g_free(). */
char *paths_command(const char *text);

/* Makes those folders, for the user alone, and closes to others what was there; for the system
 * systemd-tmpfiles(8) does that. */
int paths_make_user_folders(Error *ret_error);

const char *paths_config_dir(void);          /* /etc/shruthi: shruthi.conf, shruthi.conf.d/ */
const char *paths_vendor_dir(void);          /* /usr/lib/shruthi */
const char *paths_state_dir(void);           /* /var/lib/shruthi */
const char *paths_runtime_dir(void);         /* /run/shruthi */

const char *paths_config_definitions(void);  /* /etc/shruthi/unikernels: written by administrators */
const char *paths_state_definitions(void);   /* /var/lib/shruthi/unikernels: created through the bus */
const char *paths_vendor_definitions(void);  /* /usr/lib/shruthi/unikernels: shipped by packages */
const char *paths_images(void);              /* /var/lib/shruthi/images: the store */
const char *paths_volumes(void);             /* /var/lib/shruthi/volumes: storage of guests */
const char *paths_credentials(void); /* /var/lib/shruthi-seal: root's list of keys; a user's: they, too */
const char *paths_networks(void);            /* /var/lib/shruthi/networks: the records of networks */
const char *paths_generations(void);         /* /var/lib/shruthi/generations: unikernel/generation.h */
const char *paths_updates(void);             /* /var/lib/shruthi/updates: unikernel/update-record.h */
const char *paths_snapshots(void);           /* /var/lib/shruthi/snapshots: unikernel/snapshot.h */
const char *paths_hosts(void);               /* /var/lib/shruthi-hosts: host records for dnsmasq */
const char *paths_consoles(void);            /* /run/shruthi/unikernels: run directories of unikernels */
const char *paths_liveness(void);            /* /run/shruthi/lives: unikernel/liveness.h */
const char *paths_cut_off(void);             /* /run/shruthi/cut-off: unikernel/cut-off.h */
const char *paths_probe(void);               /* /run/shruthi/probe: facts found out about the host */
const char *paths_results(void);             /* /run/shruthi/results: exit records */
const char *paths_refusals(void);            /* /run/shruthi/refusals: unikernel/refusal.h */
const char *paths_restores(void);            /* /run/shruthi/restores: unikernel/snapshot.h */
const char *paths_rates(void);               /* /run/shruthi/rates: run/user-rate.h */
const char *paths_uplinks(void);             /* /run/shruthi/uplinks, of a user alone: src/uplink */
const char *paths_generated_units(void);     /* /run/systemd/generator: where shruthi-generator writes */
const char *paths_units(void); /* /usr/lib/systemd/system: units that packages install; below no root */
const char *const *paths_unit_directories(
                void); /* where settings of units are (systemd.unit(5)), in order of
                        * precedence, without those of generators; NULL-terminated */
const char *const *paths_link_directories(void); /* those of them in which administrators enable and mask */
const char *paths_cgroups(void);             /* /sys/fs/cgroup */
const char *paths_block_devices(void);       /* /sys/dev/block */
const char *paths_processors(void);          /* /sys/devices/system/cpu */
const char *paths_bus_services(void);        /* /usr/share/dbus-1/system-services: services that can be
                                              * activated */
const char *paths_libexec_dir(void);         /* where shruthi-run and shruthi-domain are */

/* /run/shruthi/unikernels/NAME: the files of a running unikernel (console FIFOs and socket, state). They
 * have a folder of their own so that no unikernel's name collides with /run/shruthi/private or
 * /run/shruthi/results. Free with g_free(). */
char *paths_unikernel_runtime(const char *name);

/* Whether path is absolute, without "//", "." or ".." and without '/' at the end, so that one file has one
 * spelling. */
bool path_is_normalized(const char *path);
