/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-tender: becomes a unikernel. Loads an image for Solo5's spt target into this process, gives up
 * every right but the use of the descriptors that the image's devices are, and enters it. From then on
 * nothing of this program is left: the exit status is the guest's. It is executed by whoever opened the
 * descriptors. */

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "config.h"
#include "image/spt.h"
#include "tender/confine.h"
#include "tender/devices.h"
#include "tender/exit-status.h"
#include "tender/launch.h"
#include "tender/memory.h"
#include "tender/options.h"

#ifdef __x86_64__
#define MACHINE IMAGE_ARCHITECTURE_X86_64
#else
#define MACHINE IMAGE_ARCHITECTURE_AARCH64
#endif

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

static int image_read(int fd, SptImage *ret, ImageInfo *info, Error *ret_error)
{
        Source source;
        int r;

        r = source_from_fd(fd, &source, ret_error);
        if (r < 0)
                return r;
        if (!spt_read(&source, MACHINE, ret, info) && source.error == 0)
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
        if (sysconf(_SC_PAGESIZE) != (long) SPT_PAGE_SIZE)
                return error_set(ret_error, ERROR_FAILED,
                                "This kernel has pages of %ld bytes, Solo5's spt target needs pages of %d",
                                sysconf(_SC_PAGESIZE), (int) SPT_PAGE_SIZE);
        /* Or what is opened next would become the console. */
        if (fcntl(STDOUT_FILENO, F_GETFL) < 0 || fcntl(STDERR_FILENO, F_GETFL) < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Standard output or standard error is closed: open both, the guest's "
                                "console is standard output");

        return 0;
}

/* Returns only if the guest cannot be started. */
static int run(const TenderOptions *options, ImageInfo *info, Error *ret_error)
{
        g_autofree SptImage *image = g_new0(SptImage, 1);
        g_autofree SptManifest *manifest = g_new0(SptManifest, 1);
        int image_fd, epoll_fd, timer_fd, r;

        r = host_check(ret_error);
        if (r < 0)
                return r;
        r = tender_devices_check_open(options, ret_error);
        if (r < 0)
                return r;
        r = image_open(options, &image_fd, ret_error);
        if (r < 0)
                return r;
        r = image_read(image_fd, image, info, ret_error);
        if (r < 0)
                return r;
        r = tender_devices_attach(info, options, manifest, ret_error);
        if (r < 0)
                return r;

        r = tender_memory_make(options->memory, options->executable_heap, ret_error);
        if (r < 0)
                return r;
        r = tender_memory_load(image_fd, image, options->memory, ret_error);
        if (r < 0)
                return r;
        r = tender_devices_watch(manifest, &epoll_fd, &timer_fd, ret_error);
        if (r < 0)
                return r;
        r = tender_memory_describe(
                        image, options->memory, manifest, epoll_fd, timer_fd, options->arguments, ret_error);
        if (r < 0)
                return r;

        r = tender_close_others(manifest, epoll_fd, timer_fd, options->held_fd, ret_error);
        if (r < 0)
                return r;
        r = tender_confine(manifest, ret_error);
        if (r < 0)
                return r;
        return tender_launch(image, options->memory, manifest, epoll_fd, timer_fd, ret_error);
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
