/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/change-work.h"

/* A definition in the making, which the files of change-work share. Those that fail have set the error of
 * the result. */
typedef struct Draft {
        const ChangeRequest *request;
        ChangeResult *result;
        const Conf *conf;
        char *path, *old_text; /* NULL: there is none */
        Definition *old;       /* NULL: none, or it cannot be read */
        char *text;
        Definition *definition;
        char *pinned[2]; /* digests of image and initrd, kept from pruning until the definition names them */
} Draft;

/* The caller is root, or polkit has let them. */
bool draft_may_administer(const Draft *draft);

/* Ends a step for want of an administrator, with the error that they would not get. */
int draft_needs_administer(const Draft *draft, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* Of the definition in the making. */
unsigned draft_count_addresses(const Draft *draft, const Definition *definition);

/* The device of that name and kind as it was, NULL: there was none. */
const DefinitionDevice *draft_find_old_device(const Draft *draft, const DefinitionDevice *like);

/* change-work-limits.c: the limits of users, which do not bind administrators. */
int draft_check_limits(const Draft *draft);

/* change-work-rights.c: what only an administrator may do. One has been asked for, or this fails. */
int draft_check_rights(const Draft *draft);

/* Whether the caller may set what the definition has for a setting that is marked as an administrator's.
 * device is NULL for one of [Unikernel], old the device as it was, or NULL. */
typedef int (*SettingCheck)(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);

/* Of settings with SETTING_ADMINISTRATOR. NULL: what it was before. */
extern const SettingCheck setting_checks[_SETTING_MAX];

/* change-work-networks.c: whether there is what a device names, and the checks of its settings. */
int draft_check_network(const Draft *draft, const DefinitionDevice *device);
int draft_check_attachment(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_mac(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_address(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);

/* Whether the fields in the arguments will have a value, as far as it is known which addresses there are: on
 * networks of ours, and bridges that shruthi.conf tells of. */
int draft_check_placeholders(const Draft *draft);

/* Keeps the networks from being removed until the descriptor is closed (-EBADF: none is another's to
 * remove), or says that one is no more what it was. */
int draft_lock_networks(const Draft *draft, int *ret_lock);

/* change-work-volumes.c: the checks of a device's settings; makes what the definition wants and is not
 * there; takes that away again, where the definition is not written. */
int draft_check_volume_path(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_stored_volume(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_make_volumes(const Draft *draft);
void change_result_remove_volumes(ChangeResult *result, const char *unikernel);

/* change-work-memory.c: what the guest is to have; refuses what its image (info, NULL: not known yet) cannot
 * be loaded into or cannot use, and what this host has not got, unless it is as it was. */
int draft_check_memory(const Draft *draft, const ImageInfo *info, uint64_t *ret_memory);

/* change-work-order.c: which units a list names, and how often it may start; whether the name is free for
 * the caller; and that it does not wait for itself. */
int draft_check_order(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_start_limit(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_own_name(const Draft *draft);
int draft_check_loops(const Draft *draft);

/* change-work-generations.c: the text of the generation that a rollback goes to; keeps the text that was and
 * the one that will be, with the record of an update that is to be proven; takes the latter back where the
 * definition is not written after all; and removes those that are too many. */
int draft_read_generation(const Draft *draft, char **ret_text);
int draft_keep_generations(const Draft *draft);
void draft_take_back_generation(const Draft *draft);
void draft_trim_generations(const Draft *draft);

/* change-work-publish.c: whether users may publish a port; and whether what was added is free, on a network
 * where it can be had. */
int draft_check_publish(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_ports(const Draft *draft);

/* change-work-remove.c: the files of it. */
int change_work_remove(const ChangeRequest *request, ChangeResult *result);
