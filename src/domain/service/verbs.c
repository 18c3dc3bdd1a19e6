/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs of shruthi-domain. Called by main.c for a process of its own, and by worker.c. */

#include "domain/service/verbs.h"

#include <getopt.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/unikernel-name.h"
#include "domain/check/check.h"
#include "domain/check/report.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle.h"
#include "domain/lifecycle/reattach.h"
#include "domain/network/networks.h"
#include "domain/network/publication.h"
#include "helper/request.h"

typedef struct VerbOptions {
        bool monitor;
        bool again;
        bool prepared;
        int credentials; /* see credentials_open() */
        char *const *names; /* all of them, NULL-terminated */
} VerbOptions;

static int verb_start(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_start(name, options->credentials, ret_error);
}

static int verb_prepare(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_prepare(name, ret_error);
}

static int verb_watch(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_watch(name, options->monitor, ret_error);
}

static int verb_stop(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_stop(name, ret_error);
}

static int verb_pause(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_pause(name, ret_error);
}

static int verb_resume(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_resume(name, ret_error);
}

static int verb_save(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_save(name, ret_error);
}

static int verb_sweep(const char *name, const VerbOptions *options, Error *ret_error)
{
        int r;

        r = name_check(name, ret_error);
        if (r < 0)
                return r;

        r = lifecycle_sweep(name, options->prepared, ret_error);
        /* No client reads the output of this verb, so errors are logged. */
        if (r < 0)
                log_error("Cannot end the leftover guest of unikernel '%s': %s", name,
                                error_message(ret_error, r));
        return r;
}

static int verb_xml(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_xml(name, ret_error);
}

static int verb_arguments(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_arguments(name, ret_error);
}

/* Of several names each has its line, and after it what went wrong with it; then the verb has not failed. */
static int verb_for_each(const VerbOptions *options, int (*run)(const char *name, Error *ret_error))
{
        lifecycle_batch_begin();
        for (char *const *name = options->names; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                protocol_emit(DOMAIN_KEY_UNIKERNEL, "%s", *name);
                r = run(*name, &error);
                if (r < 0)
                        (void) protocol_fail(r, &error);
        }
        lifecycle_batch_end();
        return 0;
}

static int verb_allocate(const char *name, const VerbOptions *options, Error *ret_error)
{
        return options->names[1] ? verb_for_each(options, lifecycle_allocate)
                                 : lifecycle_allocate(name, ret_error);
}

static int verb_listen(const char *name, const VerbOptions *options, Error *ret_error)
{
        return lifecycle_listen(name, ret_error);
}

static int verb_release(const char *name, const VerbOptions *options, Error *ret_error)
{
        return options->names[1] ? verb_for_each(options, lifecycle_release)
                                 : lifecycle_release(name, ret_error);
}

static int verb_lead(const char *name, const VerbOptions *options, Error *ret_error)
{
        return publication_lead(name, ret_error);
}

static int verb_connections(const char *name, const VerbOptions *options, Error *ret_error)
{
        return publication_report_connections(name, ret_error);
}

static int verb_statistics(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_statistics(name, ret_error);
}

static int verb_statistics_all(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_statistics_all(ret_error);
}

static int verb_probe(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_probe(options->again, ret_error);
}

static int verb_networks(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_networks(false, ret_error);
}

static int verb_networks_listeners(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_networks(true, ret_error);
}

static int verb_network_create(const char *name, const VerbOptions *options, Error *ret_error)
{
        return networks_create(name, ret_error);
}

static int verb_network_remove(const char *name, const VerbOptions *options, Error *ret_error)
{
        return networks_remove(name, ret_error);
}

static int verb_network_list(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_network_details(ret_error);
}

static int verb_network_leases(const char *name, const VerbOptions *options, Error *ret_error)
{
        return report_dhcp_leases(name, ret_error);
}

static int verb_check(const char *name, const VerbOptions *options, Error *ret_error)
{
        return virt_keeps_connection() ? VIRT_NEEDS_EVENTS : check_host(true, ret_error);
}

static int verb_check_without_polkit(const char *name, const VerbOptions *options, Error *ret_error)
{
        return virt_keeps_connection() ? VIRT_NEEDS_EVENTS : check_host(false, ret_error);
}

static int verb_reattach(const char *name, const VerbOptions *options, Error *ret_error)
{
        int r;

        r = reattach(ret_error);
        /* No client reads the output of this verb, so errors are logged. */
        if (r < 0)
                log_warning("Guests may be cut off from their networks: %s", error_message(ret_error, r));
        return r;
}

static const struct {
        const char *verb;
        unsigned names; /* that it takes at most, and then at least one */
        int (*run)(const char *name, const VerbOptions *options, Error *ret_error);
} verbs[] = {
                {"start", 1, verb_start},
                {"prepare", 1, verb_prepare},
                {"watch", 1, verb_watch},
                {"stop", 1, verb_stop},
                {"pause", 1, verb_pause},
                {"resume", 1, verb_resume},
                {"save", 1, verb_save},
                {"sweep", 1, verb_sweep},
                {"xml", 1, verb_xml},
                {"arguments", 1, verb_arguments},
                {"allocate", DOMAIN_WORDS_MAX - 1, verb_allocate},
                {"release", DOMAIN_WORDS_MAX - 1, verb_release},
                {"lead", 1, verb_lead},
                {"connections", 1, verb_connections},
                {"listen", 1, verb_listen},
                {"statistics", 1, verb_statistics},
                {"statistics-all", 0, verb_statistics_all},
                {"probe", 0, verb_probe},
                {"networks", 0, verb_networks},
                {"networks-listeners", 0, verb_networks_listeners},
                {"network-create", 1, verb_network_create},
                {"network-remove", 1, verb_network_remove},
                {"network-list", 0, verb_network_list},
                {"network-leases", 1, verb_network_leases},
                {"reattach", 0, verb_reattach},
                {"check", 0, verb_check},
                {"check-without-polkit", 0, verb_check_without_polkit},
};

static int verbs_print_usage(FILE *file)
{
        (void) fputs("shruthi-domain [--user] VERB [NAME]: the part of SHRUTHI that talks to libvirt; run "
                     "by its "
                     "services.\n\n"
                     "  start NAME              start the unikernel's domain\n"
                     "  prepare NAME            create it, paused, for a start that follows\n"
                     "  watch NAME [--witness]  report whether it runs, and wait for its end\n"
                     "  stop NAME               end it, and wait until it is gone\n"
                     "  pause NAME              stop its processors\n"
                     "  resume NAME             let them continue\n"
                     "  save NAME               save it with its memory, and end it\n"
                     "  sweep NAME [--prepared] end it if the unit has ended; with --prepared also one "
                     "that\n"
                     "                          waits for a start\n"
                     "  xml NAME                show the domain XML that a start would use\n"
                     "  arguments NAME          show the arguments that the guest would get\n"
                     "  allocate NAME…          allocate its addresses, as a start does\n"
                     "  release NAME…           release its addresses\n"
                     "  lead NAME               have published ports lead to it, and not to its twin\n"
                     "  connections NAME        count the open connections through its published ports\n"
                     "  listen NAME             publish its ports while it is stopped, if it has\n"
                     "                          Activation=traffic\n"
                     "  statistics NAME         show its resource usage\n"
                     "  statistics-all          show the resource usage of all running guests\n"
                     "  probe [--again]         check whether KVM and the fast start work on this host\n"
                     "  networks                list bridges and libvirt networks\n"
                     "  network-create NAME     create the libvirt network that its record describes\n"
                     "  network-remove NAME     remove it, if nothing is attached to it\n"
                     "  network-list            list libvirt's networks\n"
                     "  network-leases NAME     list the leases of the network's DHCP server\n"
                     "  reattach                attach guests to bridges that exist again\n"
                     "  check                   check this host\n"
                     "  check-without-polkit    the same, if polkit is known not to answer\n"
                     "  serve                   serve these verbs on a socket (shruthi-domain.service)\n",
                        file);
        return file == stdout ? EXIT_SUCCESS : 2;
}

int verbs_run(int argc, char *argv[], int credentials)
{
        static const struct option long_options[] = {
                        {"witness", no_argument, NULL, 'w'},
                        {"again", no_argument, NULL, 'a'},
                        {"prepared", no_argument, NULL, 'p'},
                        {"help", no_argument, NULL, 'h'},
                        {},
        };
        _cleanup_error_ Error error = ERROR_INIT;
        VerbOptions options = {.credentials = credentials};
        unsigned n;
        int c, r;

        optind = 0; /* restarts parsing, see getopt(3) */
        while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
                switch (c) {
                case 'w':
                        options.monitor = true;
                        break;
                case 'a':
                        options.again = true;
                        break;
                case 'p':
                        options.prepared = true;
                        break;
                case 'h':
                        return verbs_print_usage(stdout);
                default:
                        return verbs_print_usage(stderr);
                }

        for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
                if (optind >= argc || strcmp(argv[optind], verbs[i].verb) != 0)
                        continue;
                n = (unsigned) (argc - optind - 1);
                if (n > verbs[i].names || (n == 0) != (verbs[i].names == 0))
                        return verbs_print_usage(stderr);

                options.names = argv + optind + 1;
                r = verbs[i].run(argv[optind + 1], &options, &error);
                if (r == VIRT_NEEDS_EVENTS)
                        return DOMAIN_ELSEWHERE;
                return r < 0 ? protocol_fail(r, &error) : EXIT_SUCCESS;
        }

        return verbs_print_usage(stderr);
}
