// The login of a command line: it prompts with a link, a browser completes it, the command line gets the browser's session.

import assert from "node:assert/strict";
import { clientApp, failure, newcomer, post, server, signedIn, signedUp, signUp, value } from "../apps.mjs";
import { scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";

const APP_URL = "http://localhost:3000";
const prompt = (options) => clientApp().promptCliLogin({ appUrl: APP_URL, waitTimeMillis: 50, ...options });
const complete = (loginCode, more) => post("/auth/cli/complete", { login_code: loginCode, ...more });

scenario("a command line gets the session of the browser that completes its login", async () => {
  const { app, user } = await signedUp();
  const { refreshToken } = await app.getAuthJson();
  let completed;
  const result = await prompt({
    promptLink(url, loginCode) {
      assert.equal(url, `${APP_URL}/handler/cli-auth-confirm?login_code=${loginCode}`);
      completed = complete(loginCode, { refresh_token: refreshToken });
    },
  });
  assert.deepEqual((await completed).body, { success: true });
  assert.equal(value(result), refreshToken);
  const commandLine = clientApp(server, { tokenStore: { accessToken: null, refreshToken: value(result) } });
  assert.equal((await commandLine.getUser()).id, user.id);
});

scenario("a login of a command line that nobody completes expires with the SDK's own error", async () => {
  failure(await prompt({ promptLink() {}, expiresInMillis: 200 }), KnownErrors.CliAuthExpiredError);
});

scenario("a login of a command line is completed once", async () => {
  const { app } = await signedUp();
  const { refreshToken } = await app.getAuthJson();
  let twice;
  value(await prompt({
    promptLink(url, loginCode) {
      twice = Promise.all([1, 2].map(() => complete(loginCode, { refresh_token: refreshToken })));
    },
  }));
  assert.deepEqual((await twice).map((one) => one.status).sort(), [200, 400]);
});

scenario("a browser takes over the anonymous session of a command line and makes an account of it", async () => {
  const { id, currentSession } = await clientApp().getUser({ or: "anonymous" });
  const { refreshToken: anonRefreshToken } = await currentSession.getTokens();
  const person = newcomer();
  const result = await prompt({
    anonRefreshToken,
    async promptLink(url, loginCode) {
      assert.deepEqual((await complete(loginCode, { mode: "check" })).body, { cli_session_state: "anonymous" });
      const { body } = await complete(loginCode, { mode: "claim-anon-session" });
      assert.equal((await complete(loginCode, { mode: "claim-anon-session" })).status, 400);
      const tokenStore = { accessToken: body.access_token, refreshToken: body.refresh_token };
      const browser = clientApp(server, { tokenStore });
      assert.equal((await browser.getUser({ or: "anonymous" })).id, id);
      value(await signUp(browser, person));
      const { refreshToken } = await (await signedIn(person)).getAuthJson(); // the sign-up ended the sessions of before
      await complete(loginCode, { refresh_token: refreshToken });
    },
  });
  const user = await clientApp(server, { tokenStore: { accessToken: null, refreshToken: value(result) } }).getUser();
  assert.deepEqual([user.id, user.isAnonymous, user.primaryEmail], [id, false, person.email]);
});
