// The official SDK under test, unmodified: which of the installed versions is chosen by HEXCLAVE_COMPAT_SDK.
// Each version brings its own @stackframe/stack-shared, so the error classes are taken from beside the SDK that throws them.

import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import "./observed-fetch.mjs"; // before the SDK, which may keep a reference to fetch

const name = process.env.HEXCLAVE_COMPAT_SDK ?? "stack-new";
const sdk = await import(name);

const beside = createRequire(fileURLToPath(import.meta.resolve(name)));
const shared = beside.resolve("@stackframe/stack-shared").replace(/dist[\\/]index\.js$/, "dist/esm/index.js");
export const { KnownErrors } = await import(pathToFileURL(shared).href);

// 2.8.108 introduced the Hexclave names beside the former ones.
export const ClientApp = sdk.HexclaveClientApp ?? sdk.StackClientApp;
export const ServerApp = sdk.HexclaveServerApp ?? sdk.StackServerApp;
export const AdminApp = sdk.HexclaveAdminApp ?? sdk.StackAdminApp;
export const headerFamily = sdk.HexclaveClientApp ? "x-hexclave-" : "x-stack-";
