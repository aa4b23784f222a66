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

scenario("a developer signs in by a link in a mail that the server keeps", async (visitor) => {
  const { context, page, open, fill, press, seesOutcome, fits } = visitor;
  const { email } = newcomer();
  await open();
  await fill({ Email: email });
  await press("Send magic link");
  await seesOutcome("Send magic link: ok");
  const { subject } = await mailTo(email, "Sign in to ");
  await page.goto(`${server.origin}/dev/mailbox`);
  await fits();
  await page.getByRole("row").filter({ hasText: email }).getByRole("link", { name: subject }).click();
  await page.getByRole("heading", { name: subject }).waitFor();
  await fits();
  const message = page.frameLocator("iframe");
  const [application] = await Promise.all([context.waitForEvent("page"), message.getByRole("link", { name: "Sign in" }).click()]);
  await application.getByRole("status").filter({ hasText: `Signed in as ${email}` }).waitFor();
}, PHONE);

scenario("a page of another site cannot read the mails that the server keeps", async ({ page, open, complaints }) => {
  await open();
  const read = (url) => page.evaluate((from) => fetch(from, { headers: { accept: "application/json" } }).then(() => "read", String), url);
  assert.match(await read(`${server.origin}/dev/mailbox`), /TypeError/);
  assert.match(complaints.splice(0).join("\n"), /blocked by CORS policy/);
});

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
