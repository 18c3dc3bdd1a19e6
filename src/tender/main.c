/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-tender: becomes a unikernel. Loads an image for Solo5's spt target into this process, gives up
 * every right but the use of the descriptors that the image's devices are, and enters it. From then on
 * nothing of this program is left: the exit status is the guest's. It is executed by whoever opened the
 * descriptors.
 *
 * An image for the hvt target is loaded into a machine of KVM's, whose processor this program runs, with as
 * few rights as the other guest has. */

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "config.h"
#include "image/solo5-load.h"
#include "tender/confine.h"
#include "tender/devices.h"
#include "tender/exit-status.h"
#include "tender/hvt-machine.h"
#include "tender/launch.h"
#include "tender/memory.h"
#include "tender/options.h"

#ifdef __x86_64__
#define MACHINE IMAGE_ARCHITECTURE_X86_64
#else
#define MACHINE IMAGE_ARCHITECTURE_AARCH64
#endif

#define CHECK_SEC 10

static int exit_status_of(const Error *error)
{
        switch (error->code) {
        case ERROR_INVALID_ARGS:
                return TENDER_EXIT_USAGE;
        case ERROR_INVALID_IMAGE:
        case ERROR_UNSUPPORTED_IMAGE:
                return TENDER_EXIT_IMAGE;
        case ERROR_NOT_SUPPORTED: /* by tender_launch() */
                return TENDER_EXIT_FILTER;
        default:
                return TENDER_EXIT_HOST;
        }
}

static int image_open(const TenderOptions *options, int *ret_fd, Error *ret_error)
{
        if (!options->path) {
                *ret_fd = options->image_fd;
                return 0;
        }

        /* O_NONBLOCK, or a FIFO would wait for somebody who writes. */
        *ret_fd = open(options->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (*ret_fd < 0) {
                int r = errno;

                (void) error_set_errno(ret_error, r, "The image \"%s\" cannot be opened", options->path);
                ret_error->code = ERROR_INVALID_IMAGE;
                return -r;
        }

        return 0;
}

static int image_read(int fd, Solo5Image *ret, ImageInfo *info, Error *ret_error)
{
        Source source;
        int r;

        r = source_from_fd(fd, &source, ret_error);
        if (r < 0)
                return r;
        if (!solo5_load_read(&source, MACHINE, ret, info) && source.error == 0)
                return error_set(ret_error, info->problem_code, "The image is %s", info->problem);
        if (source.error != 0) {
                r = error_set_errno(ret_error, source.error, "The image cannot be read");
                ret_error->code = ERROR_INVALID_IMAGE;
                return r;
        }

        return 0;
}

static int host_check(Error *ret_error)
{
        if (sysconf(_SC_PAGESIZE) != (long) SOLO5_PAGE_SIZE)
                return error_set(ret_error, ERROR_FAILED,
                                "This kernel has pages of %ld bytes, Solo5's targets need pages of %d",
                                sysconf(_SC_PAGESIZE), (int) SOLO5_PAGE_SIZE);
        /* Or what is opened next would become the console. */
        if (fcntl(STDOUT_FILENO, F_GETFL) < 0 || fcntl(STDERR_FILENO, F_GETFL) < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Standard output or standard error is closed: open both, the guest's "
                                "console is standard output");

        return 0;
}

/* The target asks for KVM, or has no use for it. */
static int kvm_check_given(const TenderOptions *options, const ImageInfo *info, Error *ret_error)
{
        if (info->target == SOLO5_TARGET_HVT && options->kvm_fd < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The image is for Solo5's hvt target, which is run with KVM: open /dev/kvm "
                                "for reading and writing and give it with --kvm=FD, or build the image for "
                                "spt (MirageOS: `mirage configure -t spt`)");
        if (info->target != SOLO5_TARGET_HVT && options->kvm_fd >= 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The image is for Solo5's %s target, which is run without KVM: leave --kvm= "
                                "out",
                                solo5_target_to_string(info->target));

        return 0;
}

/* The last steps, for a guest that becomes this process. Each returns only if the guest cannot be started.
 */
static int run_process(const TenderOptions *options, int image_fd, const Solo5Image *image,
                const Solo5Manifest *manifest, Error *ret_error)
{
        TenderMemory memory;
        int others[] = {-1, -1, options->held_fd}, r;

        r = tender_memory_make(options->memory, options->executable_heap, &memory, ret_error);
        if (r < 0)
                return r;
        r = tender_memory_load(image_fd, image, &memory, ret_error);
        if (r < 0)
                return r;
        r = tender_devices_watch(manifest, &others[0], &others[1], ret_error);
        if (r < 0)
                return r;
        r = tender_memory_describe(image, options->memory, manifest, others[0], others[1],
                        options->arguments, ret_error);
        if (r < 0)
                return r;

        r = tender_close_others(manifest, others, G_N_ELEMENTS(others), ret_error);
        if (r < 0)
                return r;
        r = tender_confine(manifest, ret_error);
        if (r < 0)
                return r;
        return tender_launch(image, options->memory, manifest, others[0], others[1], ret_error);
}

/* The memory has the image. */
static int machine_set_up(const TenderOptions *options, const TenderMemory *memory, const Solo5Image *image,
                const Solo5Manifest *manifest, HvtMachine *ret, Error *ret_error)
{
        static HvtRing ring;
        int r;

        ret->manifest = manifest;
        r = hvt_memory_map(image, memory, options->executable_heap, ret_error);
        if (r < 0)
                return r;
        r = tender_devices_watch(manifest, &ret->epoll_fd, &ret->timer_fd, ret_error);
        if (r < 0)
                return r;
        r = hvt_machine_make(options->kvm_fd, memory, &ring, ret, ret_error);
        if (r < 0)
                return r;
        r = hvt_memory_describe(image, memory, manifest, ret->tsc_hz, options->arguments, ret_error);
        if (r < 0)
                return r;
        r = hvt_memory_seal(memory, ret_error);
        if (r < 0)
                return r;
        return hvt_machine_prepare(ret, image->entry, ret_error);
}

/* … and for one that has a machine of its own. */
static int run_machine(const TenderOptions *options, int image_fd, const Solo5Image *image,
                const Solo5Manifest *manifest, Error *ret_error)
{
        TenderMemory memory;
        HvtMachine machine = {};
        int r;

        r = hvt_memory_make(options->memory, &memory, ret_error);
        if (r < 0)
                return r;
        if (options->ring) {
                uint64_t ring_size = hvt_ring_size(options->kvm_fd, manifest);

                memory.ring = ring_size > 0 ? memory.size - ring_size : 0;
        }
        r = tender_memory_load(image_fd, image, &memory, ret_error);
        if (r < 0)
                return r;
        r = machine_set_up(options, &memory, image, manifest, &machine, ret_error);
        if (r < 0)
                return r;

        r = tender_close_others(manifest,
                        (const int[]){machine.processor_fd, machine.epoll_fd, machine.timer_fd,
                                        machine.ring ? machine.ring->kick_fd : -1, options->held_fd},
                        5, ret_error);
        if (r < 0)
                return r;
        r = tender_confine_thread(ret_error);
        if (r >= 0)
                r = hvt_machine_start_ring(&machine, ret_error);
        if (r >= 0)
                r = tender_confine_process(manifest, ret_error);
        if (r < 0)
                return r;
        return hvt_machine_run(&machine, ret_error);
}

/* A guest of a few instructions, which are ours and need no confinement: it ends with 0. A KVM that exists
 * and does not work may run it for ever. */
static int run_check(const TenderOptions *options, Error *ret_error)
{
        static const Solo5Image image = {
                        .entry = SOLO5_IMAGE_MIN,
                        .end = SOLO5_IMAGE_MIN + SOLO5_PAGE_SIZE,
                        .n_segments = 1,
                        .segments = {{.address = SOLO5_IMAGE_MIN,
                                        .memory_size = SOLO5_PAGE_SIZE,
                                        .readable = true,
                                        .executable = true}},
        };
        static const Solo5Manifest manifest = {
                        .version = SOLO5_MANIFEST_VERSION,
                        .n_entries = 1,
                        .entries = {{.type = SOLO5_ENTRY_RESERVED_FIRST}},
        };
        size_t size;
        const void *code = hvt_check_code(&size);
        TenderMemory memory;
        HvtMachine machine = {};
        int r;

        r = hvt_memory_make(2 * SOLO5_IMAGE_MIN, &memory, ret_error);
        if (r < 0)
                return r;

        memcpy(memory.base + SOLO5_IMAGE_MIN, code, size);
        (void) alarm(CHECK_SEC);
        r = machine_set_up(options, &memory, &image, &manifest, &machine, ret_error);
        if (r < 0)
                return r;
        hvt_machine_loop(&machine);
}

/* Returns only if the guest cannot be started. */
static int run(const TenderOptions *options, ImageInfo *info, Error *ret_error)
{
        g_autofree Solo5Image *image = g_new0(Solo5Image, 1);
        g_autofree Solo5Manifest *manifest = g_new0(Solo5Manifest, 1);
        int image_fd, r;

        r = host_check(ret_error);
        if (r < 0)
                return r;
        if (options->check)
                return run_check(options, ret_error);
        r = tender_devices_check_open(options, ret_error);
        if (r < 0)
                return r;
        r = image_open(options, &image_fd, ret_error);
        if (r < 0)
                return r;
        r = image_read(image_fd, image, info, ret_error);
        if (r < 0)
                return r;
        r = kvm_check_given(options, info, ret_error);
        if (r < 0)
                return r;
        r = tender_devices_attach(info, options, manifest, ret_error);
        if (r < 0)
                return r;

        if (info->target == SOLO5_TARGET_HVT)
                return run_machine(options, image_fd, image, manifest, ret_error);
        return run_process(options, image_fd, image, manifest, ret_error);
}

int main(int argc, char *argv[])
{
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree TenderOptions *options = g_new0(TenderOptions, 1);
        int r;

        r = tender_options_parse(argc, argv, options, &error);
        if (r >= 0 && (options->help || options->version)) {
                printf("%s", options->help ? tender_options_help : "shruthi " SHRUTHI_VERSION "\n");
                return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        if (r >= 0)
                r = run(options, info, &error);

        fprintf(stderr, "shruthi-tender: %s\n", error_message(&error, r));
        return exit_status_of(&error);
}
