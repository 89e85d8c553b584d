// Calls of the gateway's API. The browser adds the cookie of the session, which no script can read.

/** Longest wait for an answer: more than the gateway takes to hear what became of a message. */
const PATIENCE = 30_000;

/** What went wrong, in words for people. Status 0: there was no answer. */
export class Problem extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** Asks the gateway, and gives its answer as it comes. */
export async function ask(request, options = {}) {
  const [method, path] = request.split(' ');
  const asked = { method, credentials: 'same-origin', cache: 'no-store', ...options };
  let answer;
  try {
    answer = await fetch(path, asked);
  } catch {
    throw new Problem(0, 'the gateway cannot be reached');
  }
  if (answer.ok) return answer;
  if (answer.status === 429) {
    throw new Problem(429, `that is too much at once: try again in ${answer.headers.get('Retry-After')} seconds`);
  }
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, problem.detail ?? `the gateway answers ${answer.status}`);
}

/** Makes a call, and gives the JSON that is answered, or null. */
export async function call(request, body, headers = {}) {
  const json = { 'Content-Type': 'application/json', ...headers };
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: json };
  const answer = await ask(request, { ...sent, signal: AbortSignal.timeout(PATIENCE) });
  return answer.status === 204 ? null : answer.json();
}

/** The path of a call about a contact. */
export const contactPath = (name, more = '') => `/v1/contacts/${encodeURIComponent(name)}${more}`;
