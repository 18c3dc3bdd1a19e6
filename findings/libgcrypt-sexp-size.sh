#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libgcrypt's gcry_sexp_sprint() has two sizes for one expression: asked for the size (no buffer), it counts the NUL that
# it will write behind it; what it returns when it has written does not count it. The manual has one sentence for both.
#
# In canonical format an expression is binary and may have NULs inside, so strlen() does not tell either. Who sends, hashes
# or signs as many bytes as were asked for has one that is not part of the expression; who compares the two numbers to see
# whether all was written finds that it never was.
#
# Seen with libgcrypt20 1.10.1-3+deb12u1, for (key abc):
#   canonical: 13 asked, 12 written ("(3:key3:abc)")        advanced: 11 asked, 10 written (with its newline)
# What follows: take the number that came back from the call that wrote, and never the one that sized the buffer.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages libgcrypt20=1.10.1-3+deb12u1 python3=3.11.2-1+b1

cat >"$root/tmp/look.py" <<'END'
import ctypes

gcrypt = ctypes.CDLL("libgcrypt.so.20")
gcrypt.gcry_check_version(None)
gcrypt.gcry_sexp_sprint.restype = ctypes.c_size_t
text = b"(key abc)"
sexp = ctypes.c_void_p()
assert gcrypt.gcry_sexp_sscan(ctypes.byref(sexp), None, text, ctypes.c_size_t(len(text))) == 0
for form in (1, 3):
    buffer = ctypes.create_string_buffer(100)
    asked = gcrypt.gcry_sexp_sprint(sexp, form, None, ctypes.c_size_t(0))
    written = gcrypt.gcry_sexp_sprint(sexp, form, buffer, ctypes.c_size_t(100))
    print(asked, written, repr(buffer.value))
END
mapfile -t seen < <(finding_run python3 /tmp/look.py)
finding_is "canonical, asked and written" "13 12 b'(3:key3:abc)'" "${seen[0]}"
finding_is "advanced, asked and written" "11 10 b'(key abc)\\n'" "${seen[1]}"
