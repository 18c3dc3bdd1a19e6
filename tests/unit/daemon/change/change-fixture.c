/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One change at a time, worked in folders of its own. */

#include "change-fixture.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "image/store.h"
#include "unikernel/listeners.h"
#include "unikernel/order.h"
#include "unikernel/unit-files.h"

/* In place of the C library's: the images of this test are for x86_64, and so is its host. */
int uname(struct utsname *ret)
{
        *ret = (struct utsname){.sysname = "Linux", .nodename = "localhost", .machine = HOST};
        return 0;
}

int image_file(const char *devices)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){SOLO5_IMAGE(3, devices, ADDRESSES)});
        char path[] = "/tmp/shruthi-image-XXXXXX";
        int fd = mkstemp(path);

        g_assert_cmpint(fd, >=, 0);
        (void) unlink(path);
        g_assert_cmpint(write_all(fd, image->bytes->data, image->bytes->len), ==, 0);
        return fd;
}

void change_reset(ChangeFixture *f, ChangeKind kind, uid_t uid)
{
        ChangeRequest *request = &f->request;

        change_result_clear(&f->result);
        settings_free(request->settings);
        g_clear_pointer(&request->usages, g_array_unref);
        g_clear_pointer(&request->claims, g_ptr_array_unref);
        g_clear_pointer(&request->orders, g_ptr_array_unref);
        g_clear_pointer(&request->publishers, g_ptr_array_unref);
        g_clear_pointer(&request->listeners, g_array_unref);
        g_clear_pointer(&request->subnets, g_ptr_array_unref);
        close_safe(request->image_fd);
        g_free(request->text);
        g_free(request->image_digest);
        g_free(request->image_path);
        f->call = (Call){.uid = uid, .gids = f->gids, .n_gids = 1};
        *request = (ChangeRequest){.kind = kind,
                        .call = &f->call,
                        .name = (char *) "hello",
                        .conf = &f->shared,
                        .settings = settings_new(),
                        .image_fd = -EBADF,
                        .usages = g_array_new(FALSE, FALSE, sizeof(ResourceUsage)),
                        .claims = g_ptr_array_new_with_free_func(g_free),
                        .orders = g_ptr_array_new_with_free_func(order_node_destroy),
                        .publishers = g_ptr_array_new_with_free_func(publisher_destroy),
                        .listeners = g_array_new(FALSE, FALSE, sizeof(Listener)),
                        .subnets = g_ptr_array_new()};
}

void change_set_up(ChangeFixture *f, gconstpointer data)
{
        f->dir = g_dir_make_tmp("shruthi-change-XXXXXX", NULL);
        paths_set_root(f->dir);
        g_assert_cmpint(g_mkdir_with_parents(paths_images(), 0750), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_volumes(), 0710), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_networks(), 0700), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_definitions(), 0750), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_config_definitions(), 0750), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_vendor_definitions(), 0750), ==, 0);
        f->gids[0] = ALICE;
        f->bridges[0] = (char *) "br-users";
        f->networks[0] = (char *) "net-users";
        f->conf = (Conf){.bridge_interface = (char *) "br0",
                        .allowed_bridges = f->bridges,
                        .allowed_networks = f->networks,
                        .allowed_dependencies = f->dependencies,
                        .publish_ports = f->ports,
                        .memory_default = 32 * MIB,
                        .memory_max = 128 * MIB,
                        .memory_max_user = 256 * MIB,
                        .cpus_max = 2,
                        .cpus_max_user = 4,
                        .unikernels_max = 10,
                        .unikernels_max_user = 3,
                        .addresses_max_user = 3,
                        .volumes_size_max_user = 10 * MIB,
                        .volumes_max_user = 3,
                        .image_size_max = 16 * MIB,
                        .store_size_max = 64 * MIB,
                        .store_size_max_user = 64 * MIB};
        f->conf.bridges = g_ptr_array_new();
        f->shared = (SharedConf){.references = 1, .conf = &f->conf};
        f->image_fd = image_file("network:service");
        f->request.image_fd = -EBADF;
        f->result = CHANGE_RESULT_INIT;
        change_reset(f, CHANGE_CREATE, ALICE);
}

void change_tear_down(ChangeFixture *f, gconstpointer data)
{
        change_reset(f, CHANGE_CREATE, 0);
        settings_free(f->request.settings);
        g_array_unref(f->request.usages);
        g_ptr_array_unref(f->request.claims);
        g_ptr_array_unref(f->request.orders);
        g_ptr_array_unref(f->request.publishers);
        g_array_unref(f->request.listeners);
        g_ptr_array_unref(f->request.subnets);
        g_ptr_array_unref(f->conf.bridges);
        paths_set_root(NULL);
        fixture_remove_tree(f->dir);
        close_safe(f->image_fd);
        g_free(f->dir);
}

void change_add_device(GPtrArray **devices, const DefinitionDevice *device)
{
        if (!*devices)
                *devices = g_ptr_array_new_with_free_func(g_free);
        if (device)
                g_ptr_array_add(*devices, g_memdup2(device, sizeof *device));
}

DefinitionDevice network_device(const char *bridge, const char *libvirt_network)
{
        return (DefinitionDevice){.kind = DEVICE_NETWORK,
                        .name = (char *) "service",
                        .bridge = (char *) bridge,
                        .network = (char *) libvirt_network};
}

void change_with_network(ChangeFixture *f, const char *bridge, const char *libvirt_network)
{
        DefinitionDevice device = network_device(bridge, libvirt_network);

        change_add_device(&f->request.settings->networks, &device);
}

void expect_change(ChangeFixture *f)
{
        change_result_clear(&f->result);
        change_work(&f->request, &f->result);
        if (f->result.r < 0)
                g_error("refused: %s", f->result.error.message);
}

void expect_refusal(ChangeFixture *f, ErrorCode code, bool needs_administer)
{
        change_result_clear(&f->result);
        change_work(&f->request, &f->result);
        g_assert_cmpint(f->result.r, <, 0);
        if (f->result.error.code != code)
                g_error("%s: %s", error_code_to_bus_name(f->result.error.code), f->result.error.message);
        g_assert_cmpint(f->result.needs_administer, ==, needs_administer);
}

void change_generate(ChangeFixture *f)
{
        g_autoptr(Definition) definition = load_definition(f->request.name);
        g_autoptr(GPtrArray) files = unit_files_new(definition);

        g_assert_cmpint(g_mkdir_with_parents(paths_generated_units(), 0755), ==, 0);
        fixture_remove_tree(paths_generated_units());
        g_assert_cmpint(unit_files_write(paths_generated_units(), files), ==, 0);
}

Definition *load_definition(const char *name)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        (void) definition_load(name, &definition, &error);
        return definition;
}

unsigned stored_images(void)
{
        g_autoptr(GPtrArray) entries = NULL;

        g_assert_cmpint(store_list(&entries, NULL), ==, 0);
        return entries->len;
}

void create_hello(ChangeFixture *f, uid_t uid)
{
        change_reset(f, CHANGE_CREATE, uid);
        change_with_network(f, NULL, NULL);
        f->request.image_fd = dup(f->image_fd);
        expect_change(f);
}
