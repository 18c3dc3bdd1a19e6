/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "common/error.h"
#include "image/image.h"
#include "unikernel/definition.h"

/* Whether a unikernel whose image is executed as a process may be so on this host, and has no setting that
 * only a domain has. AllowProcesses= is about guests that use the host's own kernel: one for hvt is a
 * virtual machine, and Acceleration= says whether there may be one with KVM. NOT_SUPPORTED,
 * INVALID_DEFINITION. Pure. */
int process_rules_check(
                const Definition *definition, const ImageInfo *info, const Conf *conf, Error *ret_error);

/* Whether systemd can load it: not what is sealed, in a user's manager. Pure. */
bool source_can_be_loaded(const DefinitionSource *source);

/* What a user's own unikernel (paths_are_of_user()) cannot be or have, since nobody with more rights helps
 * it; 0 for one of the system. NOT_SUPPORTED. Pure. */
int user_rules_check(const Definition *definition, const ImageInfo *image, Error *ret_error);

/* Whether the image that the definition names may be executed as a process: a stored one is looked at, one
 * that is named by its path may be anything. */
bool definition_may_be_of_process(const Definition *definition);
