// Mails that the server keeps in its local mailbox because no mail server is set, as its page for developers lists them.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { server, value } from "./apps.mjs";

const WAIT_MILLIS = 10_000;
const POLL_MILLIS = 50;

/** All mails to `address` so far, newest first: `{id, project_id, to, from, subject, text, html, created_at_millis}`. */
export async function mailsTo(address) {
  const answer = await fetch(`${server.origin}/dev/mailbox`, { headers: { accept: "application/json" } });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).filter((mail) => [mail.to].flat().includes(address));
}

/** The newest mail to `address` whose subject contains `subject`, after the first `seen` mails to it; waits for it. */
export async function mailTo(address, subject, seen = 0) {
  for (const deadline = Date.now() + WAIT_MILLIS; Date.now() < deadline; await sleep(POLL_MILLIS)) {
    const all = await mailsTo(address);
    const found = all.slice(0, all.length - seen).find((mail) => mail.subject.includes(subject));
    if (found) return found;
  }
  return assert.fail(`no mail "${subject}" to ${address}, only: ${(await mailsTo(address)).map((mail) => mail.subject).join(", ") || "none"}`);
}

/** The link in a mail. */
export const linkIn = (mail) => new URL(mail.text.match(/https?:\/\/\S+/)?.[0] ?? assert.fail(`no link in:\n${mail.text}`));

/** The code of the link in a mail. */
export const codeIn = (mail) => linkIn(mail).searchParams.get("code");

/** Asks for a magic link to `email`; its code. */
export async function magicLinkCode(app, email) {
  const seen = (await mailsTo(email)).length;
  value(await app.sendMagicLinkEmail(email, { callbackUrl: "http://localhost:3000/handler/magic-link-callback" }));
  return codeIn(await mailTo(email, "Sign in to ", seen));
}
