// How dashboards and automation work: an owner's session makes projects and keys, an admin app configures them.

import assert from "node:assert/strict";
import { adminApp, clientApp, internal, newcomer, serverApp, signedUp, signUp } from "../apps.mjs";
import { scenario } from "../scenario.mjs";
import { KnownErrors } from "../sdk.mjs";

const FAR = new Date("2099-01-01T00:00:00Z");

scenario("an owner signs up, creates a project and a key set, and the keys work", async () => {
  const { user } = await signedUp(internal, "owner");
  assert.ok(user.selectedTeam, "the new user of the internal project has no selected team");
  const project = await user.createProject({ displayName: "Made by the SDK", teamId: user.selectedTeam.id });
  assert.equal(project.displayName, "Made by the SDK");
  assert.equal(project.ownerTeamId, user.selectedTeam.id);
  assert.deepEqual((await user.listOwnedProjects()).map((one) => one.id), [project.id]);
  const ownerToken = async () => (await user.currentSession.getTokens()).accessToken;
  const admin = adminApp({ origin: internal.origin, projectId: project.id }, { projectOwnerSession: ownerToken });
  assert.equal((await admin.getProject()).id, project.id);
  const keys = await createKeySet(admin, "by the owner");
  assert.equal(keys.superSecretAdminKey ?? null, null);
  const where = whereabouts(project, keys);
  await project.update({ config: { credentialEnabled: true } });
  const { user: customer } = await signedUp(where, "customer");
  assert.equal((await serverApp(where).getUser(customer.id)).primaryEmail, customer.primaryEmail);
});

scenario("the project's own app object is an admin app by the owner's session", async () => {
  const { user } = await signedUp(internal, "owner");
  const project = await user.createProject({ displayName: "Owned", teamId: user.selectedTeam.id });
  const keys = await createKeySet(project.app, "all", { hasSuperSecretAdminKey: true });
  assert.equal((await adminApp(whereabouts(project, keys)).getProject()).id, project.id);
});

scenario("an admin app changes the project and its flags", async () => {
  const { where, admin } = await ownedProject();
  const project = await admin.getProject();
  await project.update({
    displayName: "Renamed", description: "What it is for",
    config: { signUpEnabled: false, credentialEnabled: true, clientUserDeletionEnabled: true, allowLocalhost: true },
  });
  const read = await admin.getProject();
  assert.equal(read.displayName, "Renamed");
  assert.equal(read.description, "What it is for");
  assert.equal(read.config.signUpEnabled, false);
  assert.equal(read.config.credentialEnabled, true);
  assert.equal(read.config.clientUserDeletionEnabled, true);
  assert.equal(read.config.allowLocalhost, true);
  assert.equal((await clientApp(where).getProject()).config.signUpEnabled, false);
  await assert.rejects(signUp(clientApp(where), newcomer()), KnownErrors.SignUpNotEnabled);
});

scenario("a user deletes the own account where the project allows it", async () => {
  const { where, admin } = await ownedProject();
  await (await admin.getProject()).update({ config: { credentialEnabled: true, clientUserDeletionEnabled: true } });
  const { app, user } = await signedUp(where);
  await user.delete();
  assert.equal(await app.getUser(), null);
  assert.equal(await serverApp(where).getUser(user.id), null);
});

scenario("key sets are created, listed without their secrets, and revoked", async () => {
  const { where, admin } = await ownedProject();
  const created = await createKeySet(admin, "second");
  assert.equal(typeof created.secretServerKey, "string");
  const listed = (await admin.listInternalApiKeys()).find((one) => one.id === created.id);
  assert.equal(listed.description, "second");
  assert.equal(listed.secretServerKey.lastFour, created.secretServerKey.slice(-4));
  assert.equal(listed.superSecretAdminKey ?? null, null);
  assert.equal(listed.isValid(), true);
  const withKey = { ...where, secretServerKey: created.secretServerKey, publishableClientKey: created.publishableClientKey };
  assert.deepEqual([...await serverApp(withKey).listUsers({ limit: 1 })], []);
  await listed.revoke();
  const revoked = (await admin.listInternalApiKeys()).find((one) => one.id === created.id);
  assert.equal(revoked.isValid(), false);
  assert.equal(revoked.whyInvalid(), "manually-revoked");
  await assert.rejects(serverApp(withKey).listUsers({ limit: 1 }), KnownErrors.InvalidSecretServerKey);
});

scenario("the internal project is administered by its seeded key", async () => {
  const project = await adminApp(internal).getProject();
  assert.equal(project.id, "internal");
  assert.equal(project.config.signUpEnabled, true);
});

scenario("a project is deleted by its owner", async () => {
  const { owner, admin } = await ownedProject();
  const project = await admin.getProject();
  await project.delete();
  assert.ok(!(await owner.listOwnedProjects()).some((one) => one.id === project.id));
});

/** A fresh project with an admin app by super secret admin key. */
async function ownedProject() {
  const { user: owner } = await signedUp(internal, "owner");
  const project = await owner.createProject({ displayName: "Fresh", teamId: owner.selectedTeam.id });
  const where = whereabouts(project, await createKeySet(project.app, "first", { hasSuperSecretAdminKey: true }));
  return { owner, where, admin: adminApp(where) };
}

const createKeySet = (admin, description, { hasSuperSecretAdminKey = false } = {}) =>
  admin.createInternalApiKey({
    description, expiresAt: FAR, hasPublishableClientKey: true, hasSecretServerKey: true, hasSuperSecretAdminKey,
  });

const whereabouts = (project, { publishableClientKey, secretServerKey, superSecretAdminKey }) =>
  ({ origin: internal.origin, projectId: project.id, publishableClientKey, secretServerKey, superSecretAdminKey });
