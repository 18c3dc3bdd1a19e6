/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* A text in the user's editor: $SYSTEMD_EDITOR, $EDITOR, $VISUAL, else editor, nano, vim, vi. The file lies
 * in a folder of its own that only the user can enter. */

typedef struct EditorFile {
        char *dir;
        char *path; /* NAME.unikernel, so that editors know what it is */
} EditorFile;

#define EDITOR_FILE_INIT ((EditorFile){})

int editor_file_create(EditorFile *file, const char *name, const char *text, Error *ret_error);

/* Runs the editor and reads what it left. */
int editor_file_edit(EditorFile *file, char **ret_text, Error *ret_error);

/* The text was refused and nobody can be asked: leaves the file where it is, and adds to the error where
 * that is. */
void editor_file_keep(EditorFile *file, Error *error);

/* Removes it, unless kept. */
void editor_file_clear(EditorFile *file);
#define _cleanup_editor_ __attribute__((cleanup(editor_file_clear)))

/* Is there a terminal to ask on? And: edit again, or give up? */
bool editor_can_ask(void);
bool editor_ask_again(void);
