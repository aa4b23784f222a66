// Links in emails, opened in the browser: they lead to pages of the application, which redeem their codes.

import { newcomer } from "../../compat/apps.mjs";
import { linkIn, mailTo } from "../../compat/mail.mjs";
import { signOut, signUp } from "../people.mjs";
import { scenario } from "../scenario.mjs";

const pathIn = (mail) => linkIn(mail).pathname + linkIn(mail).search;

scenario("a magic link signs in the browser that opens it", async ({ open, fill, press, seesOutcome, seesUser }) => {
  const { email } = newcomer();
  await open();
  await fill({ Email: email });
  await press("Send magic link");
  await seesOutcome("Send magic link: ok");
  const path = pathIn(await mailTo(email, "Sign in to "));
  await open(path);
  await seesUser(`Signed in as ${email}`);
  await open(path);
  await seesOutcome("Arrival: VERIFICATION_CODE_ALREADY_USED");
});

scenario("a visitor verifies the address by the link of the sign-up", async (visitor) => {
  const { open, seesOutcome } = visitor;
  const { email } = await signUp(visitor);
  await open(pathIn(await mailTo(email, "Verify your email at ")));
  await seesOutcome("Arrival: ok");
});

scenario("a visitor who forgot the password sets another one by a link", async (visitor) => {
  const { open, fill, press, pressAndGo, seesOutcome, seesUser } = visitor;
  const { email, password } = await signUp(visitor);
  await signOut(visitor);
  await fill({ Email: email });
  await press("Forgot password");
  await seesOutcome("Forgot password: ok");
  await open(pathIn(await mailTo(email, "Reset your password at ")));
  await seesOutcome("Arrival: ok");
  await fill({ Password: `${password}, remembered` });
  await press("Reset password");
  await seesOutcome("Reset password: ok");
  await open();
  await fill({ Email: email, Password: password });
  await press("Sign in");
  await seesOutcome("Sign in: EMAIL_PASSWORD_MISMATCH");
  await fill({ Email: email, Password: `${password}, remembered` });
  await pressAndGo("Sign in");
  await seesUser(`Signed in as ${email}`);
});

scenario("a visitor keeps the id of before the sign-up", async ({ page, open, fill, press, pressAndGo, seesUser }) => {
  const { email, password } = newcomer();
  await open();
  await press("Be anonymous");
  await seesUser("Signed in as somebody");
  const [, id] = (await page.getByRole("status").textContent()).match(/\((.*)\)/);
  await fill({ Email: email, Password: password });
  await pressAndGo("Sign up");
  await seesUser(`Signed in as ${email} (${id})`);
});
