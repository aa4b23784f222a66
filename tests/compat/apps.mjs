// The server under test, as the environment names it, and the SDK's app objects for it.

import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { AdminApp, ClientApp, ServerApp } from "./sdk.mjs";

const given = (name) => process.env[`HEXCLAVE_COMPAT_${name}`] ?? assert.fail(`HEXCLAVE_COMPAT_${name} is not set`);

export const server = {
  origin: given("ORIGIN"),
  projectId: given("PROJECT_ID"),
  publishableClientKey: given("PUBLISHABLE_CLIENT_KEY"),
  secretServerKey: given("SECRET_SERVER_KEY"),
  clockFile: given("CLOCK_FILE"),
};

/** The project that owns the others; its sign-up is enabled and its keys are seeded. */
export const internal = {
  origin: server.origin,
  projectId: "internal",
  publishableClientKey: given("INTERNAL_PUBLISHABLE_CLIENT_KEY"),
  secretServerKey: given("INTERNAL_SECRET_SERVER_KEY"),
  superSecretAdminKey: given("INTERNAL_SUPER_SECRET_ADMIN_KEY"),
};

/** A second server with small traffic limits. */
export const tight = {
  origin: given("TIGHT_ORIGIN"),
  projectId: given("TIGHT_PROJECT_ID"),
  publishableClientKey: given("TIGHT_PUBLISHABLE_CLIENT_KEY"),
  secretServerKey: given("TIGHT_SECRET_SERVER_KEY"),
  clockFile: given("TIGHT_CLOCK_FILE"),
};

const base = (where) => ({
  baseUrl: where.origin,
  projectId: where.projectId,
  publishableClientKey: where.publishableClientKey,
  tokenStore: "memory",
  redirectMethod: "none",
});

/** A client app of `where`; each has a token store of its own. */
export const clientApp = (where = server, options = {}) => new ClientApp({ ...base(where), ...options });

/** A server app of `where`. */
export const serverApp = (where = server, options = {}) =>
  new ServerApp({ ...base(where), secretServerKey: where.secretServerKey, ...options });

/** An admin app of `where`, by its super secret admin key or by `options.projectOwnerSession`. */
export const adminApp = (where, options = {}) => new AdminApp({
  ...base(where),
  ...(options.projectOwnerSession ? {} : { secretServerKey: where.secretServerKey, superSecretAdminKey: where.superSecretAdminKey }),
  ...options,
});

/** Credentials that nobody used before. */
export const newcomer = (label = "ada") => ({ email: `${label}-${randomUUID()}@example.com`, password: `correct horse ${randomUUID()}` });

/** The value of a result of the SDK; fails when it is an error. */
export function value(result) {
  assert.equal(result.status, "ok", `expected a result, got the error ${result.error}`);
  return result.data;
}

/** The error of a result of the SDK; fails when it is a value or not of the given class. */
export function failure(result, errorClass) {
  assert.equal(result.status, "error", "expected an error, got a result");
  assert.ok(result.error instanceof errorClass, `expected ${errorClass.errorCode}, got ${result.error}`);
  return result.error;
}

/** Signs up without a verification mail; the SDK's result. */
export const signUp = (app, { email, password }) =>
  app.signUpWithCredential({ email, password, noVerificationCallback: true, noRedirect: true });

/** Signs in by password; the SDK's result. */
export const signIn = (app, { email, password }) => app.signInWithCredential({ email, password, noRedirect: true });

/** Signs a newcomer up and returns the app, the credentials and the user. */
export async function signedUp(where = server, label = "ada") {
  const person = newcomer(label);
  const app = clientApp(where);
  value(await signUp(app, person));
  const user = await app.getUser();
  assert.ok(user, "nobody is signed in after the sign-up");
  return { app, ...person, user };
}

/** Signs in on an app of its own, which is returned. */
export async function signedIn(person, where = server) {
  const app = clientApp(where);
  value(await signIn(app, person));
  return app;
}

/** What an application sends without the SDK, with client access: the status and the body of the answer to a POST. */
export async function post(path, body, where = server) {
  const answer = await fetch(`${where.origin}/api/v1${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-stack-project-id": where.projectId,
      "x-stack-access-type": "client",
      "x-stack-publishable-client-key": where.publishableClientKey,
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: answer.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : text };
}
