/* Events: one JSON object a line, every value a string. */

#include "driver.h"

#include <stdio.h>

static void put_string(const char *text)
{
	gchar *valid = g_utf8_make_valid(text ? text : "", -1);
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)valid; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
	g_free(valid);
}

/* One event: its name, then keys and values up to NULL. */
void emit(const char *event, ...)
{
	va_list fields;
	const char *key;

	printf("{\"event\":");
	put_string(event);
	va_start(fields, event);
	while ((key = va_arg(fields, const char *))) {
		putchar(',');
		put_string(key);
		putchar(':');
		put_string(va_arg(fields, const char *));
	}
	va_end(fields);
	puts("}");
	fflush(stdout);
}

void emit_buddy(const char *event, PurpleBuddy *buddy)
{
	PurplePresence *presence = purple_buddy_get_presence(buddy);
	PurpleStatus *status = purple_presence_get_active_status(presence);
	PurpleGroup *group = purple_buddy_get_group(buddy);
	const char *message = purple_status_get_attr_string(status, "message");
	gchar *idle = NULL;

	if (purple_presence_is_idle(presence))
		idle = g_strdup_printf("%ld", (long)(time(NULL) - purple_presence_get_idle_time(presence)));
	emit(event, "name", purple_buddy_get_name(buddy),
	     "group", group ? purple_group_get_name(group) : "",
	     "alias", purple_buddy_get_alias(buddy),
	     "online", PURPLE_BUDDY_IS_ONLINE(buddy) ? "yes" : "no",
	     "show", purple_primitive_get_id_from_type(
	                 purple_status_type_get_primitive(purple_status_get_type(status))),
	     "status", message, "idle", idle, NULL);
	g_free(idle);
}

