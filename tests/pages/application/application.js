// A small application that uses the SDK as one in production would: sessions in cookies, pages of its own for the links in emails.
// It shows who is signed in (status) and how the last action ended (log), which is what the scenarios look at.

import * as sdk from "the-sdk"; // the installed version under test

const ClientApp = sdk.HexclaveClientApp ?? sdk.StackClientApp;
const NONE = { enabled: false }; // else the SDK signs every visitor up anonymously in the background
const app = new ClientApp({ ...window.project, tokenStore: "cookie", redirectMethod: "window", devTool: false, analytics: NONE });
const ATTEMPT_CODES = ["hexclave_mfa_attempt_code", "stack_mfa_attempt_code"]; // where the newer and the older SDK leave it

const [status, log] = ["status", "log"].map((role) => document.querySelector(`[role=${role}]`));
const field = (name) => document.querySelector(`[name=${name}]`).value;
const codeOfLink = () => new URL(location.href).searchParams.get("code");
const me = () => app.getUser({ or: "throw" });

const ACTIONS = {
  "Sign up": () => app.signUpWithCredential({ email: field("email"), password: field("password") }),
  "Sign in": () => app.signInWithCredential({ email: field("email"), password: field("password") }),
  "Send magic link": () => app.sendMagicLinkEmail(field("email")),
  "Forgot password": () => app.sendForgotPasswordEmail(field("email")),
  "Reset password": () => app.resetPassword({ code: codeOfLink(), password: field("password") }),
  "Register passkey": async () => (await me()).registerPasskey(),
  "Remove passkeys": async () => (await me()).update({ passkeyAuthEnabled: false }),
  "Sign in with passkey": () => app.signInWithPasskey(),
  "Confirm second factor": () => app.signInWithMfa(field("code"), ATTEMPT_CODES.map((key) => sessionStorage.getItem(key)).find(Boolean)),
  "Be anonymous": () => app.getUser({ or: "anonymous" }),
  "Sign out": () => app.signOut(),
};

// What the pages that links lead to do by themselves.
const ARRIVALS = {
  "/handler/magic-link-callback": () => app.signInWithMagicLink(codeOfLink()),
  "/handler/email-verification": () => app.verifyEmail(codeOfLink()),
  "/handler/password-reset": () => app.verifyPasswordResetCode(codeOfLink()),
};

/** Says how `action` ended: `ok`, or the code of the known error that it returned or threw. */
async function run(name, action) {
  log.textContent = "";
  let error = null;
  try {
    const result = await action();
    error = result instanceof Error ? result : (result?.status === "error" ? result.error : null);
  } catch (thrown) {
    error = thrown;
  }
  await showUser();
  log.textContent = `${name}: ${error === null ? "ok" : (error.errorCode ?? error)}`;
}

async function showUser() {
  const user = await app.getPartialUser({ from: "token", or: "anonymous-if-exists" });
  const who = user?.isAnonymous ? "somebody" : user?.primaryEmail;
  status.textContent = user === null ? "Nobody is signed in" : `Signed in as ${who} (${user.id})`;
}

for (const [name, action] of Object.entries(ACTIONS)) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
  button.addEventListener("click", () => run(name, action));
  document.querySelector("menu").append(button);
}
const arrival = ARRIVALS[location.pathname];
if (arrival) await run("Arrival", arrival);
else await showUser();
