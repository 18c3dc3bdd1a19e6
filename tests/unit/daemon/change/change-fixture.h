/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../image/image-builder.h"
#include "daemon/change/change.h"
#include "unikernel/listeners.h"

/* One change at a time, worked in folders of its own. */

#define ALICE 1001
#define BOB   1002
#define MIB   (UINT64_C(1) << 20)

typedef struct ChangeFixture {
        char *dir;
        char *bridges[2], *networks[2], *dependencies[4], *ports[3];
        Conf conf;
        SharedConf shared;
        gid_t gids[1];
        Call call;
        ChangeRequest request;
        ChangeResult result;
        int image_fd; /* an image with one network, "service" */
} ChangeFixture;

void change_set_up(ChangeFixture *f, gconstpointer data);
void change_tear_down(ChangeFixture *f, gconstpointer data);

/* A file that holds an image with those devices. */
int image_file(const char *devices);

/* Begins another change of "hello" by uid. */
void change_reset(ChangeFixture *f, ChangeKind kind, uid_t uid);

/* device NULL: none, and that is said. The settings own what is in them, but for tests that put constants
 * there. */
void change_add_device(GPtrArray **devices, const DefinitionDevice *device);
DefinitionDevice network_device(const char *bridge, const char *libvirt_network);
void change_with_network(ChangeFixture *f, const char *bridge, const char *libvirt_network);

/* Works the change: it succeeds, or is refused with that. */
void expect_change(ChangeFixture *f);
void expect_refusal(ChangeFixture *f, ErrorCode code, bool needs_administer);

/* A whole change that creates "hello" for uid. */
void create_hello(ChangeFixture *f, uid_t uid);

/* systemd reads its units again, and so runs the generator. */
void change_generate(ChangeFixture *f);

/* What is there afterwards. */
Definition *load_definition(const char *name);
unsigned stored_images(void);
