// Passkeys as far as the SDK goes without a browser; tests/pages has all of it in one.

import assert from "node:assert/strict";
import { clientApp, failure, newcomer, server, serverApp, signUp, value } from "../apps.mjs";
import { withAuthenticator } from "../authenticator.mjs";
import { calls, observed } from "../observed-fetch.mjs";
import { ALONE, scenario } from "../scenario.mjs";
import { headerFamily, KnownErrors } from "../sdk.mjs";

scenario("a passkey is registered and signs in", () => withAuthenticator(async () => {
  const { app, user } = await registered();
  assert.equal((await app.getUser()).passkeyAuthEnabled, true);
  const elsewhere = page();
  value(await elsewhere.signInWithPasskey());
  assert.equal((await elsewhere.getUser()).id, user.id);
}), ALONE);

scenario("a passkey that its user has removed gives the SDK's own error", () => withAuthenticator(async () => {
  const { app, user } = await registered();
  await user.update({ passkeyAuthEnabled: false });
  assert.equal((await app.getUser()).passkeyAuthEnabled, false);
  failure(await page().signInWithPasskey(), KnownErrors.PasskeyAuthenticationFailed);
}), ALONE);

scenario("a user of a server app registers a passkey", () => withAuthenticator(async () => {
  const { app, user } = await signedUpOn(serverApp(server, { redirectMethod: ELSEWHERE }));
  value(await user.registerPasskey({ hostname: "localhost" }));
  assert.equal((await app.getUser()).passkeyAuthEnabled, true);
}), ALONE);

scenario("a passkey of a page that the project does not know is refused", () => withAuthenticator(async () => {
  const { user } = await signedUpOn(page());
  // This SDK reads a text that this error does not carry on the wire, so that it throws something else.
  const register = () => assert.rejects(user.registerPasskey({ hostname: "elsewhere.example.org" }), TypeError);
  const { exchanges } = await observed(server.origin, register);
  const [tried] = calls(exchanges, "POST", "/auth/passkey/register");
  assert.equal(tried.answer.get(`${headerFamily}known-error`), "PASSKEY_REGISTRATION_FAILED");
}, "https://elsewhere.example.org"), ALONE);

const ELSEWHERE = { navigate() {} }; // without a way to redirect the SDK takes itself for no page
const page = () => clientApp(server, { redirectMethod: ELSEWHERE });

async function signedUpOn(app) {
  value(await signUp(app, newcomer()));
  return { app, user: await app.getUser() };
}

async function registered() {
  const { app, user } = await signedUpOn(page());
  assert.equal(user.passkeyAuthEnabled, false);
  value(await user.registerPasskey({ hostname: "localhost" }));
  return { app, user };
}
