/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* What confines a guest, layer by layer. All of them are on. The tests build this program a second time,
 * with TENDER_TESTING, to see what holds when one of them is off (--without=LAYER). */

typedef enum TenderLayer {
        LAYER_FILTER,      /* the filter of system calls */
        LAYER_UNMAP,       /* no memory but the guest's */
        LAYER_DESCRIPTORS, /* no descriptors but its own */
        LAYER_LANDLOCK,    /* no files, ports, signals */
        LAYER_LIMITS,      /* resource limits */
        LAYER_EXECUTION,   /* no memory becomes executable */
        _LAYER_MAX,
} TenderLayer;

#ifdef TENDER_TESTING
extern const char *const tender_layer_names[_LAYER_MAX];
extern unsigned tender_layers_off; /* bits by TenderLayer */
#define tender_layer_is_on(layer) ((tender_layers_off & (1u << (layer))) == 0)
#else
#define tender_layer_is_on(layer) true
#endif
