// Passkeys (Web Authentication): a finger, a face or a PIN in place of the password.

import { call } from './calls.js';

/** Whether this browser has passkeys, and the page a name that they can belong to. */
export const hasPasskeys = () => 'PublicKeyCredential' in window && !/^[\d.]+$|^\[/.test(location.hostname);

const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const toBytes = (text) => Uint8Array.from(
  atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

/** Makes a passkey of whoever is signed in. */
export async function addPasskey(who) {
  const { challenge, site, user } = await call('POST /web/passkeys/new');
  const { id, response } = await navigator.credentials.create({
    publicKey: {
      challenge: toBytes(challenge),
      rp: { id: site, name: 'CrossTalk' },
      user: { id: toBytes(user), name: who, displayName: who },
      pubKeyCredParams: [-7, -257].map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    },
  });
  await call('POST /web/passkeys', {
    id,
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.getAuthenticatorData()),
    proof: toText(response.getPublicKey()),
  });
}

/** Signs in by a passkey. Gives the session. */
export async function showPasskey() {
  const { challenge, site } = await call('POST /web/passkeys/challenge');
  const { id, response } = await navigator.credentials.get({
    publicKey: { challenge: toBytes(challenge), rpId: site, userVerification: 'required' },
  });
  return call('POST /web/session/passkey', {
    id,
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.authenticatorData),
    proof: toText(response.signature),
  });
}
