// Sign-in by a link or six characters that were sent by email.

import assert from "node:assert/strict";
import { clientApp, failure, newcomer, serverApp, signedUp, value } from "../apps.mjs";
import { linkIn, magicLinkCode, mailTo } from "../mail.mjs";
import { scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";

const CALLBACK = "http://localhost:3000/handler/magic-link-callback?kept=1";

const send = (app, email) => app.sendMagicLinkEmail(email, { callbackUrl: CALLBACK });
const redeem = (app, code) => app.signInWithMagicLink(code, { noRedirect: true });

scenario("a magic link signs a newcomer up with a verified address", async () => {
  const { email } = newcomer();
  const app = clientApp();
  const { nonce } = value(await send(app, email));
  assert.match(nonce, /^[0-9a-z]{39}$/);
  const link = linkIn(await mailTo(email, "Sign in to "));
  assert.equal(link.href.split("?")[0], CALLBACK.split("?")[0]);
  assert.equal(link.searchParams.get("kept"), "1");
  value(await redeem(app, link.searchParams.get("code")));
  const user = await app.getUser();
  assert.equal(user.primaryEmail, email);
  assert.equal(user.primaryEmailVerified, true);
  assert.equal(user.otpAuthEnabled, true);
  assert.equal(user.hasPassword, false);
});

scenario("the six characters of the mail and the nonce sign in as the link does", async () => {
  const { email } = newcomer();
  const app = clientApp();
  const { nonce } = value(await send(app, email));
  const { subject, html } = await mailTo(email, "Your code is ");
  const characters = subject.match(/Your code is ([0-9A-Z]{6})$/)[1];
  assert.match(html, new RegExp(`<p[^>]*>\\s*${characters}\\s*</p>`));
  value(await redeem(app, characters + nonce));
  assert.equal((await app.getUser()).primaryEmail, email);
});

scenario("a second magic link signs the same user in", async () => {
  const { email } = newcomer();
  const user = await signedInByLink(email);
  assert.equal((await signedInByLink(email)).id, user.id);
});

scenario("a magic link works once, a made-up one never", async () => {
  const { email } = newcomer();
  const code = await magicLinkCode(clientApp(), email);
  value(await redeem(clientApp(), code));
  failure(await redeem(clientApp(), code), KnownErrors.VerificationCodeAlreadyUsed);
  failure(await redeem(clientApp(), "0".repeat(45)), KnownErrors.VerificationCodeNotFound);
});

scenario("a link to an address that its account has not verified is refused", async () => {
  const { email } = await signedUp();
  await assert.rejects(send(clientApp(), email), KnownErrors.UserWithEmailAlreadyExists);
});

scenario("a link to pages of strangers is refused with the SDK's own error", async () => {
  const asked = clientApp().sendMagicLinkEmail(newcomer().email, { callbackUrl: "https://elsewhere.example.org/" });
  failure(await asked, KnownErrors.RedirectUrlNotWhitelisted);
});

scenario("a magic link signs in to an account that the back end made", async () => {
  const { email } = newcomer();
  const made = await serverApp().createUser({ primaryEmail: email, primaryEmailVerified: true, primaryEmailAuthEnabled: true });
  const user = await signedInByLink(email);
  assert.equal(user.id, made.id);
  assert.equal(user.otpAuthEnabled, true);
});

async function signedInByLink(email) {
  const app = clientApp();
  value(await redeem(app, await magicLinkCode(app, email)));
  return app.getUser();
}
