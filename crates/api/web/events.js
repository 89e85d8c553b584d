// The stream of events (server-sent events), which goes on where it was however often it breaks.

import { Problem, ask, call } from './calls.js';

/** The gateway says something each 15 seconds. Silence for so long means that the way is broken. */
const SILENCE = 40_000;
/** The pauses between two tries: they grow. */
const PAUSES = [500, 1000, 2000, 5000, 10_000, 30_000];
/** How long what was heard waits to be acknowledged. */
const LATER = 500;

/**
 * Hears events behind the number `after`, until the session ends.
 * `tell` has: began() at each new stream, heard(event), broke(words), ended().
 */
export async function listen(after, tell) {
  const cursor = acknowledging(after);
  for (let tries = 0; ; tries += 1) {
    try {
      await tell.began();
      for await (const event of stream(cursor.after)) {
        tries = 0;
        if (event.id && event.id <= cursor.after) continue;
        tell.heard(event);
        if (event.id) cursor.advance(event.id);
      }
      tell.broke('the connection ended');
    } catch (problem) {
      if (problem.status === 401) return tell.ended();
      // The gateway begins to count anew: there is no such event.
      if (problem.status === 409) cursor.after = 0;
      tell.broke(problem instanceof Problem ? problem.message : 'the connection broke');
    }
    await pause(PAUSES[Math.min(tries, PAUSES.length - 1)]);
  }
}

/** The events of one stream. */
async function* stream(after) {
  const broken = new AbortController();
  let watch;
  const alive = () => {
    clearTimeout(watch);
    watch = setTimeout(() => broken.abort(), SILENCE);
  };
  alive();
  try {
    const answer = await ask(`GET /v1/events?after=${after}`, { signal: broken.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let read = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const lines = (read + value).split('\n');
      read = lines.pop();
      const data = lines.filter((line) => line.startsWith('data: '));
      yield* data.map((line) => JSON.parse(line.slice('data: '.length)));
    }
  } finally {
    clearTimeout(watch);
    broken.abort();
  }
}

/** The number up to which everything was heard. The gateway learns it a little later. */
function acknowledging(after) {
  let waiting;
  const cursor = { after, advance };
  function advance(to) {
    cursor.after = to;
    waiting ??= setTimeout(() => {
      waiting = undefined;
      // The next stream says it too.
      call('PUT /v1/events/cursor', { after: cursor.after }).catch(() => {});
    }, LATER);
  }
  return cursor;
}

/** Waits, or until the machine has a network again. */
function pause(time) {
  return new Promise((done) => {
    const timer = setTimeout(end, time * (0.75 + Math.random() / 2));
    function end() {
      clearTimeout(timer);
      removeEventListener('online', end);
      done();
    }
    addEventListener('online', end);
  });
}
