// The conversation with one person.

import { call, contactPath } from './calls.js';
import { button, element, find } from './nodes.js';
import { add, step, tried } from './people.js';
import { again, canTryAgain, invite, offer, say } from './saying.js';
import { nodesOf, presenceWords, stateWords, timeWords } from './words.js';

/** How often the other is told that one types, and when one has stopped. */
const STILL_TYPING = 5000;
const STOPPED = 8000;

/** Shows the conversation that is open, and keeps it as things are. */
export function showConversation(chat) {
  let shown = null;
  chat.addEventListener('talk', ({ name }) => {
    const isOther = shown !== chat.open;
    if (!isOther && name !== chat.open) return;
    shown = chat.open;
    draw(chat, isOther);
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && chat.open) chat.choose(chat.open);
  });
  const typing = tellTyping(chat);
  find('composer').onsubmit = (event) => {
    event.preventDefault();
    const text = find('words').value;
    if (!text.trim()) return;
    find('words').value = '';
    typing.sent();
    say(chat, chat.open, text);
  };
  find('words').oninput = typing.typed;
  find('words').onkeydown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    find('composer').requestSubmit();
  };
  find('offer').onclick = () => find('file').click();
  find('file').onchange = () => {
    const [file] = find('file').files;
    if (file) offer(chat, chat.open, file);
    find('file').value = '';
  };
  find('back').onclick = () => chat.choose(null);
  find('call-off').onclick = () => find('call').close();
  find('call-form').onsubmit = (event) => {
    event.preventDefault();
    find('call').close();
    invite(chat, chat.open, find('room').value.trim());
  };
  draw(chat, true);
}

function draw(chat, isOther) {
  const name = chat.open;
  find('chat').classList.toggle('talking', name !== null);
  find('nobody').hidden = name !== null;
  find('talk').hidden = name === null;
  if (name === null) return;
  find('with').textContent = chat.label(name);
  const contact = chat.contacts.get(name);
  find('how').textContent = presenceWords(contact);
  find('typing').textContent = chat.isTyping(name) ? `${chat.label(name)} types…` : '';
  find('actions').replaceChildren(...actions(chat, name, contact));
  drawLog(chat, name, isOther);
  if (!isOther) return;
  find('more').open = false;
  find('talk-note').textContent = '';
  find('words').focus();
}

/** Draws what is new or different, so that a screen reader says only that. */
function drawLog(chat, name, isOther) {
  const log = find('log');
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (isOther) log.replaceChildren();
  const drawn = new Map([...log.children].map((child) => [child.dataset.key, child]));
  for (const entry of chat.history.entries(name)) {
    const was = drawn.get(entry.key);
    drawn.delete(entry.key);
    const now = JSON.stringify(entry);
    if (was?.dataset.is === now) continue;
    const made = message(chat, name, entry);
    Object.assign(made.dataset, { key: entry.key, is: now });
    if (was) was.replaceWith(made);
    else log.append(made);
  }
  drawn.forEach((gone) => gone.remove());
  if (isOther || isAtEnd) log.scrollTop = log.scrollHeight;
}

function message(chat, name, entry) {
  const from = entry.mine ? 'You' : chat.label(name);
  const marks = [entry.edited && 'corrected', entry.auto && 'automatic'].filter(Boolean);
  const head = element('p', { className: 'head' },
    element('span', { className: 'from' }, from), ' ',
    element('time', { dateTime: new Date(entry.at).toISOString() }, timeWords(entry.at)),
    marks.length ? ` (${marks.join(', ')})` : null);
  const words = element('p', { className: entry.isNotice ? 'words notice' : 'words' }, ...nodesOf(entry));
  const made = element('div', { className: entry.mine ? 'message mine' : 'message' }, head, words);
  if (entry.mine) {
    const failed = entry.state === 'undelivered';
    made.append(element('p', { className: failed ? 'state failure' : 'state quiet' }, stateWords(entry)));
    if (canTryAgain(entry)) made.append(button('Try again', () => again(chat, name, entry)));
  }
  return made;
}

/** What can be done about somebody. */
function actions(chat, name, contact) {
  const act = (words, done) => button(words, () => {
    find('more').open = false;
    tried('talk-note', done);
  });
  const made = [];
  if (!contact?.listed) made.push(act('Add to your list', () => add(chat, name)));
  else if (contact.sees === 'none') made.push(act('Ask to see when they are online', () => step(name, 'request')));
  if (contact?.is_seen === 'granted') made.push(act('Hide from them when you are online', () => step(name, 'revoke')));
  if (contact?.is_seen === 'asked') made.push(act('Let them see when you are online', () => step(name, 'grant')));
  made.push(act('Invite to a call', () => {
    find('room').value = '';
    find('call').showModal();
  }));
  const block = (blocked) => () => call(`PUT ${contactPath(name, '/blocked')}`, { blocked });
  made.push(contact?.blocked ? act('Unblock', block(false)) : act('Block', block(true)));
  if (contact?.listed) made.push(act('Take off your list', () => call(`DELETE ${contactPath(name)}`)));
  return made;
}

/** Tells the other that one types, and that one stopped. */
function tellTyping(chat) {
  let told = 0;
  let to = null;
  let timer;
  const tell = (state) => call('PUT /v1/typing', { to, state }).catch(() => {});
  const stop = (state) => {
    clearTimeout(timer);
    if (told) tell(state);
    told = 0;
  };
  return {
    typed() {
      if (to !== chat.open) stop('idle');
      to = chat.open;
      clearTimeout(timer);
      timer = setTimeout(() => stop('paused'), STOPPED);
      if (Date.now() - told < STILL_TYPING) return;
      told = Date.now();
      tell('active');
    },
    /** The message itself ends it at the other's client. */
    sent() {
      clearTimeout(timer);
      told = 0;
    },
  };
}
