// Addresses of a user: verified by mail, added, changed, made primary, used to sign in.

import assert from "node:assert/strict";
import { clientApp, failure, newcomer, serverApp, signedIn, signedUp, signIn, value } from "../apps.mjs";
import { codeIn, mailTo } from "../mail.mjs";
import { scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";

const callbackUrl = "http://localhost:3000/handler/email-verification";
const SUBJECT = "Verify your email at ";

scenario("the link of a sign-up verifies the address", async () => {
  const { email, password } = newcomer();
  const app = clientApp();
  value(await app.signUpWithCredential({ email, password, verificationCallbackUrl: callbackUrl, noRedirect: true }));
  assert.equal((await app.getUser()).primaryEmailVerified, false);
  const code = codeIn(await mailTo(email, SUBJECT));
  value(await clientApp().verifyEmail(code));
  assert.equal((await (await signedIn({ email, password })).getUser()).primaryEmailVerified, true);
  failure(await clientApp().verifyEmail(code), KnownErrors.VerificationCodeAlreadyUsed);
  failure(await clientApp().verifyEmail("0".repeat(45)), KnownErrors.VerificationCodeNotFound);
});

scenario("a sign-up whose link leads to strangers is refused", async () => {
  const { email, password } = newcomer();
  const verificationCallbackUrl = "https://elsewhere.example.org/";
  const attempt = clientApp().signUpWithCredential({ email, password, verificationCallbackUrl, noRedirect: true });
  await assert.rejects(attempt, KnownErrors.RedirectUrlNotWhitelisted);
});

scenario("the user has the link sent again, until the address is verified", async () => {
  const { app, email, user } = await signedUp();
  assert.equal(await sendAgain(user), undefined);
  value(await app.verifyEmail(codeIn(await mailTo(email, SUBJECT))));
  const error = await sendAgain(await app.getUser());
  assert.ok(error instanceof KnownErrors.EmailAlreadyVerified, `got ${error}`);
});

scenario("the user adds an address, verifies it and signs in with it", async () => {
  const { app, password, user } = await signedUp();
  const second = newcomer("second").email;
  const channel = await user.createContactChannel({ type: "email", value: second, usedForAuth: true });
  assert.deepEqual([channel.value, channel.isPrimary, channel.isVerified, channel.usedForAuth], [second, false, false, true]);
  await channel.sendVerificationEmail({ callbackUrl });
  value(await app.verifyEmail(codeIn(await mailTo(second, SUBJECT))));
  assert.equal((await channelOf(user, second)).isVerified, true);
  assert.equal((await (await signedIn({ email: second, password })).getUser()).id, user.id);
});

scenario("the user makes another address primary and takes the first one away", async () => {
  const { app, email, password, user } = await signedUp();
  const second = newcomer("second").email;
  await user.createContactChannel({ type: "email", value: second, usedForAuth: false });
  await (await channelOf(user, second)).update({ isPrimary: true, usedForAuth: true });
  await (await channelOf(user, email)).delete();
  assert.deepEqual((await user.listContactChannels()).map((one) => [one.value, one.isPrimary]), [[second, true]]);
  assert.equal((await app.getUser()).primaryEmail, second);
  failure(await signIn(clientApp(), { email, password }), KnownErrors.EmailPasswordMismatch);
  await signedIn({ email: second, password });
});

scenario("an address that somebody else signs in with can be had, but not to sign in", async () => {
  const other = await signedUp();
  const { user } = await signedUp();
  const add = (usedForAuth) => user.createContactChannel({ type: "email", value: other.email, usedForAuth });
  await assert.rejects(add(true), KnownErrors.ContactChannelAlreadyUsedForAuthBySomeoneElse);
  const channel = await add(false);
  await assert.rejects(channel.update({ usedForAuth: true }), KnownErrors.ContactChannelAlreadyUsedForAuthBySomeoneElse);
});

scenario("a changed address must be verified anew", async () => {
  const { user } = await signedUp();
  const [first, changed] = [newcomer("first").email, newcomer("changed").email];
  const server = await serverApp().getUser(user.id);
  const channel = await server.createContactChannel({ type: "email", value: first, usedForAuth: false, isVerified: true });
  assert.equal(channel.isVerified, true);
  await (await channelOf(user, first)).update({ value: changed });
  assert.equal((await channelOf(user, changed)).isVerified, false);
});

scenario("the back end sees, verifies and deletes the addresses of a user", async () => {
  const { app, email, user } = await signedUp();
  const seen = await serverApp().getUser(user.id);
  const channel = await channelOf(seen, email);
  await channel.update({ isVerified: true });
  assert.equal((await app.getUser()).primaryEmailVerified, true);
  await channel.delete();
  assert.deepEqual(await seen.listContactChannels(), []);
  assert.equal((await app.getUser()).primaryEmail, null);
});

scenario("the user declines marketing, not what belongs to the account", async () => {
  const { user } = await signedUp();
  const categories = async () => Object.fromEntries((await user.listNotificationCategories()).map((one) => [one.name, one]));
  const before = await categories();
  assert.deepEqual(Object.keys(before), ["Transactional", "Marketing"]);
  assert.deepEqual([before.Transactional.canDisable, before.Marketing.canDisable], [false, true]);
  await before.Marketing.setEnabled(false);
  const after = await categories();
  assert.deepEqual([after.Transactional.enabled, after.Marketing.enabled], [true, false]);
});

const sendAgain = (user) => user.sendVerificationEmail({ callbackUrl });
const channelOf = async (user, email) => (await user.listContactChannels()).find((one) => one.value === email);
