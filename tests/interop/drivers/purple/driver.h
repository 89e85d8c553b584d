/* The parts of the libpurple driver. */

#pragma once

#include <purple.h>

/* Prints an event: its name, then keys and values up to NULL. */
void emit(const char *event, ...) G_GNUC_NULL_TERMINATED;
/* Prints all that a buddy list shows of a buddy. */
void emit_buddy(const char *event, PurpleBuddy *buddy);

/* Tells libpurple where to show things; called while it starts. */
void init_windows(void);
void init_dialogues(void);
/* Clicks a button of an open dialogue. */
void answer_dialogue(void *id, guint button, const char *text);
