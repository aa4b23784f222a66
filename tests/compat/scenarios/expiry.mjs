// What happens as time passes: access tokens expire while the session goes on, or has ended.

import assert from "node:assert/strict";
import { server, serverApp, signedUp } from "../apps.mjs";
import { catchUp, pass, passOnServer } from "../clocks.mjs";
import { calls, observed } from "../observed-fetch.mjs";
import { ALONE, scenario } from "../scenario.mjs";

const LIFETIME_AND_MORE = 11 * 60_000;

scenario("an expired access token is replaced before the next request", async () => {
  const { app, user } = await signedUp();
  pass(LIFETIME_AND_MORE);
  const { result, exchanges } = await observed(server.origin, () => app.getUser());
  assert.equal(result.id, user.id);
  assert.equal(calls(exchanges, "POST", "/auth/oauth/token").length, 1);
  await result.update({ displayName: "still here" });
  assert.equal((await app.getUser()).displayName, "still here");
}, ALONE);

scenario("a token that only the server finds expired is replaced and the request repeated", async () => {
  const { app, user } = await signedUp();
  passOnServer(LIFETIME_AND_MORE);
  try {
    const { exchanges } = await observed(server.origin, () => user.update({ displayName: "repeated" }));
    assert.ok(calls(exchanges, "PATCH", "/users/me").length >= 2, "the request was not repeated");
    assert.equal((await app.getUser()).displayName, "repeated");
  } finally {
    catchUp();
  }
}, ALONE);

scenario("getUser is null when the session was revoked and the token has expired", async () => {
  const { app, user } = await signedUp();
  await revokeAll(user.id);
  assert.equal((await app.getUser()).id, user.id, "an access token lives out its minutes");
  pass(LIFETIME_AND_MORE);
  await assertNullWithinTwoSeconds(app);
}, ALONE);

scenario("getUser is null also when only the server knows that the token has expired", async () => {
  const { app, user } = await signedUp();
  await revokeAll(user.id);
  passOnServer(LIFETIME_AND_MORE);
  try {
    await assertNullWithinTwoSeconds(app);
  } finally {
    catchUp();
  }
}, ALONE);

async function revokeAll(userId) {
  const seenByServer = await serverApp().getUser(userId);
  for (const session of await seenByServer.getActiveSessions()) await seenByServer.revokeSession(session.id);
}

async function assertNullWithinTwoSeconds(app) {
  const started = performance.now();
  assert.equal(await app.getUser(), null);
  const millis = performance.now() - started;
  assert.ok(millis < 2000, `took ${millis} ms`);
}
