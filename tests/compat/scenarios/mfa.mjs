// A second factor. Without a browser the SDK cannot go on by itself, so the attempt is asked for as the SDK asks for it.

import assert from "node:assert/strict";
import { clientApp, failure, post, serverApp, signedIn, signedUp, signIn, value } from "../apps.mjs";
import { scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";
import { newTotpSecret, totp } from "../totp.mjs";

scenario("with a second factor a password is not enough, and its code is", async () => {
  const { secret, ...person } = await withSecondFactor();
  assert.equal((await person.app.getUser()).isMultiFactorRequired, true);
  const app = clientApp();
  await assert.rejects(signIn(app, person), /redirect/i);
  assert.equal(await app.getUser(), null);
  value(await confirm(app, totp(secret), await attemptOf(person)));
  assert.equal((await app.getUser()).id, person.user.id);
});

scenario("a wrong code of the second factor is the SDK's own error, and the attempt goes on", async () => {
  const { secret, ...person } = await withSecondFactor();
  const attempt = await attemptOf(person);
  failure(await confirm(clientApp(), "not a code", attempt), KnownErrors.InvalidTotpCode);
  value(await confirm(clientApp(), totp(secret), attempt));
  failure(await confirm(clientApp(), totp(secret), attempt), KnownErrors.VerificationCodeAlreadyUsed);
  failure(await confirm(clientApp(), totp(secret), "0".repeat(45)), KnownErrors.VerificationCodeNotFound);
});

scenario("a code of the second factor works once", async () => {
  const { secret, ...person } = await withSecondFactor();
  const code = totp(secret);
  value(await confirm(clientApp(), code, await attemptOf(person)));
  failure(await confirm(clientApp(), code, await attemptOf(person)), KnownErrors.InvalidTotpCode);
});

scenario("without its second factor an account is signed in to as before", async () => {
  const person = await withSecondFactor();
  await person.user.update({ totpMultiFactorSecret: null });
  assert.equal((await person.app.getUser()).isMultiFactorRequired, false);
  await signedIn(person);
});

scenario("the back end takes away a second factor whose device is lost", async () => {
  const person = await withSecondFactor();
  const seen = await serverApp().getUser(person.user.id);
  assert.equal(seen.isMultiFactorRequired, true);
  await seen.update({ totpMultiFactorSecret: null });
  await signedIn(person);
});

async function withSecondFactor() {
  const person = await signedUp();
  const secret = newTotpSecret();
  await person.user.update({ totpMultiFactorSecret: secret });
  return { ...person, secret };
}

async function attemptOf({ email, password }) {
  const { body } = await post("/auth/password/sign-in", { email, password });
  assert.equal(body.code, "MULTI_FACTOR_AUTHENTICATION_REQUIRED");
  return body.details.attempt_code;
}

const confirm = (app, code, attempt) => app.signInWithMfa(code, attempt, { noRedirect: true });
