// One session on two domains: an application sends its visitors to sign in on another origin, and takes the session up from there.

import assert from "node:assert/strict";
import { newcomer } from "../../compat/apps.mjs";
import { signUp } from "../people.mjs";
import { scenario } from "../scenario.mjs";

const PARTNER = "partner.localhost";

scenario("a visitor of one domain signs in on another, and comes back signed in", async (visitor) => {
  const { page, open, fill, pressAndGo, seesUser } = visitor;
  const { email, password } = newcomer();
  await open("/prices?of=tea", PARTNER);
  await seesUser("Nobody is signed in");
  await pressAndGo("Go and sign in");
  assert.equal(new URL(page.url()).hostname, "localhost");
  await fill({ Email: email, Password: password });
  await pressAndGo("Sign up");
  await seesUser(`Signed in as ${email}`);
  await page.waitForURL((url) => url.pathname === "/prices");
  const { hostname, pathname, search } = new URL(page.url());
  assert.deepEqual({ hostname, pathname, search }, { hostname: PARTNER, pathname: "/prices", search: "?of=tea" });
  await seesUser(`Signed in as ${email}`);
});

scenario("both domains have the same session, and end it together", async (visitor) => {
  const { context, page, open, fill, pressAndGo, seesUser } = visitor;
  const person = await signUp(visitor);
  await open("/", PARTNER);
  await pressAndGo("Go and sign in");
  await fill({ Email: person.email, Password: person.password });
  await pressAndGo("Sign in");
  await page.waitForURL((url) => url.hostname === PARTNER && url.pathname === "/");
  await seesUser(`Signed in as ${person.email}`);
  const [here, there] = await refreshTokens(context, "localhost", PARTNER);
  assert.equal(here, there);
  await pressAndGo("Sign out");
  await seesUser("Nobody is signed in");
  await context.clearCookies({ domain: "localhost", name: /access/ }); // as when its ten minutes are over
  await open();
  await seesUser("Nobody is signed in");
});

// The refresh token that the SDK keeps on each of the hosts.
async function refreshTokens(context, ...hosts) {
  const cookies = await context.cookies();
  return hosts.map((host) => {
    const { value } = cookies.find(({ name, domain }) => domain === host && name.includes("-refresh-"));
    return JSON.parse(decodeURIComponent(value)).refresh_token;
  });
}
