// Saying something: texts, files and invitations to calls. What becomes of it stands next to it.

import { Problem, ask, call } from './calls.js';
import { sizeWords } from './words.js';

/** The largest file that the gateway takes, in bytes. */
const LARGEST = 32 * 2 ** 20;
/** Longest wait for a file to go to the gateway: as long as it waits for one. */
const PATIENCE = 300_000;
/** Files that are not sent yet, by the key of their message, to be tried again. */
const files = new Map();

/** Says a text. */
export function say(chat, name, text) {
  return attempt(chat, name, begun({ text, is: 'text' }));
}

/** Offers a file: the other gets a link that works once. */
export function offer(chat, name, file) {
  const entry = begun({ text: `${file.name} (${sizeWords(file.size)})`, is: 'file' });
  files.set(entry.key, file);
  return attempt(chat, name, entry);
}

/** Invites somebody to a call. */
export function invite(chat, name, link) {
  return attempt(chat, name, begun({ text: `You invite to a call: ${link}`, is: 'call', link }));
}

/** Says again what did not arrive. */
export function again(chat, name, entry) {
  return attempt(chat, name, entry);
}

/** Whether it can be said again: a file only while the page has it. */
export function canTryAgain({ is, state, key }) {
  return state === 'undelivered' && (is !== 'file' || files.has(key));
}

function begun(entry) {
  const key = crypto.randomUUID();
  return { key, once: key, mine: true, at: Date.now(), ...entry };
}

async function attempt(chat, name, entry) {
  const put = (changes) => {
    entry = { ...entry, note: undefined, ...changes };
    chat.put(name, entry);
  };
  put({ state: 'sending' });
  try {
    const { state, message, detail } = await WAYS[entry.is](name, entry, put);
    // What nobody answered is tried again as the same message, so that it is said once. What became
    // of this one is known: another try is another message.
    put({ state, message, note: detail, once: crypto.randomUUID() });
    if (state !== 'undelivered') files.delete(entry.key);
  } catch (problem) {
    const words = problem instanceof Problem ? problem.message : `${problem}`;
    put({ state: 'undelivered', note: words });
  }
}

const WAYS = {
  text: (name, { once, text }) => message(name, once, { text }),

  async file(name, entry, put) {
    const file = files.get(entry.key);
    if (file.size > LARGEST) throw new Problem(413, `a file is ${sizeWords(LARGEST)} at most`);
    let { link } = entry;
    if (!link) {
      put({ state: 'sending', note: 'The file goes to the gateway…' });
      const answer = await ask(`POST /v1/files?name=${encodeURIComponent(file.name)}`, {
        body: file,
        headers: { 'Content-Type': file.type || 'application/octet-stream' },
        signal: AbortSignal.timeout(PATIENCE),
      });
      ({ link } = await answer.json());
      // It is kept with the message: another try goes with the same link, as the same message.
      put({ state: 'sending', link });
    }
    const runs = [{ text: `${entry.text}: ` }, { text: link, link }];
    return message(name, entry.once, { runs });
  },

  call: (name, { link }) => call('POST /v1/calls', { to: name, link }),
};

/** Sends a message, once however often it is tried. */
function message(name, once, text) {
  return call('POST /v1/messages', { to: name, ...text }, { 'Idempotency-Key': once });
}
