/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image is verified as UpdateVerify= demands, whatever lies beside it, and the digest returned is that of
 * the bytes that were verified. */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../image/minisign-maker.h"
#include "common/io.h"
#include "daemon/change/gpgv.h"
#include "daemon/change/source-verify.h"
#include "fixture/files.h"

typedef struct Fixture {
        GString *content;
        char *digest; /* of it */
        SourceImage image;
        UpdateVerify verify;
        char *beside;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        g_autofree char *hex = NULL;

        /* More than one piece of reading, and not a whole number of them. */
        f->content = g_string_new(NULL);
        for (unsigned i = 0; i < 100000; i++)
                g_string_append_printf(f->content, "%u ", i);
        hex = g_compute_checksum_for_data(
                        G_CHECKSUM_SHA256, (const guchar *) f->content->str, f->content->len);
        f->digest = g_strconcat("sha256:", hex, NULL);
        f->image = (SourceImage){.file = "a.virtio",
                        .fd = memfd_create("image", MFD_CLOEXEC),
                        .size_max = 1024 * 1024,
                        .beside_name = "/srv/beside"};
        g_assert_cmpint(write_all(f->image.fd, f->content->str, f->content->len), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        close_safe(f->image.fd);
        update_verify_clear(&f->verify);
        g_string_free(f->content, TRUE);
        g_free(f->digest);
        g_free(f->beside);
}

/* Takes beside. */
static void put_beside(Fixture *f, char *beside)
{
        g_free(f->beside);
        f->beside = beside;
        f->image.beside = beside;
        f->image.beside_size = strlen(beside);
}

static void expect_verified(Fixture *f, const char *words)
{
        g_autofree char *digest = NULL, *how = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        (void) source_verify(&f->verify, &f->image, &digest, &how, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpstr(digest, ==, f->digest);
        g_assert_cmpstr(how, ==, words);
}

static void expect_refused(Fixture *f, ErrorCode code, const char *message)
{
        g_autofree char *digest = NULL, *how = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(source_verify(&f->verify, &f->image, &digest, &how, &error), <, 0);
        g_assert_cmpint(error.code, ==, code);
        if (!g_pattern_match_simple(message, error.message))
                g_assert_cmpstr(error.message, ==, message);
        g_assert_null(digest);
}

static void test_nothing(Fixture *f, const void *data)
{
        expect_verified(f, "");
        f->image.size_max = f->content->len;
        expect_verified(f, "");
        f->image.size_max--;
        expect_refused(f, ERROR_LIMIT_EXCEEDED, "The image has *, more than the maximum of *ImageSizeMax=*");
        close_safe(f->image.fd);
        f->image.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        expect_refused(f, ERROR_INVALID_IMAGE, "The image is not a regular file*");
}

static void test_listed(Fixture *f, const void *data)
{
        const char *hex = f->digest + strlen("sha256:");

        g_assert_cmpint(update_verify_parse("sha256sums:/srv/beside", &f->verify, NULL), ==, 0);
        put_beside(f, g_strdup_printf("%s  a.virtio\n", hex));
        expect_verified(f, "listed in /srv/beside");
        put_beside(f, g_strdup_printf("%s  b.virtio\n", hex));
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: it does not list 'a.virtio'*");
        put_beside(f, g_strdup_printf("%064d  a.virtio\n", 0));
        expect_refused(f, ERROR_DIGEST_MISMATCH,
                        "Image digest is sha256:* and /srv/beside lists sha256:0000*");
}

static void set_key(Fixture *f, const MinisignMaker *maker)
{
        g_autofree char *key = minisign_maker_key(maker), *text = g_strconcat("minisign:", key, NULL);

        update_verify_clear(&f->verify);
        g_assert_cmpint(update_verify_parse(text, &f->verify, NULL), ==, 0);
}

static void test_minisign(Fixture *f, const void *data)
{
        const MinisignMaker maker = minisign_maker_new(2), other = minisign_maker_new(3);

        set_key(f, &maker);
        put_beside(f, minisign_maker_sign(&maker, f->content->str, f->content->len, true, "version 1"));
        expect_verified(f, "signed by minisign key 0202020202020202: version 1");
        put_beside(f, minisign_maker_sign(&maker, f->content->str, f->content->len - 1, true, "version 1"));
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: not of this image*");
        put_beside(f, minisign_maker_sign(&other, f->content->str, f->content->len, true, "x"));
        expect_refused(f, ERROR_VERIFICATION_FAILED,
                        "/srv/beside: signed by the minisign key 0303030303030303*");
        put_beside(f, minisign_maker_sign(&maker, "x", 1, false, "x"));
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: of the old kind*");
        put_beside(f, g_strdup("rubbish"));
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: not a signature of minisign*");
}

static void run(const char *dir, const char *line)
{
        g_autofree char *text = g_strdup_printf("cd '%s' && { %s; } >>log 2>&1", dir, line);

        if (system(text) != 0) {
                g_autofree char *log = g_build_filename(dir, "log", NULL), *said = NULL;

                (void) g_file_get_contents(log, &said, NULL, NULL);
                g_error("%s: %s", line, said ?: "");
        }
}

/* With the real gpg and gpgv. */
static void test_openpgp(Fixture *f, const void *data)
{
        g_autofree char *gpg = g_find_program_in_path("gpg"), *gpgv = g_find_program_in_path("gpgv"),
                        *agent = g_find_program_in_path("gpg-agent"), *dir = NULL, *path = NULL,
                        *keyring = NULL;
        g_autofree char *signature = NULL, *armored = NULL, *of_other = NULL, *sha1 = NULL, *log = NULL,
                        *digest = NULL, *how = NULL;
        gsize size, armored_size, other_size, sha1_size;
        _cleanup_error_ Error error = ERROR_INIT;

        if (!gpg || !gpgv || !agent) {
                g_test_skip("there is no gpg, gpg-agent or gpgv");
                return;
        }
        dir = g_dir_make_tmp("shruthi-gpgv-XXXXXX", NULL);
        path = g_build_filename(dir, "a", NULL);
        g_assert_true(g_file_set_contents(path, f->content->str, (gssize) f->content->len, NULL));
        (void) g_setenv("GNUPGHOME", dir, TRUE);
        run(dir, "gpg --batch --passphrase '' --quick-gen-key one@x ed25519 sign never && "
                 "gpg --batch --passphrase '' --quick-gen-key two@x ed25519 sign never && "
                 "gpg --export one@x >keyring && gpg -u one@x -o sig --detach-sign a && "
                 "gpg -u one@x -o asc --armor --detach-sign a && gpg -u two@x -o other --detach-sign a && "
                 "gpg -u one@x --digest-algo SHA1 -o sha1 --detach-sign a && "
                 "gpgconf --kill all");
        keyring = g_strconcat("openpgp:", dir, "/keyring", NULL);
        g_assert_cmpint(update_verify_parse(keyring, &f->verify, NULL), ==, 0);
        log = g_build_filename(dir, "sig", NULL);
        g_assert_true(g_file_get_contents(log, &signature, &size, NULL));
        f->image.beside = signature;
        f->image.beside_size = size;
        (void) source_verify(&f->verify, &f->image, &digest, &how, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpstr(digest, ==, f->digest);
        g_assert_true(g_str_has_prefix(how, "signed by OpenPGP key "));

        g_free(log);
        log = g_build_filename(dir, "asc", NULL);
        g_assert_true(g_file_get_contents(log, &armored, &armored_size, NULL));
        f->image.beside = armored;
        f->image.beside_size = armored_size;
        expect_verified(f, how);

        g_free(log);
        log = g_build_filename(dir, "other", NULL);
        g_assert_true(g_file_get_contents(log, &of_other, &other_size, NULL));
        f->image.beside = of_other;
        f->image.beside_size = other_size;
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: its key is not in the keyring*");

        g_free(log);
        log = g_build_filename(dir, "sha1", NULL);
        g_assert_true(g_file_get_contents(log, &sha1, &sha1_size, NULL));
        f->image.beside = sha1;
        f->image.beside_size = sha1_size;
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: *SHA-1*");

        f->image.beside = "rubbish";
        f->image.beside_size = strlen("rubbish");
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: *");

        f->image.beside = signature;
        f->image.beside_size = size;
        g_assert_cmpint(pwrite(f->image.fd, "X", 1, 5000), ==, 1);
        expect_refused(f, ERROR_VERIFICATION_FAILED, "/srv/beside: not of this image*");
        run(dir, "rm -r keyring");
        expect_refused(f, ERROR_VERIFICATION_FAILED,
                        "The keyring cannot be read by user *: *keyring*No such*");
        run(dir, "mkfifo keyring");
        expect_refused(f, ERROR_VERIFICATION_FAILED, "The keyring */keyring is not a regular file*");
        run(dir, "rm keyring && ln -s a keyring");
        expect_refused(f, ERROR_VERIFICATION_FAILED, "*keyring' is a symbolic link*");
        fixture_remove_tree(dir);
}

#define GOOD  "[GNUPG:] GOODSIG 0123 a\n"
#define VALID "[GNUPG:] VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567 2026-11-30 1 0 4 0 22 10 00 0\n"

static void test_status(void)
{
        static const struct {
                const char *text;
                int status;
                const char *message; /* NULL: it is verified */
        } cases[] = {
                        {GOOD VALID, 0, NULL},
                        {"[GNUPG:] NEWSIG\n" GOOD VALID, 0, NULL},
                        {GOOD VALID, 1 << 8, "gpgv does not accept it*"},
                        {GOOD VALID, SIGKILL, "gpgv does not accept it*"},
                        {GOOD, 0, "gpgv does not accept it*"},
                        {VALID, 0, "gpgv does not accept it*"},
                        {"", 0, "gpgv does not accept it*"},
                        {"GOODSIG\nVALIDSIG\n", 0, "gpgv does not accept it*"},
                        {GOOD VALID "[GNUPG:] BADSIG 1 b\n", 0, "not of this image*"},
                        {"[GNUPG:] EXPKEYSIG 0123 a\n" VALID, 0, "its key has expired*"},
                        {"[GNUPG:] REVKEYSIG 0123 a\n" VALID, 0, "its key was revoked*"},
                        {"[GNUPG:] EXPSIG 0123 a\n" VALID, 0, "it has expired*"},
                        {"[GNUPG:] ERRSIG 0123\n[GNUPG:] NO_PUBKEY 0123\n", 2 << 8,
                                        "its key is not in the keyring*"},
                        {"[GNUPG:] NODATA 4\n", 2 << 8, "no OpenPGP signature"},
                        {GOOD "[GNUPG:] VALIDSIG ../x\n", 0, "gpgv does not accept it*"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *fingerprint = NULL;
                int r = gpgv_status_parse(cases[i].text, cases[i].status, &fingerprint, &error);

                g_test_message("%zu", i);
                if (!cases[i].message) {
                        g_assert_cmpint(r, ==, 0);
                        g_assert_cmpstr(fingerprint, ==, "0123456789ABCDEF0123456789ABCDEF01234567");
                        continue;
                }
                g_assert_cmpint(r, <, 0);
                g_assert_null(fingerprint);
                if (!g_pattern_match_simple(cases[i].message, error.message))
                        g_assert_cmpstr(error.message, ==, cases[i].message);
        }
}

int main(int argc, char **argv)
{
        (void) signal(SIGPIPE, SIG_IGN);
        g_test_init(&argc, &argv, NULL);
        g_test_add("/daemon/source/digest-of-what-was-read", Fixture, NULL, set_up, test_nothing, tear_down);
        g_test_add("/daemon/source/list-of-digests", Fixture, NULL, set_up, test_listed, tear_down);
        g_test_add("/daemon/source/minisign", Fixture, NULL, set_up, test_minisign, tear_down);
        g_test_add("/daemon/source/openpgp", Fixture, NULL, set_up, test_openpgp, tear_down);
        g_test_add_func("/daemon/source/answers-of-gpgv", test_status);
        return g_test_run();
}
