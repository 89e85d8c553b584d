/* What libpurple would show outside dialogues, as events. */

#include "driver.h"

static void write_conv(PurpleConversation *conv, const char *name, const char *alias,
                       const char *message, PurpleMessageFlags flags, time_t when)
{
	gchar *plain = purple_markup_strip_html(message);
	gchar *at = g_strdup_printf("%ld", (long)when);
	const char *event = flags & PURPLE_MESSAGE_ERROR  ? "error"
	                    : flags & PURPLE_MESSAGE_RECV ? "im"
	                    : flags & PURPLE_MESSAGE_SEND ? "sent"
	                                                  : "system";

	emit(event, "name", purple_conversation_get_name(conv), "who", name, "html", message,
	     "text", plain, "auto", flags & PURPLE_MESSAGE_AUTO_RESP ? "yes" : "no",
	     "delayed", flags & PURPLE_MESSAGE_DELAYED ? "yes" : "no", "at", at, NULL);
	g_free(at);
	g_free(plain);
}

static void *notify_message(PurpleNotifyMsgType type, const char *title, const char *primary,
                            const char *secondary)
{
	emit("notify", "title", title, "primary", primary, "secondary", secondary, NULL);
	return NULL;
}

static void *notify_userinfo(PurpleConnection *gc, const char *who, PurpleNotifyUserInfo *info)
{
	gchar *html = purple_notify_user_info_get_text_with_newline(info, "\n");
	gchar *text = purple_markup_strip_html(html);
	emit("info", "name", who, "text", text, NULL);
	g_free(text);
	g_free(html);
	return NULL;
}

static void on_connected(PurpleConnection *gc)
{
	emit("connected", "name", purple_account_get_username(purple_connection_get_account(gc)), NULL);
}

static void on_disconnected(PurpleConnection *gc)
{
	emit("disconnected", NULL);
}

static void on_disconnect_reason(PurpleConnection *gc, PurpleConnectionError reason,
                                 const char *text)
{
	emit("connection-error", "text", text, NULL);
}

static void on_buddy(PurpleBuddy *buddy)
{
	emit_buddy("buddy", buddy);
}

static void on_status(PurpleBuddy *buddy, PurpleStatus *before, PurpleStatus *after)
{
	emit_buddy("buddy", buddy);
}

static void on_idle(PurpleBuddy *buddy, gboolean before, gboolean after)
{
	emit_buddy("buddy", buddy);
}

static void on_typing(PurpleAccount *a, const char *name, gpointer state)
{
	emit("typing", "name", name, "state", state, NULL);
}

static PurpleConversationUiOps conversation_ops = { .write_conv = write_conv };
static PurpleNotifyUiOps notify_ops = {
	.notify_message = notify_message,
	.notify_userinfo = notify_userinfo,
};
static PurpleConnectionUiOps connection_ops = {
	.connected = on_connected,
	.disconnected = on_disconnected,
	.report_disconnect_reason = on_disconnect_reason,
};
static void connect_signals(void)
{
	static int handle;
	void *buddies = purple_blist_get_handle(), *talks = purple_conversations_get_handle();

	purple_signal_connect(buddies, "buddy-signed-on", &handle, G_CALLBACK(on_buddy), NULL);
	purple_signal_connect(buddies, "buddy-signed-off", &handle, G_CALLBACK(on_buddy), NULL);
	purple_signal_connect(buddies, "buddy-status-changed", &handle, G_CALLBACK(on_status), NULL);
	purple_signal_connect(buddies, "buddy-idle-changed", &handle, G_CALLBACK(on_idle), NULL);
	purple_signal_connect(talks, "buddy-typing", &handle, G_CALLBACK(on_typing), "typing");
	purple_signal_connect(talks, "buddy-typed", &handle, G_CALLBACK(on_typing), "paused");
	purple_signal_connect(talks, "buddy-typing-stopped", &handle, G_CALLBACK(on_typing), "no");
}

void init_windows(void)
{
	purple_conversations_set_ui_ops(&conversation_ops);
	purple_notify_set_ui_ops(&notify_ops);
	purple_connections_set_ui_ops(&connection_ops);
	connect_signals();
}
