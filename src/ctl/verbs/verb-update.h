/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "ctl/cli/ctl.h"

/* Shared by the files of update: the options of a call, from the command line. */
int update_append_options(sd_bus_message *call, const Options *options, Error *ret_error);

/* verb-update-all.c: update --all. */
int update_all(Ctl *ctl, Error *ret_error);
