// What a back end does with a server app: users by id, lists with cursors, sessions for users.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { clientApp, failure, newcomer, server, serverApp, signedIn, signedUp, signIn } from "../apps.mjs";
import { calls, observed } from "../observed-fetch.mjs";
import { ALONE, scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";

scenario("a server app creates a user with every field and reads it by id", async () => {
  const app = serverApp();
  const { email, password } = newcomer("grace");
  const created = await app.createUser({
    primaryEmail: email, primaryEmailVerified: true, primaryEmailAuthEnabled: true, password, displayName: "Grace Hopper",
    clientMetadata: { a: 1 }, clientReadOnlyMetadata: { b: [true] }, serverMetadata: { c: { d: null } },
  });
  const read = await app.getUser(created.id);
  for (const user of [created, read]) {
    assert.equal(user.primaryEmail, email);
    assert.equal(user.primaryEmailVerified, true);
    assert.equal(user.emailAuthEnabled, true);
    assert.equal(user.hasPassword, true);
    assert.equal(user.displayName, "Grace Hopper");
    assert.deepEqual(user.clientMetadata, { a: 1 });
    assert.deepEqual(user.clientReadOnlyMetadata, { b: [true] });
    assert.deepEqual(user.serverMetadata, { c: { d: null } });
    assert.equal(user.restrictedByAdmin, false);
    assert.ok(user.lastActiveAt instanceof Date && Number.isFinite(user.lastActiveAt.getTime()));
    assert.equal(typeof user.riskScores.signUp.bot, "number");
    assert.equal(typeof user.riskScores.signUp.freeTrialAbuse, "number");
  }
  assert.equal((await (await signedIn({ email, password })).getUser()).id, created.id);
});

scenario("a server app creates a user with nothing", async () => {
  const user = await serverApp().createUser({});
  assert.equal(user.primaryEmail, null);
  assert.equal(user.hasPassword, false);
});

scenario("an unknown id is null", async () => {
  assert.equal(await serverApp().getUser(randomUUID()), null);
});

scenario("a second user with the same sign-in address is refused with the SDK's own error", async () => {
  const app = serverApp();
  const { email } = newcomer();
  await app.createUser({ primaryEmail: email, primaryEmailAuthEnabled: true });
  await assert.rejects(app.createUser({ primaryEmail: email, primaryEmailAuthEnabled: true }), KnownErrors.UserWithEmailAlreadyExists);
});

scenario("a server app updates a user", async () => {
  const app = serverApp();
  const user = await app.createUser({ displayName: "before" });
  const { email } = newcomer();
  await user.update({
    displayName: "after", serverMetadata: { plan: "pro" }, clientReadOnlyMetadata: { since: 2026 },
    profileImageUrl: "https://example.com/a.png",
  });
  await user.setClientMetadata({ own: "thing" });
  await user.setPrimaryEmail(email, { verified: true });
  const read = await app.getUser(user.id);
  assert.equal(read.displayName, "after");
  assert.deepEqual(read.serverMetadata, { plan: "pro" });
  assert.deepEqual(read.clientReadOnlyMetadata, { since: 2026 });
  assert.deepEqual(read.clientMetadata, { own: "thing" });
  assert.equal(read.profileImageUrl, "https://example.com/a.png");
  assert.equal(read.primaryEmail, email);
  assert.equal(read.primaryEmailVerified, true);
  await read.setPrimaryEmail(null);
  assert.equal((await app.getUser(user.id)).primaryEmail, null);
});

scenario("a server app deletes a user", async () => {
  const app = serverApp();
  const user = await app.createUser({ displayName: "short-lived" });
  await user.delete();
  assert.equal(await app.getUser(user.id), null);
});

scenario("a server app lists users with a cursor to the end", async () => {
  const app = serverApp();
  const mark = `listed-${randomUUID()}`;
  const created = [];
  for (let i = 0; i < 7; i += 1) created.push((await app.createUser({ displayName: `${mark} ${i}` })).id);
  for (const desc of [false, true]) {
    const pages = [];
    let cursor;
    do {
      const page = await app.listUsers({ limit: 3, orderBy: "signedUpAt", desc, query: mark, cursor });
      pages.push(page.map((user) => user.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && pages.length < 10);
    assert.deepEqual(pages.map((page) => page.length), [3, 3, 1]);
    assert.deepEqual(pages.flat(), desc ? created.toReversed() : created);
  }
});

scenario("a walk over all users meets everyone once", async () => {
  const app = serverApp();
  const created = await app.createUser({});
  const seen = [];
  let cursor;
  do {
    const page = await app.listUsers({ limit: 20, cursor });
    seen.push(...page.map((user) => user.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  assert.equal(new Set(seen).size, seen.length, "somebody came twice");
  assert.ok(seen.includes(created.id));
  const whole = await app.listUsers();
  assert.deepEqual(new Set(whole.map((user) => user.id)), new Set(seen));
}, ALONE);

scenario("a server app impersonates a user by a session", async () => {
  const app = serverApp();
  const { user } = await signedUp();
  const session = await (await app.getUser(user.id)).createSession({ expiresInMillis: 3_600_000, isImpersonation: true });
  const tokens = await session.getTokens();
  assert.ok(tokens.accessToken && tokens.refreshToken);
  const asUser = clientApp(server, { tokenStore: tokens });
  const impersonated = await asUser.getUser();
  assert.equal(impersonated.id, user.id);
  await impersonated.update({ displayName: "changed by support" });
  assert.equal((await asUser.getUser()).displayName, "changed by support", "the session cannot be refreshed");
});

scenario("a server app gets the signed-in user from the headers of a request", async () => {
  const { app, email, user } = await signedUp();
  const headers = await app.getAuthHeaders();
  const request = { headers: new Headers(headers) };
  const current = await serverApp(server, { tokenStore: request }).getUser();
  assert.equal(current.id, user.id);
  assert.equal(current.primaryEmail, email);
  await current.update({ serverMetadata: { seen: true } });
  assert.deepEqual((await serverApp().getUser(user.id)).serverMetadata, { seen: true });
});

scenario("a password set by the server is good for sign-in and ends the sessions", async () => {
  const person = await signedUp();
  const { refreshToken } = await person.app.getAuthJson();
  const password = newcomer().password;
  await (await serverApp().getUser(person.user.id)).setPassword({ password });
  const app = clientApp(server, { tokenStore: { accessToken: null, refreshToken } });
  const { result, exchanges } = await observed(server.origin, () => app.getUser());
  assert.equal(result, null);
  assert.equal(calls(exchanges, "POST", "/auth/oauth/token")[0].status, 401);
  failure(await signIn(clientApp(), person), KnownErrors.EmailPasswordMismatch);
  await signedIn({ email: person.email, password });
}, ALONE);

scenario("a user restricted by an administrator is null unless asked for", async () => {
  const { app, user } = await signedUp();
  await (await serverApp().getUser(user.id)).update({ restrictedByAdmin: true, restrictedByAdminReason: "under review" });
  assert.equal(await app.getUser(), null);
  const restricted = await app.getUser({ includeRestricted: true });
  assert.equal(restricted.id, user.id);
  assert.equal(restricted.restrictedReason.type, "restricted_by_administrator");
});

scenario("a wrong secret key is refused with the SDK's own error", async () => {
  await assert.rejects(serverApp(server, { secretServerKey: "not-the-key" }).listUsers({ limit: 1 }), KnownErrors.InvalidSecretServerKey);
});

scenario("getProject works in a server app", async () => {
  assert.equal((await serverApp().getProject()).id, server.projectId);
});
