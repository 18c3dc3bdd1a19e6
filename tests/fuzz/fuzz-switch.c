/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of guests through a switch with boxes that translate, and requests of clients. The input is
 * packets, each behind two bytes: its sender, and its length. */

#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "switch/plane.h"
#include "switch/protocol.h"

#define PORTS 4

static const char rules_text[] = "shape bad latency=1ms corrupt=30% duplicate=30% loss=10%\nlink * * bad\n"
                                 "nat home 10.0.0.200 ports=random filtering=address-and-port-dependent\n"
                                 "nat other 10.0.0.201 mapping=address-and-port-dependent hairpinning=no\n"
                                 "behind a home\nbehind b home\nbehind c other\n";

static void fuzz_request(const uint8_t *data, size_t size)
{
        _cleanup_switch_request_ SwitchRequest request = {};
        _cleanup_switch_answer_ SwitchAnswer answer = {};
        _cleanup_error_ Error error = ERROR_INIT;

        if (switch_request_parse((const char *) data, size, &request, &error) >= 0) {
                g_autofree char *text = switch_request_format(&request);
                _cleanup_switch_request_ SwitchRequest again = {};

                if (switch_request_parse(text, strlen(text), &again, NULL) < 0 || again.verb != request.verb)
                        abort();
        } else if (!error.message)
                abort();
        (void) switch_answer_parse((const char *) data, size, &answer);
}

static void fuzz_pass(Plane *plane, uint64_t now)
{
        PlanePassage passage;

        while (plane_take(plane, now, &passage)) {
                if (passage.packet->size < PLANE_HEADER_SIZE + FRAME_HEADER_SIZE)
                        abort();
                plane_passed(plane, &passage, passage.packet->size % 2 == 0, now);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const filters[PORTS] = {
                        "a 52:54:00:00:00:00 10.0.0.10 fd00::10 service",
                        "b 52:54:00:00:00:01 10.0.0.11 fd00::11 service",
                        "c 52:54:00:00:00:02 10.0.0.12 none service",
                        "d 52:54:00:00:00:03 any any service",
        };
        g_autoptr(Plane) plane = plane_new();
        PlanePort *ports[PORTS];
        uint64_t now = UINT64_C(1) << 50;
        Rules *rules = NULL;

        fuzz_request(data, size);
        for (unsigned i = 0; i < PORTS; i++) {
                g_autoptr(AntispoofFilter) filter = NULL;
                char interface[] = {'s', (char) ('0' + i), '\0'};

                if (antispoof_filter_parse(filters[i], &filter, NULL) < 0 ||
                                plane_add_port(plane, interface, filter, &ports[i]) < 0)
                        abort();
        }
        if (rules_parse(rules_text, strlen(rules_text), &rules, NULL, NULL) < 0)
                abort();
        plane_set_rules(plane, rules);

        while (size >= 2) {
                size_t length = MIN(data[1], size - 2);
                /* In a block of its own, so that a read beyond its end is seen. */
                g_autofree uint8_t *packet = g_memdup2(data + 2, length);

                plane_send(plane, ports[data[0] % PORTS], packet, length, now);
                data += 2 + length;
                size -= 2 + length;
                now += 700000;
                fuzz_pass(plane, now);
        }
        fuzz_pass(plane, now + 10000000);
        if (plane_next(plane) != FLIGHT_NONE)
                abort();
        return 0;
}
