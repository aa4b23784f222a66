// A scenario here gets a visitor (visitor.mjs); when it fails, the error says where a picture of the page is.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scenario as register } from "../compat/scenario.mjs";
import { visit } from "./visitor.mjs";

/** On a phone in the dark: where most pages that are not looked at break. */
export const PHONE = { viewport: { width: 360, height: 640 }, colorScheme: "dark" };

/**
 * Registers one scenario; `name` (a plain string literal: pytest reads it from the source) is what pytest reports, `options` are those
 * of a browser context of Playwright.
 */
export function scenario(name, run, options = {}) {
  register(name, async () => {
    const visitor = await visit(options);
    try {
      await run(visitor);
      assert.deepEqual(visitor.complaints, [], "the browser complained");
    } catch (error) {
      throw new Error(`${error.stack}\nseen at ${visitor.page.url()}: ${await screenshot(visitor.page)}\n${visitor.complaints.join("\n")}`);
    } finally {
      await visitor.context.close();
    }
  });
}

/** The path of a new picture of what the page shows, or why there is none. */
async function screenshot(page) {
  const path = join(mkdtempSync(join(tmpdir(), "hexclave-page-")), "page.png");
  return page.screenshot({ path, fullPage: true }).then(() => path, String);
}
