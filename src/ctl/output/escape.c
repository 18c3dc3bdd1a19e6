/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts ^]. */

#include "ctl/output/escape.h"

#define ESCAPE_BYTE   0x1d
#define ESCAPE_TIMES  3
#define ESCAPE_WITHIN UINT64_C(1000000)

bool escape_see(Escape *escape, const char *data, size_t size, uint64_t now)
{
        for (size_t i = 0; i < size; i++) {
                if (data[i] != ESCAPE_BYTE) {
                        escape->seen = 0;
                        continue;
                }
                if (escape->seen == 0 || now - escape->first > ESCAPE_WITHIN) {
                        escape->seen = 0;
                        escape->first = now;
                }
                if (++escape->seen == ESCAPE_TIMES)
                        return true;
        }

        return false;
}
