// Everything that the page knows of one signed-in person, and what events do to it.

import { History } from './history.js';

/** How long somebody is shown to type who was not heard to have stopped. */
const TYPING = 60_000;

/** Tells `people` when the list is to be drawn anew, and `talk` when the conversation with `name` is. */
export class Chat extends EventTarget {
  contacts = new Map();
  unread = new Map();
  /** With whom the person talks now. */
  open = null;
  #typing = new Map();

  constructor(who) {
    super();
    this.who = who;
    this.history = new History(who);
    this.#giveUp();
    addEventListener('storage', ({ key }) => {
      const name = this.history.changed(key);
      if (name !== null) this.#drawn(name);
    });
  }

  /** Everybody whom the list shows: contacts, and others with whom something was said. */
  get names() {
    return [...new Set([...this.contacts.keys(), ...this.history.names])];
  }

  /** The name that is shown for somebody. */
  label(name) {
    return this.contacts.get(name)?.alias ?? name;
  }

  isTyping(name) {
    return (this.#typing.get(name) ?? 0) > Date.now();
  }

  /** Opens the conversation with somebody, or none. */
  choose(name) {
    this.open = name;
    this.unread.delete(name);
    this.#drawn(name);
  }

  /** Takes in all contacts. */
  setContacts(contacts) {
    this.contacts = new Map(contacts.map((contact) => [contact.name, contact]));
    this.#drawn(this.open);
  }

  /** Adds a message of one's own, or changes it. */
  put(name, entry) {
    this.history.put(name, entry);
    this.#drawn(name);
  }

  /** Takes in an event of the stream. */
  heard(event) {
    const name = event.from ?? event.to ?? event.name;
    this[`on_${event.type}`]?.(name, event);
    if (event.id) this.history.cursor = event.id;
    this.#drawn(name);
  }

  on_contact(name, { type, ...contact }) {
    const { listed, blocked, sees, is_seen: isSeen } = contact;
    const isNobody = !listed && !blocked && sees === 'none' && isSeen === 'none';
    if (isNobody) this.contacts.delete(name);
    else this.contacts.set(name, contact);
  }

  on_message(name, { id, text, runs, sent_at: at, message, replaces, auto }) {
    this.#typing.delete(name);
    const corrected = replaces
      && this.history.change(name, (entry) => !entry.mine && entry.message === replaces, { text, runs, edited: true });
    if (!corrected) this.#came(name, { key: `event ${id}`, text, runs, at, message, auto });
  }

  on_nudge(name, { id, sent_at: at }) {
    this.#came(name, { key: `event ${id}`, text: 'calls for your attention', at, isNotice: true });
  }

  on_undelivered(name, { message, detail }) {
    this.history.change(name, (entry) => entry.message === message, { state: 'undelivered', note: detail });
  }

  on_receipt(name, { message, displayed }) {
    const state = displayed ? 'displayed' : 'delivered';
    this.history.change(name, (entry) => entry.mine && entry.message === message, { state });
  }

  on_typing(name, { state }) {
    if (state === 'active') this.#typing.set(name, Date.now() + TYPING);
    else this.#typing.delete(name);
  }

  /** Marks what an earlier page was still sending when it was closed. */
  #giveUp() {
    const note = 'the page was closed before the gateway answered';
    const isSending = ({ state }) => state === 'sending';
    for (const name of this.history.names) {
      while (this.history.change(name, isSending, { state: 'undelivered', note }));
    }
  }

  #came(name, entry) {
    const isNew = !this.history.entries(name).some(({ key }) => key === entry.key);
    this.history.put(name, entry);
    const isSeen = this.open === name && document.visibilityState === 'visible';
    if (isNew && !isSeen) this.unread.set(name, (this.unread.get(name) ?? 0) + 1);
  }

  #drawn(name) {
    const count = [...this.unread.values()].reduce((sum, n) => sum + n, 0);
    document.title = count ? `(${count}) CrossTalk` : 'CrossTalk';
    this.dispatchEvent(new Event('people'));
    this.dispatchEvent(Object.assign(new Event('talk'), { name }));
  }
}
