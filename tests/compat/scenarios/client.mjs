// What an application does with a client app: sign-up, sign-in, the own user, sign-out.

import assert from "node:assert/strict";
import { clientApp, failure, newcomer, server, signedIn, signedUp, signIn, signUp } from "../apps.mjs";
import { calls, observed } from "../observed-fetch.mjs";
import { ALONE, scenario } from "../scenario.mjs";
import { headerFamily, KnownErrors } from "../sdk.mjs";

scenario("nobody is signed in at first", async () => {
  const app = clientApp();
  assert.equal(await app.getUser(), null);
  await assert.rejects(app.getUser({ or: "throw" }));
});

scenario("a client app signs up and gets the user", async () => {
  const before = Date.now();
  const { email, user } = await signedUp();
  assert.match(user.id, /^[0-9a-f-]{36}$/);
  assert.equal(user.primaryEmail, email);
  assert.equal(user.primaryEmailVerified, false);
  assert.equal(user.displayName, null);
  assert.equal(user.hasPassword, true);
  assert.equal(user.emailAuthEnabled, true);
  assert.equal(user.isAnonymous, false);
  assert.equal(user.isRestricted, false);
  assert.equal(user.isMultiFactorRequired, false);
  assert.deepEqual(user.oauthProviders, []);
  assert.ok(Math.abs(user.signedUpAt.getTime() - before) < 10_000, `signed up at ${user.signedUpAt}`);
});

scenario("requests and errors carry the header family of this SDK", async () => {
  const { exchanges } = await observed(server.origin, () => signIn(clientApp(), newcomer()));
  const [tried] = calls(exchanges, "POST", "/auth/password/sign-in");
  assert.equal(tried.headers.get(`${headerFamily}project-id`), server.projectId);
  assert.equal(tried.answer.get(`${headerFamily}known-error`), "EMAIL_PASSWORD_MISMATCH");
}, ALONE);

scenario("a second sign-up with the same address is refused with the SDK's own error", async () => {
  const { email } = await signedUp();
  failure(await signUp(clientApp(), { email, password: "another password" }), KnownErrors.UserWithEmailAlreadyExists);
});

scenario("a wrong password gives the SDK's own error", async () => {
  const { email } = await signedUp();
  failure(await signIn(clientApp(), { email, password: "not the password" }), KnownErrors.EmailPasswordMismatch);
});

scenario("an unknown address gives the same error as a wrong password", async () => {
  failure(await signIn(clientApp(), newcomer()), KnownErrors.EmailPasswordMismatch);
});

scenario("a short password is refused at sign-up with the SDK's own error, a long one as malformed", async () => {
  const attempt = (password) => signUp(clientApp(), { ...newcomer(), password });
  failure(await attempt("short"), KnownErrors.PasswordTooShort);
  await assert.rejects(attempt("x".repeat(71)), KnownErrors.SchemaError);
});

scenario("a client app signs out and signs in again", async () => {
  const person = await signedUp();
  await person.user.signOut({ redirectUrl: "/" });
  assert.equal(await person.app.getUser(), null);
  const again = await (await signedIn(person)).getUser();
  assert.equal(again.id, person.user.id);
});

scenario("the user changes the own profile and metadata", async () => {
  const { app, user } = await signedUp();
  await user.update({ displayName: "Ada Lovelace", clientMetadata: { theme: "dark", nested: { list: [1, 2.5, null, "ü"] } } });
  const changed = await app.getUser();
  assert.equal(changed.displayName, "Ada Lovelace");
  assert.deepEqual(changed.clientMetadata, { theme: "dark", nested: { list: [1, 2.5, null, "ü"] } });
  await changed.setDisplayName("Countess of Lovelace");
  await changed.setClientMetadata({});
  const last = await app.getUser();
  assert.equal(last.displayName, "Countess of Lovelace");
  assert.deepEqual(last.clientMetadata, {});
});

scenario("after an update the SDK refreshes its access token with the same refresh token", async () => {
  const { app, user } = await signedUp();
  const before = await user.currentSession.getTokens();
  const { exchanges } = await observed(server.origin, async () => {
    await user.update({ displayName: "Grace" });
    assert.equal((await app.getUser()).displayName, "Grace");
  });
  const refreshes = calls(exchanges, "POST", "/auth/oauth/token");
  assert.ok(refreshes.length >= 1, "no refresh was made");
  assert.ok(refreshes.every((one) => one.status === 200));
  const after = await user.currentSession.getTokens();
  assert.equal(after.refreshToken, before.refreshToken);
  assert.notEqual(after.accessToken, before.accessToken);
}, ALONE);

scenario("the partial user is read from the token alone", async () => {
  const { app, email, user } = await signedUp();
  const { result, exchanges } = await observed(server.origin, () => app.getPartialUser({ from: "token" }));
  assert.equal(exchanges.length, 0);
  assert.equal(result.id, user.id);
  assert.equal(result.primaryEmail, email);
  assert.equal(result.primaryEmailVerified, false);
  assert.equal(result.isAnonymous, false);
  assert.equal(result.isRestricted, false);
}, ALONE);

scenario("the user changes the own password", async () => {
  const person = await signedUp();
  const password = newcomer().password;
  const change = (oldPassword, newPassword) => person.user.updatePassword({ oldPassword, newPassword }); // resolves to an error or nothing
  assert.ok(await change("not the password", password) instanceof KnownErrors.PasswordConfirmationMismatch);
  assert.ok(await change(person.password, "short") instanceof KnownErrors.PasswordTooShort);
  assert.equal(await change(person.password, password), undefined);
  assert.equal((await person.app.getUser()).id, person.user.id, "the own session does not survive");
  failure(await signIn(clientApp(), person), KnownErrors.EmailPasswordMismatch);
  await signedIn({ email: person.email, password });
});

scenario("getProject shows what the application may know", async () => {
  const project = await clientApp().getProject();
  assert.equal(project.id, server.projectId);
  assert.equal(typeof project.displayName, "string");
  assert.equal(project.config.signUpEnabled, true);
  assert.equal(project.config.credentialEnabled, true);
  assert.equal(project.config.clientUserDeletionEnabled, false);
  assert.deepEqual(project.config.oauthProviders, []);
});

scenario("the tokens can be handed to another app of the application", async () => {
  const { app, user } = await signedUp();
  const tokens = await app.getAuthJson();
  assert.ok(tokens.accessToken && tokens.refreshToken);
  assert.equal((await clientApp(server, { tokenStore: tokens }).getUser()).id, user.id);
  const byRefreshTokenAlone = clientApp(server, { tokenStore: { accessToken: null, refreshToken: tokens.refreshToken } });
  assert.equal((await byRefreshTokenAlone.getUser()).id, user.id);
});
