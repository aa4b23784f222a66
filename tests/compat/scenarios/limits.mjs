// A 429 is no error for an application: the SDK waits the time that Retry-After names and repeats the request by itself.

import assert from "node:assert/strict";
import { newcomer, post, signedIn, signedUp, tight } from "../apps.mjs";
import { setAhead } from "../clocks.mjs";
import { calls, observed } from "../observed-fetch.mjs";
import { scenario } from "../scenario.mjs";

const WINDOW_MILLIS = 60_000; // of the traffic limits
const REST_MILLIS = 3_000;

scenario("a 429 is ridden out by the SDK alone", async () => {
  const person = await signedUp(tight);
  await useUpTheLimit();
  const { result, exchanges } = await observed(tight.origin, async () => (await signedIn(person, tight)).getUser());
  assert.equal(result.id, person.user.id);
  const statuses = calls(exchanges, "POST", "/auth/password/sign-in").map((one) => one.status);
  assert.deepEqual([statuses[0], statuses.at(-1)], [429, 200]);
  for (const { answer } of exchanges.filter((one) => one.status === 429)) {
    assert.match(answer.get("retry-after"), /^[1-9][0-9]*$/);
    assert.equal(answer.get("x-stack-known-error") ?? answer.get("x-hexclave-known-error"), null);
  }
});

// Signs nobody in, with an account each (so that the limit of the address refuses, not the throttle of an account), near the end of
// a window, so that the wait is short.
async function useUpTheLimit() {
  setAhead(tight, WINDOW_MILLIS + WINDOW_MILLIS - ((Date.now() + REST_MILLIS) % WINDOW_MILLIS));
  for (let tries = 0; tries < 30; tries += 1) {
    const { email, password } = newcomer("nobody");
    const answer = await post("/auth/password/sign-in", { email, password }, tight);
    if (answer.status === 429) return;
  }
  assert.fail("the limit of this server is never reached");
}
