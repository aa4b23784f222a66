// Runs every scenario with one SDK against one server (see apps.mjs for the environment) and prints one JSON line for each.

import { ruleOutUnhandled } from "./unhandled.mjs";
import { serverErrors } from "./observed-fetch.mjs";
import { runAll } from "./scenario.mjs";
import "./scenarios/limits.mjs";
import "./scenarios/client.mjs";
import "./scenarios/magic-link.mjs";
import "./scenarios/passwords.mjs";
import "./scenarios/verification.mjs";
import "./scenarios/mfa.mjs";
import "./scenarios/anonymous.mjs";
import "./scenarios/cli.mjs";
import "./scenarios/server.mjs";
import "./scenarios/sessions.mjs";
import "./scenarios/passkeys.mjs";
import "./scenarios/admin.mjs";
import "./scenarios/expiry.mjs";

const print = (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`);
const unhandled = ruleOutUnhandled();
await runAll(print);
const failures = [...unhandled, ...serverErrors()];
print({ name: "nothing failed in the background", ok: failures.length === 0, millis: 0, error: failures.join("\n") || null });
process.exit(0);
