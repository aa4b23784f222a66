// The SDK does some work in the background (it fetches the user after a sign-in, for instance); a failure there reaches no scenario.

/** Collects unhandled rejections and errors of the whole run into the returned list instead of ending the process. */
export function ruleOutUnhandled() {
  const seen = [];
  const note = (error) => seen.push(String(error?.stack ?? error));
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  return seen;
}
