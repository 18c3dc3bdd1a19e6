/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-uplink: the network of one device of a user's own unikernel, with no more rights than any program
 * of the user's: frames go to passt(1) and back. Started by shruthi-uplink.socket in the user's manager, for
 * shruthi-domain, once for each such device; ends with the guest. A start of the same unikernel ends the one
 * of before, which would keep its ports. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/socket.h"
#include "config.h"
#include "uplink/passt.h"
#include "uplink/relay.h"
#include "uplink/station.h"

#define CONNECTION_FD 3 /* sd_listen_fds(3), Accept=yes */
#define ASK_SEC       5
#define FORMER_USEC   (5 * G_USEC_PER_SEC) /* for the former one to end */
#define FORMER_STEP   (10 * 1000)

/* The lock is held until the end. */
static int uplink_take_over(const UplinkRequest *request)
{
        g_autofree char *path =
                        g_strdup_printf("%s/%s:%s", paths_uplinks(), request->unikernel, request->device);
        int64_t deadline = g_get_monotonic_time() + FORMER_USEC;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        for (;;) {
                struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, other = lock;

                if (fcntl(fd, F_SETLK, &lock) >= 0)
                        return 0;
                if ((errno != EAGAIN && errno != EACCES) || g_get_monotonic_time() >= deadline)
                        return -errno;
                if (fcntl(fd, F_GETLK, &other) >= 0 && other.l_type != F_UNLCK && other.l_pid > 1)
                        (void) kill(other.l_pid, SIGTERM);
                g_usleep(FORMER_STEP);
        }
}

static int uplink_receive(UplinkRequest *ret_request, int *ret_frames)
{
        const struct timeval timeout = {.tv_sec = ASK_SEC};
        char text[UPLINK_TEXT_MAX + 1];
        _cleanup_close_ int frames = -EBADF;
        ssize_t n;
        int r;

        if (setsockopt(CONNECTION_FD, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
                return -errno;
        n = socket_receive_with_fd(CONNECTION_FD, text, sizeof text - 1, &frames);
        if (n < 0)
                return (int) n;
        text[n] = 0;
        if (frames < 0 || strlen(text) != (size_t) n)
                return -EBADMSG;
        r = uplink_request_parse(text, ret_request);
        if (r < 0)
                return r;

        *ret_frames = TAKE_FD(frames);
        return 0;
}

static int uplink_start(const UplinkRequest *request, int *ret_stream, Error *ret_error)
{
        int r = uplink_take_over(request);

        if (r < 0)
                return error_set_errno(ret_error, r, "Network '%s': the former one cannot be ended",
                                request->device);
        return passt_start(request, ret_stream, ret_error);
}

/* Without it, checks over the network do not hold. */
static int uplink_listen(const UplinkRequest *request)
{
        g_autofree char *name = uplink_station_name(request->unikernel, request->number),
                        *path = g_build_filename(paths_uplinks(), name, NULL);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r = fd < 0 ? -errno : 0;

        if (r >= 0 && g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
                r = -ENAMETOOLONG;
        (void) unlink(path);
        if (r >= 0 && (bind(fd, (struct sockaddr *) &address, sizeof address) < 0 ||
                                      listen(fd, STATION_CALLS_MAX) < 0))
                r = -errno;
        if (r < 0) {
                log_warning("Unikernel '%s' cannot be checked over its network: %s: %s", request->unikernel,
                                path, g_strerror(-r));
                return -EBADF;
        }

        return TAKE_FD(fd);
}

/* By whoever has the lock. */
static void uplink_unlink(const UplinkRequest *request)
{
        g_autofree char *name = uplink_station_name(request->unikernel, request->number),
                        *path = g_build_filename(paths_uplinks(), name, NULL);

        (void) unlink(path);
}

static int uplink_serve(void)
{
        _cleanup_uplink_request_ UplinkRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;
        int frames, stream, station, r;

        r = uplink_receive(&request, &frames);
        if (r < 0) {
                log_error("Cannot read the request: %s", g_strerror(-r));
                return EXIT_FAILURE;
        }

        r = uplink_start(&request, &stream, &error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                (void) socket_send_with_fd(CONNECTION_FD, error_message(&error, r), -EBADF, 0);
                return EXIT_SUCCESS;
        }
        station = uplink_listen(&request);
        r = socket_send_with_fd(CONNECTION_FD, UPLINK_DONE, -EBADF, 0);
        (void) close(CONNECTION_FD);
        if (r >= 0)
                relay_run(&request, frames, stream, station);
        uplink_unlink(&request);
        return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (argc == 2 && g_str_equal(argv[1], "--help")) {
                printf("shruthi-uplink: the network of a user's own unikernel; run by "
                       "shruthi-uplink.socket.\n\n"
                       "  --help     this text\n"
                       "  --version  the version\n\n"
                       "See shruthi-run(8).\n");
                return EXIT_SUCCESS;
        }
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                puts("shruthi " SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }

        log_open("shruthi-uplink");
        if (argc != 1 || g_strcmp0(g_getenv("LISTEN_FDS"), "1") != 0) {
                log_error("shruthi-uplink is only run by shruthi-uplink.socket, in a user's manager");
                return EXIT_FAILURE;
        }
        r = paths_use_user(&error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return EXIT_FAILURE;
        }

        (void) fcntl(CONNECTION_FD, F_SETFD, FD_CLOEXEC);
        return uplink_serve();
}
