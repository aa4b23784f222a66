// The pages that the server itself shows to people: without script, under a policy that the browser enforces.

import assert from "node:assert/strict";
import { clientApp, newcomer, server, signedUp, value } from "../../compat/apps.mjs";
import { mailTo } from "../../compat/mail.mjs";
import { newTotpSecret, totp } from "../../compat/totp.mjs";
import { PHONE, scenario } from "../scenario.mjs";

const SETUP_LINK = process.env.HEXCLAVE_PAGES_SETUP_LINK ?? assert.fail("HEXCLAVE_PAGES_SETUP_LINK is not set");

scenario("the first administrator sets the server up, once", async ({ page, fill, press, fits }) => {
  const { email, password } = newcomer("admin");
  await page.goto(SETUP_LINK);
  await fits();
  await fill({ "Email address": email, Password: password });
  await press("Make me an administrator");
  await page.getByRole("heading", { name: "Welcome" }).waitFor();
  await page.goto(SETUP_LINK);
  await page.getByRole("heading", { name: "This link does not work" }).waitFor();
  await fits();
}, PHONE);

scenario("a user lets a command line in on the server's page", async (visitor) => {
  const { page, fill, press } = visitor;
  const person = await signedUp();
  const { session } = await askedToLetIn(visitor);
  await fill({ "Email address": person.email, Password: "not the password" });
  await press("Sign in, and let the command line in");
  await page.getByText("The email address or the password is wrong.").waitFor();
  await fill({ "Email address": person.email, Password: person.password });
  await press("Sign in, and let the command line in");
  await page.getByRole("heading", { name: "Done" }).waitFor();
  assert.equal((await (await session()).getUser()).id, person.user.id);
});

scenario("a user with a second factor lets a command line in on the server's page", async (visitor) => {
  const { page, fill, press, fits } = visitor;
  const person = await signedUp();
  const secret = newTotpSecret();
  await person.user.update({ totpMultiFactorSecret: secret });
  const { session } = await askedToLetIn(visitor);
  await fill({ "Email address": person.email, Password: person.password });
  await press("Sign in, and let the command line in");
  await page.getByRole("button", { name: "Let the command line in", exact: true }).waitFor();
  await fits();
  await page.getByLabel("Code of your authenticator app").fill(totp(secret));
  await press("Let the command line in");
  await page.getByRole("heading", { name: "Done" }).waitFor();
  assert.equal((await (await session()).getUser()).id, person.user.id);
}, PHONE);

scenario("a developer reads the mails that the server keeps", async ({ page, fits }) => {
  const { email } = newcomer();
  value(await clientApp().sendMagicLinkEmail(email, { callbackUrl: "http://localhost:3000/callback" }));
  const mail = await mailTo(email, "Sign in to ");
  await page.goto(`${server.origin}/dev/mailbox`);
  await page.getByText(email).first().waitFor();
  await fits();
  await page.getByText(mail.subject).first().click();
  await fits();
}, PHONE);

scenario("the reference of the API is read and searched", async ({ page, fits }) => {
  await page.goto(`${server.origin}/api/v1/openapi`);
  await page.getByText("/auth/password/sign-in").first().waitFor();
  await fits();
  await page.getByLabel("Find").fill("EMAIL_PASSWORD_MISMATCH");
  await page.getByText("/auth/passkey/sign-in").first().waitFor({ state: "hidden" });
  await page.getByText("/auth/password/sign-in").first().click();
  await page.getByText("EMAIL_PASSWORD_MISMATCH").first().waitFor();
  await fits();
}, PHONE);

// A command line prompts with a link to the server's page, which the visitor opens; `session` is the app that the command line has then.
async function askedToLetIn({ page, fits }) {
  const app = clientApp(server, { urls: { cliAuthConfirm: `/cli-login?project_id=${server.projectId}` } });
  let login;
  const link = await new Promise((resolve, reject) => {
    login = app.promptCliLogin({ appUrl: server.origin, waitTimeMillis: 100, promptLink: resolve });
    login.catch(reject);
  });
  await page.goto(link);
  await page.getByRole("heading", { name: "A command line asks to sign in as you" }).waitFor();
  await fits();
  return { session: async () => clientApp(server, { tokenStore: { accessToken: null, refreshToken: value(await login) } }) };
}
