// The origin on which the test application lives: every path is the same page, as a single-page application has it.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Bundles the application with an SDK that is installed for tests/compat, and serves it; its origin, and `close()`. */
export async function startSite(sdk) {
  const script = await bundle(sdk);
  const page = await readFile(here("application/index.html"));
  const server = createServer((request, response) => {
    const isScript = new URL(request.url, "http://localhost").pathname === "/application.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    if (isScript) response.setHeader("cache-control", "max-age=3600");
    response.end(isScript ? script : page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close() };
}

async function bundle(sdk) {
  const built = await build({
    entryPoints: [here("application/application.js")],
    bundle: true,
    format: "esm",
    platform: "browser",
    alias: { "the-sdk": sdk },
    nodePaths: [here("../compat/node_modules")],
    minify: true,
    write: false, // stays in memory
    logLevel: "error",
  });
  return built.outputFiles[0].contents;
}
