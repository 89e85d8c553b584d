// Words: texts of people as nodes, and what the page says of itself.

import { element } from './nodes.js';

/** Addresses that may be opened. Others, such as javascript:, stay words. */
const SAFE = /^(https?:\/\/|mailto:|sips?:|tel:|xmpp:)/i;
const LINK = /\b(?:https?:\/\/|(?:sips?|tel|xmpp):)[^\s<>"]+/gi;
const STYLES = [['bold', 'strong'], ['italic', 'em'], ['underline', 'u'], ['strike', 's']];

/** The nodes of a text. One's own links stay words: a file's link works once, for the other. */
export function nodesOf({ text, runs, mine }) {
  return (runs?.length ? runs : [{ text }]).flatMap((run) => {
    let nodes = mine ? [run.text] : run.link ? linkOf(run) : linked(run.text);
    for (const [flag, tag] of STYLES) {
      if (run[flag]) nodes = [element(tag, {}, ...nodes)];
    }
    return nodes;
  });
}

function anchor(href, words) {
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer' }, words);
}

/** A run that leads somewhere, with where that is, if the words do not say it. */
function linkOf({ text, link }) {
  if (!SAFE.test(link)) return linked(text);
  return text === link ? [anchor(link, text)] : [anchor(link, text), ` (${link})`];
}

/** The addresses in a plain text, as links. */
function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = withoutEnd(match[0]);
    nodes.push(text.slice(end, match.index), anchor(link, link));
    end = match.index + link.length;
  }
  return [...nodes, text.slice(end)];
}

/** A link without the marks behind it, which belong to the sentence. A pattern would begin anew at each mark. */
function withoutEnd(link) {
  let end = link.length;
  while (end > 0 && '.,;:!?)]'.includes(link[end - 1])) end -= 1;
  return link.slice(0, end);
}

const SHOWS = {
  chatty: 'online, glad to talk',
  available: 'online',
  busy: 'busy',
  away: 'away',
  'extended-away': 'away for long',
  offline: 'offline',
};

/** How somebody is, in words. */
export function presenceWords(contact) {
  if (!contact) return 'not in your list';
  if (contact.blocked) return 'blocked';
  if (contact.sees === 'asked') return 'has not answered yet whether you may see when they are online';
  if (contact.sees === 'none') return 'does not show you when they are online';
  const { show, text } = contact.presence;
  return text ? `${SHOWS[show]}: ${text}` : SHOWS[show];
}

/** What became of a message of one's own, in words. */
export function stateWords({ state, note }) {
  switch (state) {
    case 'sending': return note ?? 'Sending…';
    case 'pending': return 'On its way';
    case 'delivered': return 'Delivered';
    case 'displayed': return 'Seen';
    case 'kept': return 'Waits until they are there';
    default: return `Not delivered: ${note}`;
  }
}

/** A time of day, with the date if it was another day. */
export function timeWords(at) {
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  const time = { hour: '2-digit', minute: '2-digit' };
  return today
    ? then.toLocaleTimeString([], time)
    : then.toLocaleString([], { ...time, month: 'short', day: 'numeric' });
}

/** A number of bytes, for people. */
export function sizeWords(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1 ? `${Math.ceil(bytes / 1024)} KiB` : `${mebibytes.toFixed(1)} MiB`;
}
