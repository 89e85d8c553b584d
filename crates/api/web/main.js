// The chat page: one person of the network web, by the API that programs have and nothing else.

import { Chat } from './chat.js';
import { Problem, call } from './calls.js';
import { showConversation } from './conversation.js';
import { enter } from './door.js';
import { listen } from './events.js';
import { find } from './nodes.js';
import { addPasskey, hasPasskeys } from './passkeys.js';
import { showPeople, tried } from './people.js';

/** The name of whoever this browser is signed in as, if anybody. An invite is for somebody else. */
async function signedIn() {
  if (location.hash.startsWith('#invite=')) return null;
  try {
    return (await call('GET /v1/token')).who;
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return null;
    throw problem;
  }
}

async function start() {
  // A link with an invite that is opened where the page is already only changes what is behind the #.
  addEventListener('hashchange', () => location.reload());
  let who;
  try {
    who = (await signedIn()) ?? (await enter());
  } catch (problem) {
    who = await enter(`This does not work now: ${problem.message}. Try again.`);
  }
  const chat = new Chat(who);
  find('own').textContent = who;
  find('chat').hidden = false;
  showPeople(chat);
  showConversation(chat);
  showPresence();
  find('sign-out').onclick = () => leave(chat);
  find('add-passkey').hidden = !hasPasskeys();
  find('add-passkey').onclick = () => showAdded(who);
  await listen(chat.history.cursor, {
    async began() {
      chat.setContacts(await call('GET /v1/contacts'));
      find('link').textContent = '';
    },
    heard: (event) => chat.heard(event),
    broke(words) {
      find('link').textContent = `Not connected: ${words}. It is tried again.`;
    },
    // Signed out elsewhere: the page begins anew.
    ended() {
      chat.history.forget();
      location.reload();
    },
  });
}

/** Shows the presence that is set, and sets another. */
async function showPresence() {
  find('presence').onsubmit = (event) => {
    event.preventDefault();
    tried('link', () => call('PUT /v1/presence', { show: find('show').value, text: find('status').value }));
  };
  find('show').onchange = () => find('presence').requestSubmit();
  await tried('link', async () => {
    const { show, text } = await call('GET /v1/presence');
    find('show').value = show;
    find('status').value = text;
  });
}

/** Adds a passkey of this device, or says why not. */
async function showAdded(who) {
  try {
    await addPasskey(who);
    find('link').textContent = 'The passkey is added: you can sign in with it from now on.';
  } catch (problem) {
    find('link').textContent = problem instanceof Problem ? problem.message : 'No passkey was made.';
  }
}

/** Signs out, and leaves nothing in the browser. */
async function leave(chat) {
  const isOut = await tried('link', () => call('DELETE /web/session'));
  if (!isOut) return;
  chat.history.forget();
  location.reload();
}

start();
