// Passwords that are forgotten, set for the first time, or set by the back end.

import assert from "node:assert/strict";
import { clientApp, failure, newcomer, serverApp, signedIn, signedUp, signIn, value } from "../apps.mjs";
import { codeIn, magicLinkCode, mailsTo, mailTo } from "../mail.mjs";
import { scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";

const forgot = (email) => clientApp().sendForgotPasswordEmail(email, { callbackUrl: "http://localhost:3000/handler/password-reset" });

async function resetCode(email) {
  value(await forgot(email));
  return codeIn(await mailTo(email, "Reset your password at "));
}

scenario("a forgotten password is replaced by a link in a mail", async () => {
  const person = await signedUp();
  const app = clientApp(); // nobody is signed in where the link is opened
  const code = await resetCode(person.email);
  value(await app.verifyPasswordResetCode(code));
  const password = newcomer().password;
  value(await app.resetPassword({ code, password }));
  failure(await signIn(app, person), KnownErrors.EmailPasswordMismatch);
  const again = await signedIn({ email: person.email, password });
  const user = await again.getUser();
  assert.equal(user.id, person.user.id);
  assert.equal((await user.getActiveSessions()).length, 1, "a session of before the reset is left");
});

scenario("a reset code works once, a made-up one never", async () => {
  const { email, password } = await signedUp();
  const code = await resetCode(email);
  value(await clientApp().resetPassword({ code, password }));
  failure(await clientApp().verifyPasswordResetCode(code), KnownErrors.VerificationCodeAlreadyUsed);
  failure(await clientApp().resetPassword({ code, password }), KnownErrors.VerificationCodeAlreadyUsed);
  failure(await clientApp().verifyPasswordResetCode("0".repeat(45)), KnownErrors.VerificationCodeNotFound);
});

scenario("a reset to a short password is refused", async () => {
  const { email } = await signedUp();
  const code = await resetCode(email);
  await assert.rejects(clientApp().resetPassword({ code, password: "short" }), KnownErrors.PasswordTooShort);
});

scenario("who asks for a reset of an unknown address is not told", async () => {
  const { email } = newcomer("nobody");
  value(await forgot(email));
  assert.deepEqual(await mailsTo(email), []);
});

scenario("a user who came by magic link sets a password, once", async () => {
  const { email, password } = newcomer();
  const app = clientApp();
  value(await app.signInWithMagicLink(await magicLinkCode(app, email), { noRedirect: true }));
  const user = await app.getUser();
  assert.ok((await user.setPassword({ password: "short" })) instanceof KnownErrors.PasswordTooShort);
  assert.equal(await user.setPassword({ password }), undefined);
  assert.equal((await app.getUser()).hasPassword, true);
  assert.equal((await (await signedIn({ email, password })).getUser()).id, user.id);
  await assert.rejects(user.setPassword({ password: newcomer().password }));
});

scenario("a password that the back end sets ends all sessions", async () => {
  const person = await signedUp();
  const { password } = newcomer();
  const user = await serverApp().getUser(person.user.id);
  await user.setPassword({ password });
  assert.deepEqual(await user.getActiveSessions(), []);
  await signedIn({ email: person.email, password });
});
