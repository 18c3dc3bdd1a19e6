/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Opens a text in the user's editor: $SYSTEMD_EDITOR, $EDITOR, $VISUAL, otherwise editor, nano, vim, vi. The
 * file is in a folder of its own that only the user can enter. */

typedef struct EditorFile {
        char *dir;
        char *path; /* NAME.unikernel, so that editors recognize the type */
} EditorFile;

#define EDITOR_FILE_INIT ((EditorFile){})

int editor_file_create(EditorFile *file, const char *name, const char *text, Error *ret_error);

/* Runs the editor and reads the result. */
int editor_file_edit(EditorFile *file, char **ret_text, Error *ret_error);

/* For a text that was refused when nobody can be asked: keeps the file, and adds its path to the error. */
void editor_file_keep(EditorFile *file, Error *error);

/* Removes it, unless kept. */
void editor_file_clear(EditorFile *file);
#define _cleanup_editor_ __attribute__((cleanup(editor_file_clear)))

/* Whether there is a terminal to ask on; and asks whether to edit again or give up. */
bool editor_can_ask(void);
bool editor_ask_again(void);
