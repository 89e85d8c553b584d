// Signing in: by an invite once, and by a password after that.

import { Problem, call } from './calls.js';
import { find } from './nodes.js';
import { hasPasskeys, showPasskey } from './passkeys.js';

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
  find('show-passkey').hidden = who !== null || !hasPasskeys();
  return new Promise((entered) => {
    const attempted = async (sign) => {
      const name = await attempt(sign);
      if (!name) return;
      find('sign-in').reset();
      find('door').hidden = true;
      entered(name);
    };
    find('sign-in').onsubmit = (event) => {
      event.preventDefault();
      attempted(() => byPassword(who ? invite : null));
    };
    find('show-passkey').onclick = () => attempted(showPasskey);
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

/** Signs in, for the first time where there is an invite. Gives the session. */
function byPassword(invite) {
  const [name, password] = [find('name').value, find('password').value];
  return invite
    ? call('POST /web/account', { invite, password })
    : call('POST /web/session', { name, password });
}

async function attempt(sign) {
  find('enter').disabled = true;
  find('refusal').textContent = '';
  try {
    return (await sign()).who;
  } catch (problem) {
    refuse(problem);
    return null;
  } finally {
    find('enter').disabled = false;
  }
}

function refuse(problem) {
  // The browser's own errors of passkeys are for those who write pages.
  find('refusal').textContent = problem instanceof Problem ? problem.message : 'No passkey was shown.';
}
