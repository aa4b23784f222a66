// A second factor in a browser: the SDK leaves the attempt in the session storage and goes to the application's page for it.

import assert from "node:assert/strict";
import { signedIn } from "../../compat/apps.mjs";
import { newTotpSecret, totp } from "../../compat/totp.mjs";
import { signOut, signUp } from "../people.mjs";
import { scenario } from "../scenario.mjs";

scenario("a password and a second factor sign in", async (visitor) => {
  const { page, fill, press, pressAndGo, seesOutcome, seesUser } = visitor;
  const person = await signUp(visitor);
  const secret = await demandSecondFactor(person);
  await signOut(visitor);
  await fill({ Email: person.email, Password: person.password });
  await pressAndGo("Sign in");
  assert.equal(new URL(page.url()).pathname, "/handler/mfa");
  await seesUser("Nobody is signed in");
  await fill({ Code: "000 000" });
  await press("Confirm second factor");
  await seesOutcome("Confirm second factor: INVALID_TOTP_CODE");
  await fill({ Code: totp(secret) });
  await pressAndGo("Confirm second factor");
  await seesUser(`Signed in as ${person.email}`);
});

scenario("a passkey, too, wants the second factor", async (visitor) => {
  const { page, fill, press, pressAndGo, seesOutcome, seesUser } = visitor;
  const person = await signUp(visitor);
  await press("Register passkey");
  await seesOutcome("Register passkey: ok");
  const secret = await demandSecondFactor(person);
  await signOut(visitor);
  await pressAndGo("Sign in with passkey");
  assert.equal(new URL(page.url()).pathname, "/handler/mfa");
  await fill({ Code: totp(secret) });
  await pressAndGo("Confirm second factor");
  await seesUser(`Signed in as ${person.email}`);
});

// As if on another device.
async function demandSecondFactor(person) {
  const secret = newTotpSecret();
  const user = await (await signedIn(person)).getUser();
  await user.update({ totpMultiFactorSecret: secret });
  return secret;
}
