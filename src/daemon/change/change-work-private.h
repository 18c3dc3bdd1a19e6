/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/change-work.h"

/* The definition being made, shared by the files of change-work. Functions that fail have set the error of
 * the result. */
typedef struct Draft {
        const ChangeRequest *request;
        ChangeResult *result;
        const Conf *conf;
        char *path, *old_text; /* NULL if there is none */
        Definition *old;       /* NULL if none, or if it cannot be read */
        char *text;
        Definition *definition;
        bool process;   /* the definition's image becomes a process */
        uint64_t taken; /* besides the guest's memory, see memory_taken(); 0 until the image is known */
        Generation *target;   /* that a rollback returns to; NULL if it is none */
        Generation *replaced; /* the target as it was kept until now; NULL if the text has a new number */
        char *pinned[2]; /* digests of image and initrd, kept from pruning until the definition names them */
} Draft;

/* Whether the caller is root, or polkit has authorized them as an administrator. */
bool draft_may_administer(const Draft *draft);

/* Ends a step because it needs an administrator; sets the error for callers who are none. */
int draft_needs_administer(const Draft *draft, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* network_count_addresses() for the given definition. */
unsigned draft_count_addresses(const Draft *draft, const Definition *definition);

/* The device of that name and kind as it was, NULL: there was none. */
const DefinitionDevice *draft_find_old_device(const Draft *draft, const DefinitionDevice *like);

/* change-work-limits.c: the limits of users, which do not bind administrators. */
int draft_check_limits(const Draft *draft);

/* Whether they allow for it twice, as a rolling update needs it. */
int draft_check_twin_limits(const Draft *draft);

/* change-work-rolling.c: whether a rolling update is possible, if it is one. */
int draft_check_rolling(const Draft *draft);

/* change-work-rights.c: what only an administrator may do. Fails unless the caller is one. */
int draft_check_rights(const Draft *draft);

/* Checks whether the caller may set the definition's value of a setting that is marked as an
 * administrator's. device is NULL for a setting of [Unikernel]; old is the previous device, or NULL. */
typedef int (*SettingCheck)(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);

/* The checks of settings with SETTING_ADMINISTRATOR. NULL if the caller may keep or remove the value, but
 * not change it. */
extern const SettingCheck setting_checks[_SETTING_MAX];

/* change-work-networks.c: whether the network that a device names exists, and the checks of its settings. */
int draft_check_network(const Draft *draft, const DefinitionDevice *device);
int draft_check_attachment(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_mac(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_address(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);

/* Checks that the fields in the arguments will have a value, as far as the addresses are known: on our
 * networks, and on bridges that shruthi.conf describes. */
int draft_check_placeholders(const Draft *draft);

/* Keeps the networks from being removed until *ret_lock is closed (-EBADF if no lock is needed). BUSY if one
 * has changed. */
int draft_lock_networks(const Draft *draft, int *ret_lock);

/* change-work-volumes.c: checks the settings of a device, creates the missing volumes of the definition, and
 * removes those again if the definition is not written. */
int draft_check_volume_path(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_stored_volume(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_make_volumes(const Draft *draft);
void change_result_remove_volumes(ChangeResult *result, const char *unikernel);

/* change-work-memory.c: determines the memory of the guest. Refuses an amount that is too small to load its
 * image (info, NULL if not known yet), that the image cannot use, or that this host does not have, unless it
 * is unchanged. */
int draft_check_memory(const Draft *draft, const ImageInfo *info, uint64_t *ret_memory);

/* change-work-order.c: checks the units that a list names, the start limit, whether the caller may use the
 * unikernel's name, and that it does not wait for itself. */
int draft_check_order(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_start_limit(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_own_name(const Draft *draft);
int draft_check_loops(const Draft *draft);

/* change-work-generations.c: reads the text of the generation that a rollback returns to; keeps the old and
 * the new text, with the record of an update to be proven; removes the latter if the definition is not
 * written after all; and removes surplus generations. */
int draft_read_generation(Draft *draft);
int draft_keep_generations(Draft *draft);
void draft_take_back_generation(const Draft *draft);
void draft_trim_generations(const Draft *draft);

/* change-work-publish.c: whether users may publish a port; and whether what was added is free, on a network
 * where it can be had. */
int draft_check_publish(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old);
int draft_check_ports(const Draft *draft);

/* change-work-remove.c: the files of it. */
int change_work_remove(const ChangeRequest *request, ChangeResult *result);
