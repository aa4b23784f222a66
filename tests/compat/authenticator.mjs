// A software authenticator (WebAuthn Level 3), as far as the SDK uses one: it lets this process pass for a page that has
// `navigator.credentials`. One resident ES256 credential for each relying party; the latest replaces the one before.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

let origin = null; // of the page

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const USER_PRESENT_AND_VERIFIED = 0x05;
const HAS_CREDENTIAL = 0x40;
const AAGUID = Buffer.alloc(16);
const credentials = new Map(); // by relying party

const bytesOf = (source) => (ArrayBuffer.isView(source) ? Buffer.from(source.buffer, source.byteOffset, source.byteLength) : Buffer.from(source));
const asArrayBuffer = (buffer) => buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);

function clientData(type, challenge) {
  return Buffer.from(JSON.stringify({ type, challenge: bytesOf(challenge).toString("base64url"), origin, crossOrigin: false }));
}

function authenticatorData(rpId, flags, counter) {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(counter, 1);
  return Buffer.concat([sha256(rpId), head]);
}

// The key as COSE_Key in CBOR: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}.
function coseKey(publicKey) {
  const { x, y } = publicKey.export({ format: "jwk" });
  const coordinate = (label, value) => Buffer.concat([Buffer.from([label, 0x58, 32]), Buffer.from(value, "base64url")]);
  return Buffer.concat([Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01]), coordinate(0x21, x), coordinate(0x22, y)]);
}

// {"fmt": "none", "attStmt": {}, "authData": …} in CBOR.
function attestation(data) {
  const text = (value) => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
  const length = Buffer.from([0x59, data.length >> 8, data.length & 0xff]);
  return Buffer.concat([Buffer.from([0xa3]), text("fmt"), text("none"), text("attStmt"), Buffer.from([0xa0]), text("authData"), length, data]);
}

function credentialOf(id, response) {
  return {
    id: id.toString("base64url"),
    rawId: asArrayBuffer(id),
    type: "public-key",
    authenticatorAttachment: "platform",
    getClientExtensionResults: () => ({}),
    response,
  };
}

function create({ publicKey: { rp, user, challenge } }) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(32);
  credentials.set(rp.id, { id, privateKey, userHandle: bytesOf(user.id), counter: 0 });
  const idLength = Buffer.from([0, id.length]);
  const head = authenticatorData(rp.id, USER_PRESENT_AND_VERIFIED | HAS_CREDENTIAL, 0);
  const data = Buffer.concat([head, AAGUID, idLength, id, coseKey(publicKey)]);
  return credentialOf(id, {
    clientDataJSON: asArrayBuffer(clientData("webauthn.create", challenge)),
    attestationObject: asArrayBuffer(attestation(data)),
    getTransports: () => ["internal"],
  });
}

function get({ publicKey: { rpId, challenge } }) {
  const known = credentials.get(rpId);
  if (!known) throw new DOMException("There is no credential for this page.", "NotAllowedError");
  known.counter += 1;
  const client = clientData("webauthn.get", challenge);
  const data = authenticatorData(rpId, USER_PRESENT_AND_VERIFIED, known.counter);
  return credentialOf(known.id, {
    clientDataJSON: asArrayBuffer(client),
    authenticatorData: asArrayBuffer(data),
    signature: asArrayBuffer(sign("sha256", Buffer.concat([data, sha256(client)]), known.privateKey)),
    userHandle: asArrayBuffer(known.userHandle),
  });
}

/** Runs `work` while this process passes for such a page at an origin; for scenarios that run alone. */
export async function withAuthenticator(work, at = "http://localhost:3000") {
  origin = at;
  const stand = {
    window: { location: new URL(origin) },
    PublicKeyCredential: class {},
    navigator: { credentials: { create: async (options) => create(options), get: async (options) => get(options) } },
  };
  const before = Object.keys(stand).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const [name, value] of Object.entries(stand)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  try {
    return await work();
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete globalThis[name];
    }
  }
}
