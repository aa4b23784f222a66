// Sign-up and sign-in by password from another origin: each request is preceded by what CORS asks for.

import { newcomer } from "../../compat/apps.mjs";
import { scenario } from "../scenario.mjs";

scenario("a visitor signs up, comes back, signs out and signs in again", async ({ page, open, fill, press, seesUser }) => {
  const { email, password } = newcomer();
  await open();
  await seesUser("Nobody is signed in");
  await fill({ Email: email, Password: password });
  await press("Sign up");
  await seesUser(`Signed in as ${email}`);
  await page.reload();
  await seesUser(`Signed in as ${email}`);
  await press("Sign out");
  await seesUser("Nobody is signed in");
  await fill({ Email: email, Password: password });
  await press("Sign in");
  await seesUser(`Signed in as ${email}`);
});

scenario("a wrong password is told to the page by its code", async ({ open, fill, press, seesOutcome }) => {
  await open();
  await fill({ Email: newcomer().email, Password: "not the password" });
  await press("Sign in");
  await seesOutcome("Sign in: EMAIL_PASSWORD_MISMATCH");
});
