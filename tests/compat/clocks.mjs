// Time passes by files and offsets, not by waiting: a server adds the number in its HEXCLAVE_UNSAFE_CLOCK_FILE to its clock, this
// process adds its own to Date. All only ever move forward.

import { renameSync, writeFileSync } from "node:fs";
import { server } from "./apps.mjs";

const RealDate = Date;
let serverOffset = 0;
let ownOffset = 0;

/** Sets how many milliseconds the clock of `where` is ahead. */
export function setAhead(where, millis) {
  writeFileSync(`${where.clockFile}.new`, String(millis));
  renameSync(`${where.clockFile}.new`, where.clockFile); // a server never reads half a number
}

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + ownOffset);
    else super(...given);
  }

  static now() {
    return RealDate.now() + ownOffset;
  }
};

/** Moves the clock of the server forward; this process does not notice. */
export function passOnServer(millis) {
  serverOffset += millis;
  setAhead(server, serverOffset);
}

/** Lets this process catch up with the server. */
export function catchUp() {
  ownOffset = serverOffset;
}

/** Moves both clocks forward. */
export function pass(millis) {
  passOnServer(millis);
  catchUp();
}
