// Runs every scenario in one browser against one server (see ../compat/apps.mjs for the environment) and prints one JSON line for each.

import { ruleOutUnhandled } from "../compat/unhandled.mjs";
import { runAll } from "../compat/scenario.mjs";
import { close } from "./visitor.mjs";
import "./scenarios/passwords.mjs";
import "./scenarios/links.mjs";
import "./scenarios/passkeys.mjs";
import "./scenarios/second-factor.mjs";
import "./scenarios/oauth.mjs";
import "./scenarios/other-domains.mjs";
import "./scenarios/own-pages.mjs";
import "./scenarios/mails.mjs";

const print = (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`);
const unhandled = ruleOutUnhandled();
await runAll(print);
await close();
print({ name: "nothing failed in the background", ok: unhandled.length === 0, millis: 0, error: unhandled.join("\n") || null });
process.exit(0);
