// Sign-up and sign-in by password from another origin: each request is preceded by what CORS asks for.

import { newcomer } from "../../compat/apps.mjs";
import { signOut, signUp } from "../people.mjs";
import { scenario } from "../scenario.mjs";

scenario("a visitor signs up, comes back, signs out and signs in again", async (visitor) => {
  const { page, fill, pressAndGo, seesUser } = visitor;
  const { email, password } = await signUp(visitor);
  await page.reload();
  await seesUser(`Signed in as ${email}`);
  await signOut(visitor);
  await page.reload();
  await seesUser("Nobody is signed in");
  await fill({ Email: email, Password: password });
  await pressAndGo("Sign in");
  await seesUser(`Signed in as ${email}`);
});

scenario("a wrong password is told to the page by its code", async ({ open, fill, press, seesOutcome }) => {
  await open();
  await fill({ Email: newcomer().email, Password: "not the password" });
  await press("Sign in");
  await seesOutcome("Sign in: EMAIL_PASSWORD_MISMATCH");
});
