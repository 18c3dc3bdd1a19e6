/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-filter: compiles a filter in tcpdump's language for captures (link/packet-filter.h). shruthictl
 * executes it as its own user, for a plan that may be anybody's: what parses such text is a large library,
 * so it does that in a process that can do nothing else. Prints the program, or why there is none. */

#include <glib.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/string-util.h"
#include "config.h"
#include "filter/confine.h"
#include "filter/filter.h"
#include "link/packet-filter.h"

#define SNAPLEN     65535
#define MESSAGE_MAX 300

static int refuse(const char *message)
{
        g_autofree char *shown = text_for_display(message, MESSAGE_MAX);

        fprintf(stderr, "%s\n", shown);
        return FILTER_REFUSED;
}

static char *program_format(const struct bpf_program *program)
{
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "%u", program->bf_len);
        for (unsigned i = 0; i < program->bf_len; i++)
                g_string_append_printf(text, ",%u:%u:%u:%u", program->bf_insns[i].code,
                                program->bf_insns[i].jt, program->bf_insns[i].jf, program->bf_insns[i].k);
        return g_string_free(text, FALSE);
}

/* What libpcap makes may be more than is run here: a loop, or too much. */
static int compile(pcap_t *pcap, const char *text)
{
        struct bpf_program program = {};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(PacketFilter) filter = NULL;
        g_autofree char *shown = NULL;
        int r;

        if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
                return refuse(pcap_geterr(pcap));
        shown = program_format(&program);
        pcap_freecode(&program);
        r = packet_filter_parse(shown, &filter, &error);
        if (r < 0)
                return refuse(error_message(&error, r));

        printf("%s\n", shown);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
        pcap_t *pcap;
        int r;

        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                printf("shruthi %s\n", SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc != 3 || !g_str_equal(argv[1], "--")) {
                fprintf(stderr, "Usage: shruthi-filter -- FILTER\n");
                return EXIT_FAILURE;
        }
        if (strlen(argv[2]) > PACKET_FILTER_SOURCE_MAX) {
                fprintf(stderr, "it is longer than %d bytes\n", PACKET_FILTER_SOURCE_MAX);
                return FILTER_REFUSED;
        }
        pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
        if (!pcap) {
                fprintf(stderr, "there is no memory for it\n");
                return EXIT_FAILURE;
        }
        r = confine();
        if (r < 0) {
                fprintf(stderr, "The process cannot be confined: %s\n", g_strerror(-r));
                return EXIT_FAILURE;
        }

        r = compile(pcap, argv[2]);
        pcap_close(pcap);
        return r;
}
