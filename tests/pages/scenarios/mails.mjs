// Mails as a mail program on a phone shows them: nothing sticks out, nothing is fetched from anywhere.

import assert from "node:assert/strict";
import { clientApp, newcomer, signedUp, value } from "../../compat/apps.mjs";
import { mailTo } from "../../compat/mail.mjs";
import { PHONE, scenario } from "../scenario.mjs";

const callbackUrl = "http://localhost:3000/handler?" + "a-long-address=".repeat(20);

scenario("the mails of a sign-in fit a phone", async (visitor) => {
  const { email } = newcomer();
  value(await clientApp().sendMagicLinkEmail(email, { callbackUrl }));
  await looksWell(visitor, await mailTo(email, "Sign in to "));
}, PHONE);

scenario("the mails of an account fit a phone", async (visitor) => {
  const { email, password, user } = await signedUp();
  await user.setDisplayName("Ada".repeat(80));
  await user.sendVerificationEmail({ callbackUrl });
  await looksWell(visitor, await mailTo(email, "Verify your email at "));
  value(await clientApp().sendForgotPasswordEmail(email, { callbackUrl }));
  await looksWell(visitor, await mailTo(email, "Reset your password at "));
  assert.equal(await user.updatePassword({ oldPassword: password, newPassword: `${password}!` }), undefined);
  await looksWell(visitor, await mailTo(email, "was changed"));
}, PHONE);

async function looksWell({ page, fits }, mail) {
  await page.setContent(mail.html);
  await page.getByRole("heading").first().waitFor();
  await fits();
}
