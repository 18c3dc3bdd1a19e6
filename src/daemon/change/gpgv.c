/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs gpgv. */

#include "daemon/change/gpgv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

#define STATUS_PREFIX   "[GNUPG:] "
#define STATUS_SIZE_MAX (64 * 1024)
#define STUCK_MS        (30 * 1000) /* for it to read some, and to answer */
#define FINGERPRINT_MIN 32
#define FINGERPRINT_MAX 64

/* In the process of gpgv; in ours the files have larger numbers, so that none is overwritten. */
#define SIGNATURE_FD 3
#define KEYRING_FD   4

struct Gpgv {
        pid_t pid;
        int data_fd, status_fd;
        bool closed; /* it does not want more */
};

static int gpgv_make_file(const char *what, const void *data, size_t size, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int memory = memfd_create(what, MFD_CLOEXEC);
        int r = memory < 0 ? -errno : write_all(memory, data, size), fd;

        fd = r < 0 ? r : fcntl(memory, F_DUPFD_CLOEXEC, KEYRING_FD + 1);
        if (fd < 0)
                return error_set_errno(ret_error, r < 0 ? r : errno, "Cannot pass the %s to gpgv", what);

        *ret_fd = fd;
        return 0;
}

static int gpgv_spawn(int keyring_fd, int signature_fd, int data_fd, int status_fd, pid_t *ret_pid)
{
        /* gpgv itself refuses MD5 only. */
        const char *words[] = {GPGV, "--quiet", "--weak-digest", "SHA1", "--status-fd", "1", "--keyring",
                        "/dev/fd/4", "/dev/fd/3", "-", NULL};
        char *environment[] = {(char *) "LC_ALL=C", (char *) "PATH=/usr/bin:/bin", NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawnattr_init(&attributes);
        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        (void) posix_spawnattr_setsigmask(&attributes, &none);
        (void) posix_spawnattr_setsigdefault(&attributes, &all);
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        r = posix_spawn_file_actions_adddup2(&actions, data_fd, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, status_fd, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, signature_fd, SIGNATURE_FD);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, keyring_fd, KEYRING_FD);
        if (r == 0)
                r = posix_spawn(ret_pid, GPGV, &actions, &attributes, (char **) words, environment);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

int gpgv_start(const GpgvFiles *files, Gpgv **ret_gpgv, Error *ret_error)
{
        _cleanup_close_ int keyring_fd = -EBADF, signature_fd = -EBADF, data_read = -EBADF,
                            data_write = -EBADF, status_read = -EBADF, status_write = -EBADF;
        int data[2], status[2];
        Gpgv *gpgv;
        pid_t pid;
        int r;

        r = gpgv_make_file("keyring", files->keyring, files->keyring_size, &keyring_fd, ret_error);
        if (r >= 0)
                r = gpgv_make_file("signature", files->signature, files->signature_size, &signature_fd,
                                ret_error);
        if (r < 0)
                return r;
        if (pipe2(data, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot start gpgv");
        data_read = data[0];
        data_write = data[1];
        if (pipe2(status, O_CLOEXEC) < 0 || fcntl(data_write, F_SETFL, O_NONBLOCK) < 0)
                return error_set_errno(ret_error, errno, "Cannot start gpgv");
        status_read = status[0];
        status_write = status[1];

        r = gpgv_spawn(keyring_fd, signature_fd, data_read, status_write, &pid);
        if (r == -ENOENT)
                return error_set(ret_error, ERROR_FAILED,
                                "There is no " GPGV ", which verifies OpenPGP signatures: install gpgv, or "
                                "use UpdateVerify=minisign:…");
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot start " GPGV);

        gpgv = g_new(Gpgv, 1);
        *gpgv = (Gpgv){.pid = pid, .data_fd = TAKE_FD(data_write), .status_fd = TAKE_FD(status_read)};
        *ret_gpgv = gpgv;
        return 0;
}

static int gpgv_wait_for(int fd, short events, Error *ret_error)
{
        struct pollfd poller = {.fd = fd, .events = events};
        int n = TEMP_FAILURE_RETRY(poll(&poller, 1, STUCK_MS));

        if (n < 0)
                return error_set_errno(ret_error, errno, "Cannot wait for gpgv");
        if (n == 0)
                return error_set(ret_error, ERROR_TIMED_OUT, "gpgv did not go on for %d seconds",
                                STUCK_MS / 1000);
        return 0;
}

int gpgv_write(Gpgv *gpgv, const void *data, size_t size, Error *ret_error)
{
        const uint8_t *p = data;

        while (size > 0 && !gpgv->closed) {
                ssize_t n = write(gpgv->data_fd, p, size);
                int r;

                if (n >= 0) {
                        p += n;
                        size -= (size_t) n;
                } else if (errno == EPIPE)
                        gpgv->closed = true;
                else if (errno == EAGAIN) {
                        r = gpgv_wait_for(gpgv->data_fd, POLLOUT, ret_error);
                        if (r < 0)
                                return r;
                } else if (errno != EINTR)
                        return error_set_errno(ret_error, errno, "Cannot write to gpgv");
        }

        return 0;
}

static int gpgv_read_status(const Gpgv *gpgv, GString *text, Error *ret_error)
{
        for (;;) {
                char data[4096];
                ssize_t n;
                int r;

                r = gpgv_wait_for(gpgv->status_fd, POLLIN, ret_error);
                if (r < 0)
                        return r;
                n = TEMP_FAILURE_RETRY(read(gpgv->status_fd, data, sizeof data));
                if (n < 0)
                        return error_set_errno(ret_error, errno, "Cannot read the answer of gpgv");
                if (n == 0)
                        return 0;
                if (text->len + (size_t) n > STATUS_SIZE_MAX)
                        return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                        "it has too many signatures: keep one");
                g_string_append_len(text, data, n);
        }
}

static bool fingerprint_is_valid(const char *text)
{
        size_t length = strspn(text, "0123456789ABCDEF");

        return !text[length] && length >= FINGERPRINT_MIN && length <= FINGERPRINT_MAX;
}

int gpgv_status_parse(const char *text, int exit_status, char **ret_fingerprint, Error *ret_error)
{
        static const struct {
                const char *word, *why;
        } bad[] = {
                        {"BADSIG", "not of this image: it was changed, or signed before its last change"},
                        {"EXPSIG", "it has expired: sign the image again"},
                        {"EXPKEYSIG", "its key has expired: put the renewed key into the keyring"},
                        {"REVKEYSIG", "its key was revoked: sign with another, and add that to the keyring"},
                        {"NO_PUBKEY", "its key is not in the keyring: sign with another, or add that one "
                                      "(gpg --export, without --armor)"},
                        {"ERRSIG", "gpgv cannot verify it: it is of an unknown kind, or made with SHA-1 "
                                   "(sign with gpg --digest-algo SHA256)"},
                        {"NODATA", "no OpenPGP signature"},
        };
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autofree char *fingerprint = NULL;
        bool good = false;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                for (char **line = lines; *line; line++) {
                        g_auto(GStrv) words = g_strsplit(*line, " ", 4);

                        if (g_str_has_prefix(*line, STATUS_PREFIX) && g_strcmp0(words[1], bad[i].word) == 0)
                                return error_set(ret_error, ERROR_VERIFICATION_FAILED, "%s", bad[i].why);
                }
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit(*line, " ", 4);

                if (!g_str_has_prefix(*line, STATUS_PREFIX))
                        continue;
                good = good || g_strcmp0(words[1], "GOODSIG") == 0;
                if (!fingerprint && g_strcmp0(words[1], "VALIDSIG") == 0 && words[2] &&
                                fingerprint_is_valid(words[2]))
                        fingerprint = g_strdup(words[2]);
        }
        if (!good || !fingerprint || !WIFEXITED(exit_status) || WEXITSTATUS(exit_status) != 0)
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "gpgv does not accept it: is the keyring one, and not armored (gpg "
                                "--dearmor)?");

        *ret_fingerprint = g_steal_pointer(&fingerprint);
        return 0;
}

int gpgv_finish(Gpgv *gpgv, char **ret_fingerprint, Error *ret_error)
{
        g_autoptr(GString) text = g_string_new(NULL);
        int status = -1, r;

        gpgv->data_fd = close_safe(gpgv->data_fd);
        r = gpgv_read_status(gpgv, text, ret_error);
        if (r < 0)
                return r;
        /* It has closed its output, and is about to end. */
        if (TEMP_FAILURE_RETRY(waitpid(gpgv->pid, &status, 0)) < 0)
                return error_set_errno(ret_error, errno, "Cannot wait for gpgv");
        gpgv->pid = 0;
        return gpgv_status_parse(text->str, status, ret_fingerprint, ret_error);
}

void gpgv_free(Gpgv *gpgv)
{
        if (!gpgv)
                return;

        if (gpgv->pid > 0) {
                (void) kill(gpgv->pid, SIGKILL);
                (void) TEMP_FAILURE_RETRY(waitpid(gpgv->pid, NULL, 0));
        }
        close_safe(gpgv->data_fd);
        close_safe(gpgv->status_fd);
        g_free(gpgv);
}
