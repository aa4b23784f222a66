// Passkeys of a platform authenticator, which the browser simulates.

import assert from "node:assert/strict";
import { signOut, signUp } from "../people.mjs";
import { scenario } from "../scenario.mjs";

scenario("a passkey signs in without a password", async (visitor) => {
  const { press, pressAndGo, seesOutcome, seesUser, authenticator } = visitor;
  const { email } = await signUp(visitor);
  await press("Register passkey");
  await seesOutcome("Register passkey: ok");
  const [credential, ...more] = await authenticator.credentials();
  assert.deepEqual([credential.rpId, credential.isResidentCredential, more], ["localhost", true, []]);
  await signOut(visitor);
  for (const round of [1, 2]) {
    await pressAndGo("Sign in with passkey");
    await seesUser(`Signed in as ${email}`);
    await signOut(visitor);
    assert.equal((await authenticator.credentials())[0].signCount, round + 1, "the counter of the authenticator moves on");
  }
});

scenario("each of a user's devices has a passkey of its own", async (visitor) => {
  const { press, pressAndGo, seesOutcome, seesUser, authenticator } = visitor;
  const { email } = await signUp(visitor);
  await press("Register passkey");
  await seesOutcome("Register passkey: ok");
  await authenticator.replace();
  await press("Register passkey");
  await seesOutcome("Register passkey: ok");
  await signOut(visitor);
  await pressAndGo("Sign in with passkey");
  await seesUser(`Signed in as ${email}`);
});

scenario("a passkey of one host is none on another", async (visitor) => {
  const { open, press, pressAndGo, seesOutcome, seesUser, authenticator } = visitor;
  const { email } = await signUp(visitor, "shop.localhost");
  await press("Register passkey");
  await seesOutcome("Register passkey: ok");
  assert.deepEqual((await authenticator.credentials()).map((one) => one.rpId), ["shop.localhost"]);
  await open();
  await seesUser("Nobody is signed in");
  await press("Sign in with passkey");
  await seesOutcome("Sign in with passkey: PASSKEY_WEBAUTHN_ERROR");
  await open("/", "shop.localhost");
  await signOut(visitor);
  await pressAndGo("Sign in with passkey");
  await seesUser(`Signed in as ${email}`);
});

scenario("without a passkey the browser refuses, not the server", async ({ open, press, seesOutcome }) => {
  await open();
  await press("Sign in with passkey");
  await seesOutcome("Sign in with passkey: PASSKEY_WEBAUTHN_ERROR");
});

scenario("a passkey that its user has removed does not sign in", async (visitor) => {
  const { press, seesOutcome } = visitor;
  await signUp(visitor);
  await press("Register passkey");
  await seesOutcome("Register passkey: ok");
  await press("Remove passkeys");
  await seesOutcome("Remove passkeys: ok");
  await signOut(visitor);
  await press("Sign in with passkey");
  await seesOutcome("Sign in with passkey: PASSKEY_AUTHENTICATION_FAILED");
});
