/* A person at a libpurple client, as a program: lines in, JSON events out.
 *
 *   purple USER-DIRECTORY PLUGIN-DIRECTORY...
 *
 * A line is a command and its arguments, parted by tabs; "\n", "\t" and "\\" stand for
 * themselves inside one. Everything libpurple would show in a window becomes an event, and a
 * dialogue is answered by the number of the button the person would click. */

#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UI "crosstalk-interop"

static GMainLoop *mainloop;
static PurpleAccount *account;

/* ---- commands ---------------------------------------------------------------------------- */

static PurpleConversation *conversation(const char *name)
{
	PurpleConversation *conv =
	    purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, name, account);
	return conv ? conv : purple_conversation_new(PURPLE_CONV_TYPE_IM, account, name);
}

static void add(const char *name, const char *group_name, const char *alias, const char *message)
{
	PurpleGroup *group = purple_find_group(group_name);
	PurpleBuddy *buddy = purple_buddy_new(account, name, *alias ? alias : NULL);

	if (!group) {
		group = purple_group_new(group_name);
		purple_blist_add_group(group, NULL);
	}
	purple_blist_add_buddy(buddy, NULL, group, NULL);
	purple_account_add_buddy_with_invite(account, buddy, *message ? message : NULL);
}

static void remove_buddy(const char *name)
{
	PurpleBuddy *buddy = purple_find_buddy(account, name);

	if (!buddy) {
		emit("refused", "why", "no such buddy", NULL);
		return;
	}
	purple_account_remove_buddy(account, buddy, purple_buddy_get_group(buddy));
	purple_blist_remove_buddy(buddy);
}

static void list(void)
{
	GSList *buddies = purple_find_buddies(account, NULL);

	for (GSList *i = buddies; i; i = i->next)
		emit_buddy("listed", i->data);
	g_slist_free(buddies);
	emit("list-end", NULL);
}

static void set_show(PurpleStatusPrimitive primitive, const char *message)
{
	PurpleStatusType *type = purple_account_get_status_type_with_primitive(account, primitive);

	if (type)
		purple_account_set_status(account, purple_status_type_get_id(type), TRUE, "message",
		                          message, NULL);
	else
		emit("refused", "why", "no such status", NULL);
}

static void set_idle(long seconds)
{
	PurplePresence *presence = purple_account_get_presence(account);
	purple_presence_set_idle(presence, seconds > 0, seconds > 0 ? time(NULL) - seconds : 0);
}

static void set_proxy(const char *host, const char *port)
{
	PurpleProxyInfo *proxy = purple_proxy_info_new();

	purple_proxy_info_set_type(proxy, PURPLE_PROXY_SOCKS5);
	purple_proxy_info_set_host(proxy, host);
	purple_proxy_info_set_port(proxy, atoi(port));
	purple_account_set_proxy_info(account, proxy);
}

static void set_account(const char *protocol, const char *user, const char *password)
{
	PurpleProxyInfo *direct = purple_proxy_info_new();

	account = purple_account_new(user, protocol);
	purple_account_set_password(account, password);
	purple_account_set_remember_password(account, TRUE); /* for the next sign-on */
	purple_proxy_info_set_type(direct, PURPLE_PROXY_NONE);
	purple_account_set_proxy_info(account, direct);
	purple_accounts_add(account);
}

static void move(const char *name, const char *group_name)
{
	PurpleBuddy *buddy = purple_find_buddy(account, name);
	PurpleGroup *group = purple_find_group(group_name);

	if (!group) {
		group = purple_group_new(group_name);
		purple_blist_add_group(group, NULL);
	}
	if (buddy)
		purple_blist_add_buddy(buddy, NULL, group, NULL);
	else
		emit("refused", "why", "no such buddy", NULL);
}

static void rename_buddy(const char *name, const char *alias)
{
	PurpleBuddy *buddy = purple_find_buddy(account, name);

	if (buddy) {
		purple_blist_alias_buddy(buddy, alias);
		serv_alias_buddy(buddy);
	} else {
		emit("refused", "why", "no such buddy", NULL);
	}
}

static PurpleTypingState typing_state(const char *name)
{
	return strcmp(name, "typing") == 0  ? PURPLE_TYPING
	       : strcmp(name, "paused") == 0 ? PURPLE_TYPED
	                                     : PURPLE_NOT_TYPING;
}

/* Runs one command; missing arguments are empty. */
static void command(gchar **arg)
{
	const char *a[5] = { "", "", "", "", "" };

	for (int i = 0; i < 5 && arg[i]; i++)
		a[i] = arg[i];
#define IS(name) (strcmp(a[0], name) == 0)
	if (IS("account"))
		set_account(a[1], a[2], a[3]);
	else if (IS("quit"))
		g_main_loop_quit(mainloop);
	else if (!account)
		emit("refused", "why", "no account yet", NULL);
	else if (IS("proxy"))
		set_proxy(a[1], a[2]);
	else if (IS("string"))
		purple_account_set_string(account, a[1], a[2]);
	else if (IS("number"))
		purple_account_set_int(account, a[1], atoi(a[2]));
	else if (IS("flag"))
		purple_account_set_bool(account, a[1], strcmp(a[2], "yes") == 0);
	else if (IS("trust"))
		purple_certificate_add_ca_search_path(a[1]);
	else if (IS("online"))
		purple_account_set_enabled(account, UI, TRUE);
	else if (IS("offline"))
		purple_account_set_enabled(account, UI, FALSE);
	else if (IS("add"))
		add(a[1], a[2], a[3], a[4]);
	else if (IS("remove"))
		remove_buddy(a[1]);
	else if (IS("move"))
		move(a[1], a[2]);
	else if (IS("alias"))
		rename_buddy(a[1], a[2]);
	else if (IS("list"))
		list();
	else if (IS("answer"))
		answer_dialogue(GUINT_TO_POINTER(atoi(a[1])), atoi(a[2]), a[3]);
	else if (IS("available"))
		set_show(PURPLE_STATUS_AVAILABLE, a[1]);
	else if (IS("away"))
		set_show(PURPLE_STATUS_AWAY, a[1]);
	else if (IS("invisible"))
		set_show(PURPLE_STATUS_INVISIBLE, a[1]);
	else if (IS("idle"))
		set_idle(atol(a[1]));
	else if (!purple_account_is_connected(account))
		emit("refused", "why", "not connected", NULL);
	else if (IS("im"))
		purple_conv_im_send(PURPLE_CONV_IM(conversation(a[1])), a[2]);
	else if (IS("typing"))
		serv_send_typing(purple_account_get_connection(account), a[1], typing_state(a[2]));
	else if (IS("info"))
		serv_get_info(purple_account_get_connection(account), a[1]);
	else
		emit("refused", "why", "unknown command", NULL);
#undef IS
}

static gboolean read_line(GIOChannel *in, GIOCondition condition, gpointer data)
{
	gchar *line = NULL;
	gsize end = 0;
	gchar **arg;

	if (g_io_channel_read_line(in, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL) {
		g_main_loop_quit(mainloop);
		return FALSE;
	}
	line[end] = '\0';
	arg = g_strsplit(line, "\t", -1);
	for (gchar **i = arg; *i; i++) {
		gchar *plain = g_strcompress(*i);
		g_free(*i);
		*i = plain;
	}
	command(arg);
	g_strfreev(arg);
	g_free(line);
	return TRUE;
}

/* ---- libpurple on glib's main loop ------------------------------------------------------- */

struct watch {
	PurpleInputFunction function;
	gpointer data;
};

static gboolean on_input(GIOChannel *channel, GIOCondition condition, gpointer data)
{
	struct watch *watch = data;
	PurpleInputCondition what = 0;

	if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		what |= PURPLE_INPUT_READ;
	if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
		what |= PURPLE_INPUT_WRITE;
	watch->function(watch->data, g_io_channel_unix_get_fd(channel), what);
	return TRUE;
}

static guint input_add(gint fd, PurpleInputCondition want, PurpleInputFunction function,
                       gpointer data)
{
	struct watch *watch = g_new0(struct watch, 1);
	GIOChannel *channel = g_io_channel_unix_new(fd);
	GIOCondition condition = 0;
	guint id;

	watch->function = function;
	watch->data = data;
	if (want & PURPLE_INPUT_READ)
		condition |= G_IO_IN | G_IO_HUP | G_IO_ERR;
	if (want & PURPLE_INPUT_WRITE)
		condition |= G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL;
	id = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, condition, on_input, watch, g_free);
	g_io_channel_unref(channel);
	return id;
}

static PurpleEventLoopUiOps event_loop = {
	.timeout_add = g_timeout_add,
	.timeout_remove = g_source_remove,
	.input_add = input_add,
	.input_remove = g_source_remove,
	.timeout_add_seconds = g_timeout_add_seconds,
};

static void ui_init(void)
{
	init_windows();
	init_dialogues();
}

static PurpleCoreUiOps core_ops = { .ui_init = ui_init };

int main(int argc, char **argv)
{
	GIOChannel *in = g_io_channel_unix_new(0);

	if (argc < 2) {
		fprintf(stderr, "usage: purple USER-DIRECTORY PLUGIN-DIRECTORY...\n");
		return 2;
	}
	mainloop = g_main_loop_new(NULL, FALSE);
	purple_util_set_user_dir(argv[1]);
	for (int i = 2; i < argc; i++)
		purple_plugins_add_search_path(argv[i]);
	purple_debug_set_enabled(getenv("PURPLE_DEBUG") != NULL);
	purple_core_set_ui_ops(&core_ops);
	purple_eventloop_set_ui_ops(&event_loop);
	if (!purple_core_init(UI)) {
		fprintf(stderr, "libpurple did not start\n");
		return 1;
	}
	purple_set_blist(purple_blist_new());
	purple_blist_load();
	/* Idle time is what the commands say, and conversations leave no files behind. */
	purple_prefs_set_string("/purple/away/idle_reporting", "none");
	purple_prefs_set_bool("/purple/away/away_when_idle", FALSE);
	purple_prefs_set_bool("/purple/logging/log_ims", FALSE);
	g_io_channel_set_encoding(in, NULL, NULL);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP, read_line, NULL);
	emit("ready", "version", purple_core_get_version(), NULL);
	g_main_loop_run(mainloop);
	purple_core_quit();
	return 0;
}
