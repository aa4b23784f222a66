// A small application that uses the SDK as one in production would: sessions in cookies, pages of its own for the links in emails.
// It shows who is signed in (status) and how the last action ended (log), which is what the scenarios look at.

import * as sdk from "the-sdk"; // the installed version under test

const ClientApp = sdk.HexclaveClientApp ?? sdk.StackClientApp;
const NONE = { enabled: false }; // else the SDK signs every visitor up anonymously in the background
const PARTNER = "partner.localhost"; // an application without a page of its own to sign in at: people do it at localhost
const urls = location.hostname === PARTNER ? { signIn: `${location.origin.replace(PARTNER, "localhost")}/handler/sign-in` } : {};
const app = new ClientApp({ ...window.project, urls, tokenStore: "cookie", redirectMethod: "window", devTool: false, analytics: NONE });
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
  "Sign in with Google": () => app.signInWithOAuth("google"),
  "Sign in with company": () => app.signInWithOAuth("company"),
  "Connect company": async () => (await me()).linkConnectedAccount("company"),
  "Token of company": async () => (await (await (await me()).getConnectedAccount("company")).getAccessToken()).accessToken,
  "Go and sign in": () => app.redirectToSignIn(),
  "Be anonymous": () => app.getUser({ or: "anonymous" }),
  "Sign out": () => app.signOut(),
};

// What the pages that links lead to do by themselves.
const ARRIVALS = {
  "/handler/magic-link-callback": () => app.signInWithMagicLink(codeOfLink()),
  "/handler/email-verification": () => app.verifyEmail(codeOfLink()),
  "/handler/oauth-callback": () => app.callOAuthCallback(),
  "/handler/password-reset": () => app.verifyPasswordResetCode(codeOfLink()),
};

/** Says how `action` ended: `ok`, a text that it returned, or the code of the known error that it returned or threw. */
async function run(name, action) {
  log.textContent = "";
  let error = null;
  let result;
  try {
    result = await action();
    error = result instanceof Error ? result : (result?.status === "error" ? result.error : null);
  } catch (thrown) {
    error = thrown;
  }
  await showUser();
  log.textContent = `${name}: ${error === null ? (typeof result === "string" ? result : "ok") : (error.errorCode ?? error)}`;
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
