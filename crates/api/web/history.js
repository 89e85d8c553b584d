// What was said, kept in this browser until the person signs out.

/** The most messages of one conversation that are kept. */
const MOST = 200;

export class History {
  #prefix;
  /** Conversations as they are stored; also where the browser has no room, or keeps nothing. */
  #read = new Map();

  constructor(who) {
    this.#prefix = `crosstalk ${who} `;
  }

  /** The number of the last event that is in here. */
  get cursor() {
    return Number(localStorage.getItem(`${this.#prefix}cursor`)) || 0;
  }

  set cursor(id) {
    this.#store('cursor', String(id));
  }

  /** The names of those with whom something was said. */
  get names() {
    const stored = Object.keys(localStorage).map((key) => this.nameOf(key));
    return new Set([...stored.filter((name) => name !== null), ...this.#read.keys()]);
  }

  /** The messages from and to somebody, the oldest first. */
  entries(name) {
    if (!this.#read.has(name)) {
      const stored = localStorage.getItem(`${this.#prefix}with ${name}`);
      this.#read.set(name, stored ? JSON.parse(stored) : []);
    }
    return this.#read.get(name);
  }

  /** Adds a message, in place of the one that has its key. */
  put(name, entry) {
    const entries = [...this.entries(name)];
    const at = entries.findIndex(({ key }) => key === entry.key);
    if (at < 0) entries.push(entry);
    else entries[at] = entry;
    this.#read.set(name, entries.slice(-MOST));
    this.#store(`with ${name}`, JSON.stringify(entries.slice(-MOST)));
  }

  /** Changes the newest message that `is` finds. Returns whether there was one. */
  change(name, is, changes) {
    const entry = this.entries(name).findLast(is);
    if (entry) this.put(name, { ...entry, ...changes });
    return entry !== undefined;
  }

  /** Notes that another tab changed what is stored under a key. Gives whose conversation it is, or null. */
  changed(key) {
    const name = this.nameOf(key);
    if (name !== null) this.#read.delete(name);
    return name;
  }

  nameOf(key) {
    const start = `${this.#prefix}with `;
    return key?.startsWith(start) ? key.slice(start.length) : null;
  }

  /** Forgets everything. */
  forget() {
    this.#read.clear();
    const own = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
    own.forEach((key) => localStorage.removeItem(key));
  }

  #store(key, value) {
    try {
      localStorage.setItem(this.#prefix + key, value);
    } catch {
      // The browser has no room: the page shows it until it is closed.
    }
  }
}
