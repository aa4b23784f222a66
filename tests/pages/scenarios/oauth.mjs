// Signing in with a real OpenID provider (tests/oidc): people leave the application for the provider's page, and come back.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { server, signedIn } from "../../compat/apps.mjs";
import { newTotpSecret, totp } from "../../compat/totp.mjs";
import { signOut, signUp } from "../people.mjs";
import { PHONE, scenario } from "../scenario.mjs";

const ISSUER = process.env.HEXCLAVE_PAGES_ISSUER ?? assert.fail("HEXCLAVE_PAGES_ISSUER is not set");
const newAccount = () => `ada-${randomUUID()}@example.com`;

scenario("a stranger signs up with shared keys, and comes again", async (visitor) => {
  const { open, seesUser, status } = visitor;
  const account = newAccount();
  await open();
  await agree(visitor, "Sign in with Google", account);
  await seesUser(`Signed in as ${account}`);
  const before = await status();
  await signOut(visitor);
  await visitor.context.clearCookies(); // as in another browser: the provider, too, has forgotten him
  await agree(visitor, "Sign in with Google", account);
  await seesUser(`Signed in as ${account}`);
  assert.equal(await status(), before);
});

scenario("a stranger signs up with the directory of a company", async (visitor) => {
  const account = newAccount();
  await visitor.open();
  await agree(visitor, "Sign in with company", account);
  await visitor.seesUser(`Signed in as ${account}`);
  assert.equal(new URL(visitor.page.url()).search, "", "nothing of the way is left in the address");
});

scenario("who does not agree is told in the application", async ({ page, open, pressAndGo, press, seesOutcome, seesUser }) => {
  await open();
  await pressAndGo("Sign in with company");
  await press("Refuse");
  await seesOutcome("Arrival: OAUTH_PROVIDER_ACCESS_DENIED");
  await seesUser("Nobody is signed in");
  assert.equal(new URL(page.url()).pathname, "/handler/oauth-callback");
});

scenario("a signed-in user connects an account, and the application uses its tokens", async (visitor) => {
  const { press, seesOutcome, seesUser, status, context } = visitor;
  const person = await signUp(visitor);
  const account = newAccount();
  const before = await status();
  await press("Token of company");
  await seesOutcome(/TypeError/); // there is none to ask for a token
  await agree(visitor, "Connect company", account);
  await seesUser(`Signed in as ${person.email}`);
  assert.equal(await status(), before);
  const left = (await context.cookies(server.origin)).filter(({ name }) => name.startsWith("stack-oauth-inner"));
  assert.deepEqual(left, []);
  await press("Token of company");
  const token = (await seesOutcome(/^Token of company: /)).replace("Token of company: ", "");
  const me = await fetch(`${ISSUER}/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await me.json()).sub, account);
});

scenario("an account that signs somebody else in cannot be connected", async (visitor) => {
  const account = newAccount();
  await visitor.open();
  await agree(visitor, "Sign in with company", account);
  await visitor.seesUser(`Signed in as ${account}`);
  await signOut(visitor);
  await signUp(visitor);
  await visitor.context.clearCookies({ domain: "127.0.0.1" });
  await agree(visitor, "Connect company", account);
  await visitor.seesOutcome("Arrival: OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER");
});

scenario("an anonymous user becomes who he is at the provider", async (visitor) => {
  const { open, press, seesUser, status } = visitor;
  const account = newAccount();
  await open();
  await press("Be anonymous");
  await seesUser("Signed in as somebody");
  const [, id] = /\((.*)\)/.exec(await status());
  await agree(visitor, "Sign in with company", account);
  await seesUser(`Signed in as ${account} (${id})`);
});

scenario("a provider, too, wants the second factor", async (visitor) => {
  const { page, fill, pressAndGo, press, seesUser } = visitor;
  const person = await signUp(visitor);
  const account = newAccount();
  await agree(visitor, "Connect company", account);
  await seesUser(`Signed in as ${person.email}`);
  const secret = newTotpSecret();
  await (await (await signedIn(person)).getUser()).update({ totpMultiFactorSecret: secret });
  await signOut(visitor);
  await visitor.context.clearCookies();
  await pressAndGo("Sign in with company");
  await fill({ Account: account });
  await press("Agree");
  await page.waitForURL("**/handler/mfa");
  await seesUser("Nobody is signed in");
  await fill({ Code: totp(secret) });
  await pressAndGo("Confirm second factor");
  await seesUser(`Signed in as ${person.email}`);
});

scenario("a way back that nobody began ends on a page that says so", async ({ page, fits }) => {
  const answer = await page.goto(`${server.origin}/api/v1/auth/oauth/callback/company?code=stolen&state=unknown`);
  assert.equal(answer.status(), 400);
  await page.getByRole("heading", { name: "Signing in did not work" }).waitFor();
  await fits();
}, PHONE);

// Goes to the provider by `button`, says who it is, and agrees.
async function agree({ pressAndGo, fill, press }, button, account) {
  await pressAndGo(button);
  await fill({ Account: account });
  await press("Agree");
}
