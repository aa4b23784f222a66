// An authenticator app (RFC 6238): SHA-1, 30 seconds, 6 digits.

import { createHmac, randomBytes } from "node:crypto";

const STEP_MILLIS = 30_000;

export const newTotpSecret = () => new Uint8Array(randomBytes(20));

/** The code that the authenticator shows now. */
export function totp(secret) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / STEP_MILLIS)));
  const digest = createHmac("sha1", secret).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
