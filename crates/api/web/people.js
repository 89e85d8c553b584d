// The list of people: who asks, contacts, and others with whom something was said.

import { call, contactPath } from './calls.js';
import { button, element, find } from './nodes.js';
import { presenceWords } from './words.js';

/** Shows the list, and keeps it as things are. */
export function showPeople(chat) {
  // Once however much is heard at a time: each drawing takes as long as the list is.
  let isDue = false;
  chat.addEventListener('people', () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw(chat);
    });
  });
  find('add').onsubmit = async (event) => {
    event.preventDefault();
    const name = find('whom').value.trim();
    if (await tried('people-note', () => add(chat, name))) find('whom').value = '';
  };
  draw(chat);
}

/** Puts somebody into the list, and asks to see when that one is online. */
export async function add(chat, name) {
  const contact = await call(`PUT ${contactPath(name)}`, { alias: null, groups: [] });
  if (contact.sees === 'none') {
    await call(`POST ${contactPath(contact.name, '/consent')}`, { step: 'request' });
  }
  chat.choose(contact.name);
}

/** Takes a step of consent. */
export const step = (name, taken) =>
  call(`POST ${contactPath(name, '/consent')}`, { step: taken });

/** Does something, and says in the note what went wrong. Returns whether it is done. */
export async function tried(note, act) {
  find(note).textContent = '';
  try {
    await act();
    return true;
  } catch (problem) {
    find(note).textContent = problem.message;
    return false;
  }
}

function draw(chat) {
  const focused = document.activeElement?.dataset?.name;
  const asking = chat.names.filter((name) => asks(chat.contacts.get(name)));
  const rows = chat.names.filter((name) => !onlyAsks(chat, name))
    .map((name) => [rank(chat, name), chat.label(name), name]).sort();
  find('people').replaceChildren(
    ...asking.map((name) => askingRow(chat, name)),
    ...rows.map(([, , name]) => row(chat, name)),
  );
  if (focused) find('people').querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

const asks = (contact) => contact?.is_seen === 'asked' && !contact.blocked;
const onlyAsks = (chat, name) => asks(chat.contacts.get(name))
  && !chat.contacts.get(name).listed && chat.history.entries(name).length === 0;
const isThere = (contact) => (contact?.presence.show ?? 'offline') !== 'offline';

/** Who waits for an answer comes first, then those who are online. */
function rank(chat, name) {
  if (chat.unread.has(name)) return 0;
  return isThere(chat.contacts.get(name)) ? 1 : 2;
}

function askingRow(chat, name) {
  const words = chat.contacts.get(name).words;
  const asked = `${chat.label(name)} asks to see when you are online${words ? `: ${words}` : '.'}`;
  const answer = (taken) => () => tried('people-note', () => step(name, taken));
  return element('li', { className: 'asking' },
    element('p', {}, asked), button('Allow', answer('grant')), button('Refuse', answer('revoke')));
}

function row(chat, name) {
  const contact = chat.contacts.get(name);
  const count = chat.unread.get(name);
  const there = isThere(contact) ? contact.presence.show : 'offline';
  const shown = button('', () => chat.choose(name));
  shown.dataset.name = name;
  if (chat.open === name) shown.setAttribute('aria-current', 'true');
  shown.append(
    element('span', { className: `dot ${there}`, 'aria-hidden': 'true' }),
    element('span', { className: 'name' }, chat.label(name)),
    element('span', { className: 'quiet' }, presenceWords(contact)),
    ...(count ? [element('span', { className: 'count' }, `${count} new`)] : []),
  );
  return element('li', {}, shown);
}
