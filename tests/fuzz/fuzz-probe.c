/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What runners, guests and anybody's packets say to shruthi-probe, and it to runners. */

#include "fuzz.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "probe/http.h"
#include "probe/ping.h"
#include "probe/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_probe_request_ ProbeRequest request = {};
        _cleanup_probe_answer_ ProbeAnswer answer = {};
        uint64_t number;
        int status;

        if (probe_request_parse((const char *) data, size, &request) >= 0)
                free(probe_request_format(&request));
        if (probe_answer_parse((const char *) data, size, &answer) >= 0)
                free(probe_answer_format(&answer));
        status = http_status_parse((const char *) data, size);
        if (status > 0 && (status < 100 || status > 599))
                abort();
        (void) ping_parse(AF_INET, data, size, &number);
        (void) ping_parse(AF_INET6, data, size, &number);
        return 0;
}
