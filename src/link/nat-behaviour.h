/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* What a box that translates addresses does, in the words of a plan and of a line "nat" (rules.h). Pure. */

/* RFC 4787's words for mapping and filtering. */
typedef enum NatDependence {
        NAT_ENDPOINT_INDEPENDENT,
        NAT_ADDRESS_DEPENDENT,
        NAT_ADDRESS_AND_PORT_DEPENDENT,
        _NAT_DEPENDENCE_MAX,
        _NAT_DEPENDENCE_INVALID = -EINVAL,
} NatDependence;

const char *nat_dependence_to_string(NatDependence dependence); /* "endpoint-independent", … */
NatDependence nat_dependence_from_string(const char *text);

#define NAT_TIMEOUT_USEC (UINT64_C(120) * 1000 * 1000) /* of UDP, where none is stated */

/* What a box does: as RFC 4787's recommendations, where nothing is stated. */
typedef struct NatBehaviour {
        NatDependence mapping, filtering;
        bool random_ports; /* else a port is kept where it is free */
        bool no_hairpinning;
        uint64_t timeout_usec; /* of UDP; 0: NAT_TIMEOUT_USEC */
} NatBehaviour;

/* As shape_set(), shape_parse() and shape_format() for the words of a box. The keys: mapping, filtering,
 * ports, hairpinning, timeout. */
int nat_behaviour_set(NatBehaviour *behaviour, const char *key, const char *value, Error *ret_error);
char *nat_behaviour_format(const NatBehaviour *behaviour);
