// Sessions as the user and as the back end see them, and what becomes of an app whose session has ended.

import assert from "node:assert/strict";
import { clientApp, server, serverApp, signedIn, signedUp } from "../apps.mjs";
import { scenario } from "../scenario.mjs";

scenario("the user sees the own sessions and revokes another one", async () => {
  const person = await signedUp();
  const elsewhere = await signedIn(person);
  const { refreshToken } = await elsewhere.getAuthJson();
  const sessions = await person.user.getActiveSessions();
  assert.equal(sessions.length, 2);
  assert.deepEqual(sessions.map((one) => one.isCurrentSession).sort(), [false, true]);
  for (const one of sessions) {
    assert.equal(one.userId, person.user.id);
    assert.equal(one.isImpersonation, false);
    assert.ok(Number.isFinite(new Date(one.createdAt).getTime()));
  }
  await person.user.revokeSession(sessions.find((one) => !one.isCurrentSession).id);
  assert.deepEqual((await person.user.getActiveSessions()).map((one) => one.isCurrentSession), [true]);
  await assertSignedOut(refreshToken);
  assert.equal((await person.app.getUser()).id, person.user.id);
});

scenario("a server app lists and revokes the sessions of a user", async () => {
  const person = await signedUp();
  const { refreshToken } = await person.app.getAuthJson();
  const user = await serverApp().getUser(person.user.id);
  const [session] = await user.getActiveSessions();
  assert.equal(session.userId, user.id);
  await user.revokeSession(session.id);
  assert.deepEqual(await user.getActiveSessions(), []);
  await assertSignedOut(refreshToken);
});

scenario("getUser with a dead refresh token is null within two seconds", async () => {
  await assertSignedOut("0".repeat(45));
});

scenario("signing out ends the session on the server", async () => {
  const { app, user } = await signedUp();
  const { refreshToken } = await app.getAuthJson();
  await app.signOut({ redirectUrl: "/" });
  await assertSignedOut(refreshToken);
  assert.deepEqual(await (await serverApp().getUser(user.id)).getActiveSessions(), []);
});

scenario("many apps refresh with one refresh token at once", async () => {
  const { app, user } = await signedUp();
  const { refreshToken } = await app.getAuthJson();
  const apps = Array.from({ length: 12 }, () => clientApp(server, { tokenStore: { accessToken: null, refreshToken } }));
  const users = await Promise.all(apps.map((one) => one.getUser()));
  assert.ok(users.every((one) => one.id === user.id));
});

async function assertSignedOut(refreshToken) {
  const started = performance.now();
  assert.equal(await clientApp(server, { tokenStore: { accessToken: null, refreshToken } }).getUser(), null);
  const millis = performance.now() - started;
  assert.ok(millis < 2000, `took ${millis} ms`);
}
