/* Dialogues that libpurple opens, kept until the person clicks a button. */

#include "driver.h"

/* A dialogue that waits for `answer ID BUTTON [TEXT]`. */
struct dialogue {
	PurpleRequestType type; /* -1 for the question whether somebody may add us */
	GPtrArray *buttons;     /* callbacks; NULL closes and does nothing more */
	void *fields;
	void *data;
};

static GHashTable *dialogues; /* number -> struct dialogue */

static void *open_dialogue(struct dialogue *dialogue)
{
	static guint count;
	count++;
	g_hash_table_insert(dialogues, GUINT_TO_POINTER(count), dialogue);
	return GUINT_TO_POINTER(count);
}

static struct dialogue *new_dialogue(PurpleRequestType type, void *data)
{
	struct dialogue *dialogue = g_new0(struct dialogue, 1);
	dialogue->type = type;
	dialogue->data = data;
	dialogue->buttons = g_ptr_array_new();
	return dialogue;
}

static void show_dialogue(void *id, const char *kind, const char *title, const char *primary,
                          const char *secondary, const char *who, const char *buttons)
{
	gchar *number = g_strdup_printf("%u", GPOINTER_TO_UINT(id));
	emit("dialogue", "id", number, "kind", kind, "title", title, "primary", primary,
	     "secondary", secondary, "who", who, "buttons", buttons, NULL);
	g_free(number);
}

static void *ok_or_cancel(PurpleRequestType type, const char *kind, const char *title,
                          const char *primary, const char *secondary, const char *ok_text,
                          GCallback ok, const char *cancel_text, GCallback cancel,
                          const char *who, void *fields, void *data)
{
	struct dialogue *dialogue = new_dialogue(type, data);
	gchar *buttons = g_strdup_printf("%s|%s", ok_text, cancel_text);
	void *id;

	dialogue->fields = fields;
	g_ptr_array_add(dialogue->buttons, (gpointer)ok);
	g_ptr_array_add(dialogue->buttons, (gpointer)cancel);
	id = open_dialogue(dialogue);
	show_dialogue(id, kind, title, primary, secondary, who, buttons);
	g_free(buttons);
	return id;
}

static void *request_input(const char *title, const char *primary, const char *secondary,
                           const char *value, gboolean multiline, gboolean masked, gchar *hint,
                           const char *ok_text, GCallback ok, const char *cancel_text,
                           GCallback cancel, PurpleAccount *a, const char *who,
                           PurpleConversation *conv, void *data)
{
	return ok_or_cancel(PURPLE_REQUEST_INPUT, "input", title, primary, secondary, ok_text, ok,
	                    cancel_text, cancel, who, NULL, data);
}

static void *request_fields(const char *title, const char *primary, const char *secondary,
                            PurpleRequestFields *fields, const char *ok_text, GCallback ok,
                            const char *cancel_text, GCallback cancel, PurpleAccount *a,
                            const char *who, PurpleConversation *conv, void *data)
{
	return ok_or_cancel(PURPLE_REQUEST_FIELDS, "fields", title, primary, secondary, ok_text, ok,
	                    cancel_text, cancel, who, fields, data);
}

static void *request_action(const char *title, const char *primary, const char *secondary,
                            int preselected, PurpleAccount *a, const char *who,
                            PurpleConversation *conv, void *data, size_t count, va_list actions)
{
	struct dialogue *dialogue = new_dialogue(PURPLE_REQUEST_ACTION, data);
	GString *buttons = g_string_new(NULL);
	void *id;

	for (size_t i = 0; i < count; i++) {
		g_string_append_printf(buttons, "%s%s", i ? "|" : "", va_arg(actions, const char *));
		g_ptr_array_add(dialogue->buttons, va_arg(actions, gpointer));
	}
	id = open_dialogue(dialogue);
	show_dialogue(id, "action", title, primary, secondary, who, buttons->str);
	g_string_free(buttons, TRUE);
	return id;
}

static void *request_action_with_icon(const char *title, const char *primary,
                                      const char *secondary, int preselected, PurpleAccount *a,
                                      const char *who, PurpleConversation *conv,
                                      gconstpointer icon, gsize size, void *data, size_t count,
                                      va_list actions)
{
	return request_action(title, primary, secondary, preselected, a, who, conv, data, count,
	                      actions);
}

static void *request_authorize(PurpleAccount *a, const char *who, const char *id,
                               const char *alias, const char *message, gboolean on_list,
                               PurpleAccountRequestAuthorizationCb accept,
                               PurpleAccountRequestAuthorizationCb deny, void *data)
{
	struct dialogue *dialogue = new_dialogue(-1, data);
	void *number;

	g_ptr_array_add(dialogue->buttons, accept);
	g_ptr_array_add(dialogue->buttons, deny);
	number = open_dialogue(dialogue);
	show_dialogue(number, "authorize", alias, on_list ? "listed" : "unlisted", message, who,
	              "Authorize|Deny");
	return number;
}

static void close_dialogue(void *id)
{
	struct dialogue *dialogue = g_hash_table_lookup(dialogues, id);

	if (dialogue) {
		gchar *number = g_strdup_printf("%u", GPOINTER_TO_UINT(id));
		emit("dialogue-closed", "id", number, NULL);
		g_free(number);
		g_hash_table_remove(dialogues, id);
		g_ptr_array_free(dialogue->buttons, TRUE);
		g_free(dialogue);
	}
}

static void close_request(PurpleRequestType type, void *id)
{
	close_dialogue(id);
}

void answer_dialogue(void *id, guint button, const char *text)
{
	struct dialogue *dialogue = g_hash_table_lookup(dialogues, id);
	gpointer callback;

	if (!dialogue || button >= dialogue->buttons->len) {
		emit("refused", "why", "no such dialogue or button", NULL);
		return;
	}
	callback = g_ptr_array_index(dialogue->buttons, button);
	if (!callback)
		;
	else if (dialogue->type == PURPLE_REQUEST_ACTION)
		((PurpleRequestActionCb)callback)(dialogue->data, button);
	else if (dialogue->type == PURPLE_REQUEST_INPUT)
		((PurpleRequestInputCb)callback)(dialogue->data, text);
	else if (dialogue->type == PURPLE_REQUEST_FIELDS)
		((PurpleRequestFieldsCb)callback)(dialogue->data, dialogue->fields);
	else
		((PurpleAccountRequestAuthorizationCb)callback)(dialogue->data);
	if (dialogue->type == (PurpleRequestType)-1)
		close_dialogue(id);
	else
		purple_request_close(dialogue->type, id);
}


static void notify_added(PurpleAccount *a, const char *who, const char *id, const char *alias,
                         const char *message)
{
	emit("added-by", "name", who, "message", message, NULL);
}

static PurpleRequestUiOps request_ops = {
	.request_input = request_input,
	.request_fields = request_fields,
	.request_action = request_action,
	.request_action_with_icon = request_action_with_icon,
	.close_request = close_request,
};

static PurpleAccountUiOps account_ops = {
	.notify_added = notify_added,
	.request_authorize = request_authorize,
	.close_account_request = close_dialogue,
};

void init_dialogues(void)
{
	dialogues = g_hash_table_new(NULL, NULL);
	purple_request_set_ui_ops(&request_ops);
	purple_accounts_set_ui_ops(&account_ops);
}
