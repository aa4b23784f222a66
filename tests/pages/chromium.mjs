// The browser of these tests: a headless Chromium that comes compressed inside an npm package, with the libraries and fonts that it needs.
// It is unpacked beside the package once, so nothing is installed by hand and nothing is fetched from anywhere else.

import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import { chromium } from "playwright-core";
import { extract } from "tar-fs";

const PACKED = fileURLToPath(new URL("../../bin/", import.meta.resolve("@sparticuz/chromium")));
const UNPACKED = fileURLToPath(new URL("node_modules/.chromium", import.meta.url));

const FLAGS = [
  "--no-sandbox", // the suite may run as root in a container
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-proxy-server",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1", // no page reaches anything but this machine
];

/** Starts the browser, with an empty profile of its own; the caller closes it. HEXCLAVE_TEST_BROWSER names another Chromium. */
export async function launch() {
  const other = process.env.HEXCLAVE_TEST_BROWSER;
  if (other) return chromium.launch({ executablePath: other, args: FLAGS });
  await unpack();
  const env = { ...process.env, LD_LIBRARY_PATH: `${UNPACKED}/lib`, FONTCONFIG_FILE: `${UNPACKED}/fonts.conf` };
  return chromium.launch({ executablePath: `${UNPACKED}/chromium`, args: FLAGS, env });
}

async function unpack() {
  if (existsSync(UNPACKED)) return;
  const fresh = `${UNPACKED}.${process.pid}`; // complete or not there: the folder gets its name at the end
  mkdirSync(fresh, { recursive: true });
  const from = (name) => [createReadStream(`${PACKED}/${name}.br`), createBrotliDecompress()];
  await Promise.all([
    pipeline(...from("chromium"), createWriteStream(`${fresh}/chromium`, { mode: 0o755 })),
    pipeline(...from("al2023.tar"), extract(fresh, { chown: false })),
    pipeline(...from("fonts.tar"), extract(fresh, { chown: false })),
  ]);
  writeFileSync(`${fresh}/fonts.conf`, `<fontconfig><dir>${UNPACKED}/fonts</dir><cachedir>${UNPACKED}/fonts-cache</cachedir></fontconfig>\n`);
  try {
    renameSync(fresh, UNPACKED);
  } catch (error) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(UNPACKED)) throw error; // else another run was faster
  }
}
