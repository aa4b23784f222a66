// Visitors without an account, who may turn into users with one and stay who they are.

import assert from "node:assert/strict";
import { clientApp, newcomer, serverApp, signedIn, signUp, value } from "../apps.mjs";
import { magicLinkCode } from "../mail.mjs";
import { scenario } from "../scenario.mjs";

scenario("a visitor becomes an anonymous user, once", async () => {
  const app = clientApp();
  const [user, again] = await Promise.all([visitor(app), visitor(app)]);
  assert.equal(again.id, user.id);
  assert.equal((await visitor(app)).id, user.id);
  assert.equal(user.isAnonymous, true);
  assert.equal(user.isRestricted, true);
  assert.deepEqual(user.restrictedReason, { type: "anonymous" });
  assert.equal(user.primaryEmail, null);
});

scenario("to who asks for signed-in users an anonymous one is nobody", async () => {
  const app = clientApp();
  const { id } = await visitor(app);
  assert.equal(await app.getUser(), null);
  assert.equal(await app.getPartialUser({ from: "token" }), null);
  const partial = await app.getPartialUser({ from: "token", or: "anonymous-if-exists" });
  assert.deepEqual([partial.id, partial.isAnonymous], [id, true]);
});

scenario("an anonymous user keeps the id and the metadata when signing up with a password", async () => {
  const app = clientApp();
  const user = await visitor(app);
  await user.update({ clientMetadata: { cart: [1, 2] } });
  const person = newcomer();
  value(await signUp(app, person));
  const upgraded = await app.getUser();
  assert.deepEqual([upgraded.id, upgraded.isAnonymous, upgraded.isRestricted], [user.id, false, false]);
  assert.deepEqual([upgraded.primaryEmail, upgraded.hasPassword], [person.email, true]);
  assert.deepEqual(upgraded.clientMetadata, { cart: [1, 2] });
  assert.equal((await (await signedIn(person)).getUser()).id, user.id);
});

scenario("an anonymous user keeps the id when signing up by magic link", async () => {
  const app = clientApp();
  const user = await visitor(app);
  const { email } = newcomer();
  value(await app.signInWithMagicLink(await magicLinkCode(app, email), { noRedirect: true }));
  const upgraded = await app.getUser();
  assert.deepEqual([upgraded.id, upgraded.isAnonymous, upgraded.primaryEmail], [user.id, false, email]);
  assert.equal(upgraded.primaryEmailVerified, true);
});

scenario("the back end sees anonymous users when it asks for them", async () => {
  const { id } = await visitor(clientApp());
  const app = serverApp();
  assert.equal((await app.getUser(id)).isAnonymous, true);
  const listed = async (options) => (await app.listUsers({ query: id, ...options })).map((one) => one.id);
  assert.deepEqual(await listed({}), []);
  assert.deepEqual(await listed({ includeAnonymous: true }), [id]);
});

const visitor = (app) => app.getUser({ or: "anonymous" });
