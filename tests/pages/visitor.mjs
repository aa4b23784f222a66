// A visitor: a browser of its own (profile, page, authenticator) that the test application is open in or will be.

import assert from "node:assert/strict";
import { server } from "../compat/apps.mjs";
import { launch } from "./chromium.mjs";
import { startSite } from "./site.mjs";

const browser = await launch();
const site = await startSite(process.env.HEXCLAVE_COMPAT_SDK ?? "stack-new");

const STEP_MILLIS = 20_000; // machines are busy at times
const PLATFORM_AUTHENTICATOR = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

/** A new visitor; `options` are those of a browser context of Playwright. The caller closes `context`. */
export async function visit(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(STEP_MILLIS);
  const { origin, projectId, publishableClientKey } = server;
  await context.addInitScript((project) => { window.project = project; }, { baseUrl: origin, projectId, publishableClientKey });
  const page = await context.newPage();
  const complaints = watch(context, page);
  return { context, page, complaints, ...steps(page), authenticator: await authenticatorOf(context, page) };
}

// What people do on the test application, and what they see of it.
function steps(page) {
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  return {
    // The application is on every name below localhost, each of which is an origin of its own to the browser.
    open: (path = "/", host = "localhost") => page.goto(new URL(path, site.origin.replace("localhost", host)).href),
    fill: async (fields) => {
      for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text);
    },
    press,
    // For what the SDK ends by going to another page, or to the same one anew.
    pressAndGo: (name) => Promise.all([page.waitForEvent("load"), press(name)]),
    // `text` is the whole outcome, or a pattern that it matches; resolves to the outcome.
    seesOutcome: async (text) => {
      const log = page.getByRole("log");
      await log.filter({ hasText: /./ }).waitFor();
      const outcome = await log.textContent();
      if (text instanceof RegExp) assert.match(outcome, text);
      else assert.equal(outcome, text);
      return outcome;
    },
    status: () => page.getByRole("status").textContent(),
    fits: async () => {
      const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      assert.ok(needed <= there, `the page is ${needed} px wide, the window ${there}`);
    },
    seesUser: (text) => page.getByRole("status").filter({ hasText: text }).waitFor(),
  };
}

// Failures that a page does not show: errors of scripts, refused styles and scripts, and requests to anywhere but this machine.
function watch(context, page) {
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`error in the page: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(`console: ${message.text()}`);
  });
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith("http") && !/^(.*\.)?localhost$|^127\.0\.0\.1$/.test(hostname)) complaints.push(`request to ${request.url()}`);
  });
  return complaints;
}

async function authenticatorOf(context, page) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const add = async (options) => (await devtools.send("WebAuthn.addVirtualAuthenticator", { options })).authenticatorId;
  let authenticatorId = await add(PLATFORM_AUTHENTICATOR);
  return {
    credentials: async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    /** Puts another one in its place, as on another device. */
    replace: async () => {
      await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
      authenticatorId = await add(PLATFORM_AUTHENTICATOR);
    },
  };
}

/** Ends the browser and the application. */
export async function close() {
  await browser.close();
  site.close();
}
