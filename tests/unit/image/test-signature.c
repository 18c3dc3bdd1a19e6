/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A signature of minisign holds for the bytes, the key and the trusted comment that it was made with, and
 * for nothing else. */

#include <glib.h>
#include <string.h>

#include "image/signature.h"
#include "minisign-maker.h"

static const char image[] = "an image";

typedef struct Fixture {
        MinisignMaker maker;
        MinisignKey key;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        g_autofree char *text = NULL;

        f->maker = minisign_maker_new(7);
        text = minisign_maker_key(&f->maker);
        g_assert_true(g_str_has_prefix(text, "RW"));
        g_assert_cmpint(minisign_key_parse(text, &f->key), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
}

/* Verifies text (changed or not) of an image; returns the message of the error, NULL if it holds. */
static char *verify(const MinisignKey *key, const char *text, const char *content)
{
        _cleanup_minisign_signature_ MinisignSignature signature = {};
        uint8_t hashed[SIGNATURE_HASH_SIZE];
        _cleanup_error_ Error error = ERROR_INIT;
        SignatureHash *hash;
        int r;

        r = minisign_signature_parse(text, strlen(text), &signature, &error);
        if (r >= 0) {
                hash = signature_hash_new();
                signature_hash_update(hash, content, strlen(content));
                signature_hash_finish(hash, hashed);
                r = signature_verify(key, &signature, hashed, &error);
        }
        if (r >= 0)
                return NULL;
        g_assert_cmpint(error.code, ==, ERROR_VERIFICATION_FAILED);
        return g_strdup(error.message);
}

static void test_holds(Fixture *f, const void *data)
{
        g_autofree char *text = minisign_maker_sign(
                                        &f->maker, image, strlen(image), true, "timestamp:1\tfile:a"),
                        *empty = minisign_maker_sign(&f->maker, "", 0, true, "");
        g_autofree char *problem = verify(&f->key, text, image), *other = verify(&f->key, text, "an imagf"),
                        *shorter = verify(&f->key, text, "an imag"),
                        *of_nothing = verify(&f->key, empty, "");

        g_assert_null(problem);
        g_assert_null(of_nothing);
        g_assert_true(g_str_has_prefix(other, "not of this image"));
        g_assert_true(g_str_has_prefix(shorter, "not of this image"));
}

/* Those would need the whole image in memory, and more than libgcrypt takes. */
static void test_old_kind(Fixture *f, const void *data)
{
        g_autofree char *text = minisign_maker_sign(&f->maker, image, strlen(image), false, "x"),
                        *problem = verify(&f->key, text, image);

        g_assert_true(g_str_has_prefix(problem, "of the old kind"));
}

/* Each byte of the two signatures, of the ID, and of the trusted comment counts. */
static void test_each_byte_counts(Fixture *f, const void *data)
{
        g_autofree char *text = minisign_maker_sign(&f->maker, image, strlen(image), true, "version 2");
        const char *signature = strchr(text, '\n') + 1, *comment = strstr(text, "version 2");

        for (char *p = text; *p; p++) {
                g_autofree char *problem = NULL;
                char was = *p;

                if (p < signature || *p == '\n' || (p < comment && p > strchr(signature, '\n')))
                        continue;
                *p = was == 'B' ? 'C' : 'B';
                problem = verify(&f->key, text, image);
                g_assert_nonnull(problem);
                *p = was;
        }
}

static void test_another_key(Fixture *f, const void *data)
{
        MinisignMaker other = minisign_maker_new(0x1a), same_id = minisign_maker_new(7);
        g_autofree char *text = minisign_maker_sign(&other, image, strlen(image), true, "x"),
                        *forged = minisign_maker_sign(&same_id, image, strlen(image), true, "x"),
                        *problem = verify(&f->key, text, image), *forgery = verify(&f->key, forged, image);

        g_assert_cmpstr(problem, ==,
                        "signed by the minisign key 1A1A1A1A1A1A1A1A, and UpdateVerify= has the key "
                        "0707070707070707");
        g_assert_true(g_str_has_prefix(forgery, "not of this image"));
}

/* The comment of one signature cannot be moved to another. */
static void test_comment_is_bound(Fixture *f, const void *data)
{
        g_autofree char *one = minisign_maker_sign(&f->maker, image, strlen(image), true, "version 1"),
                        *two = minisign_maker_sign(&f->maker, "other", 5, true, "version 2");
        g_auto(GStrv) a = g_strsplit(one, "\n", -1), b = g_strsplit(two, "\n", -1);
        g_autofree char *mixed = g_strjoin("\n", a[0], a[1], b[2], b[3], "", NULL),
                        *problem = verify(&f->key, mixed, image);

        g_assert_cmpstr(problem, ==, "its trusted comment was changed");
}

static void test_refusals(Fixture *f, const void *data)
{
        g_autofree char *good = minisign_maker_sign(&f->maker, image, strlen(image), true, "c");
        g_auto(GStrv) l = g_strsplit(good, "\n", -1);
        g_autofree char *with_cr = g_strjoin("\r\n", l[0], l[1], l[2], l[3], "", NULL),
                        *without_end = g_strjoin("\n", l[0], l[1], l[2], l[3], NULL),
                        *three = g_strjoin("\n", l[0], l[1], l[2], NULL),
                        *six = g_strconcat(good, "more\n", NULL),
                        *damaged = g_strjoin("\n", l[0], l[1], l[2], "AAAA", NULL),
                        *spaces = g_strjoin("\n", l[0], l[1], l[2], " ", l[3], NULL),
                        *control = g_strjoin("\n", l[0], l[1], "trusted comment: \033[2J", l[3], NULL),
                        *unknown = g_strdup(good);
        const struct {
                const char *text, *message;
        } cases[] = {
                        {"", "not a signature of minisign: it is empty"},
                        {"-----BEGIN PGP SIGNATURE-----\n",
                                        "not a signature of minisign: it does not have the four *"},
                        {three, "*four lines*"},
                        {six, "*four lines*"},
                        {damaged, "not a signature of minisign: it is damaged"},
                        {spaces, "*four lines*"},
                        {control, "not a signature of minisign: its trusted comment is not text"},
                        {unknown, "not a signature of minisign: its algorithm is not known"},
        };
        g_autofree char *huge = g_strnfill(MINISIGN_SIZE_MAX + 1, 'a'),
                        *problem = verify(&f->key, with_cr, image),
                        *at_end = verify(&f->key, without_end, image);
        _cleanup_error_ Error error = ERROR_INIT;
        MinisignSignature signature;

        g_assert_null(problem);
        g_assert_null(at_end);
        memcpy(strchr(unknown, '\n') + 1, "RX", 2);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *refusal = verify(&f->key, cases[i].text, image);

                g_assert_nonnull(refusal);
                if (!g_pattern_match_simple(cases[i].message, refusal))
                        g_assert_cmpstr(refusal, ==, cases[i].message);
        }
        g_assert_cmpint(minisign_signature_parse(huge, strlen(huge), &signature, &error), <, 0);
        g_assert_cmpint(minisign_signature_parse("a\0b", 3, &signature, &error), <, 0);
        g_assert_cmpstr(error.message, ==, "not a signature of minisign: it is not text");
}

static void test_keys(void)
{
        MinisignMaker maker = minisign_maker_new(1);
        g_autofree char *good = minisign_maker_key(&maker), *cut = g_strndup(good, strlen(good) - 4),
                        *longer = g_strconcat(good, "AAAA", NULL), *space = g_strconcat(good, " ", NULL),
                        *odd = g_strdup(good);
        MinisignKey key;

        odd[20] = '*';
        g_assert_cmpint(minisign_key_parse(good, &key), ==, 0);
        g_assert_cmpint(minisign_key_parse(cut, &key), ==, -EINVAL);
        g_assert_cmpint(minisign_key_parse(longer, &key), ==, -EINVAL);
        g_assert_cmpint(minisign_key_parse(space, &key), ==, -EINVAL);
        g_assert_cmpint(minisign_key_parse(odd, &key), ==, -EINVAL);
        g_assert_cmpint(minisign_key_parse("", &key), ==, -EINVAL);
        odd[20] = good[20];
        odd[0] = 'S';
        g_assert_cmpint(minisign_key_parse(odd, &key), ==, -EINVAL);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/image/signature/holds-for-what-was-signed", Fixture, NULL, set_up, test_holds,
                        tear_down);
        g_test_add("/image/signature/old-kind-is-refused", Fixture, NULL, set_up, test_old_kind, tear_down);
        g_test_add("/image/signature/each-byte-counts", Fixture, NULL, set_up, test_each_byte_counts,
                        tear_down);
        g_test_add("/image/signature/refuses-another-key", Fixture, NULL, set_up, test_another_key,
                        tear_down);
        g_test_add("/image/signature/comment-belongs-to-its-signature", Fixture, NULL, set_up,
                        test_comment_is_bound, tear_down);
        g_test_add("/image/signature/refuses-other-files", Fixture, NULL, set_up, test_refusals, tear_down);
        g_test_add_func("/image/signature/keys", test_keys);
        return g_test_run();
}
