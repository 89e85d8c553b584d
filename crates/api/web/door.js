// Signing in: by an invite once, and by a password after that.

import { Problem, call } from './calls.js';
import { find } from './nodes.js';

/** Shows the way in, until somebody is in. Gives that one's name. */
export async function enter(note = '') {
  const invite = new URLSearchParams(location.hash.slice(1)).get('invite');
  // The secret is to stay in no history.
  if (invite) history.replaceState(null, '', location.pathname);
  find('chat').hidden = true;
  find('door').hidden = false;
  if (note) find('welcome').textContent = note;
  const who = invite ? await greet(invite) : null;
  (who ? find('password') : find('name')).focus();
  return new Promise((entered) => {
    find('sign-in').onsubmit = async (event) => {
      event.preventDefault();
      const name = await attempt(who ? invite : null);
      if (!name) return;
      find('sign-in').reset();
      find('door').hidden = true;
      entered(name);
    };
  });
}

/** Shows whom an invite is for. Gives the name, where it is still one. */
async function greet(invite) {
  try {
    const { who } = await call('POST /web/invite', { invite });
    find('welcome').textContent = `You are invited as ${who}. Choose a password: with it you sign in from now on.`;
    find('name').value = who;
    find('name').readOnly = true;
    find('password').autocomplete = 'new-password';
    find('password').minLength = 10;
    find('rule').hidden = false;
    find('enter').textContent = 'Begin';
    return who;
  } catch (problem) {
    refuse(problem);
    return null;
  }
}

async function attempt(invite) {
  const [name, password] = [find('name').value, find('password').value];
  find('enter').disabled = true;
  find('refusal').textContent = '';
  try {
    const token = invite
      ? await call('POST /web/account', { invite, password })
      : await call('POST /web/session', { name, password });
    return token.who;
  } catch (problem) {
    refuse(problem);
    return null;
  } finally {
    find('enter').disabled = false;
  }
}

function refuse(problem) {
  const words = problem instanceof Problem ? problem.message : `${problem}`;
  find('refusal').textContent = problem.status === 401 ? 'The name or the password is wrong.' : words;
}
