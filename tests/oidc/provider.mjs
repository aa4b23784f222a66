// An OpenID provider as companies run one, where people say who they are and agree or refuse by a form. It prints its issuer when it is ready.
//
// HEXCLAVE_OIDC_CLIENTS: its clients, in the words of OpenID Connect Dynamic Client Registration, as JSON.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const http = createServer();
http.listen(0, "127.0.0.1");
await once(http, "listening");
const issuer = `http://127.0.0.1:${http.address().port}`;

const people = new Map(); // what those who have been here said of themselves, by their subject
const given = { refresh_token: new Map(), access_token: new Map() }; // the newest token of each kind, by subject
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(issuer, {
  clients: JSON.parse(process.env.HEXCLAVE_OIDC_CLIENTS),
  jwks: { keys: [{ ...key, kid: "the-key", use: "sig", alg: "RS256" }] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_, sub) => people.has(sub) ? { accountId: sub, claims: () => ({ sub, ...people.get(sub) }) } : undefined,
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, IdToken: 600, Interaction: 600, RefreshToken: 86400, Session: 86400 },
});
for (const kind of Object.keys(given)) provider.on(`${kind}.saved`, (token) => given[kind].set(token.accountId, token.jti));

const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The provider</title><link rel="icon" href="data:,">
<h1>The provider</h1>
<form method="post">
  <p><label>Account <input name="account"></label></p>
  <p><label>Address <input name="address"></label> <label>verified <input name="verified" type="checkbox" checked></label></p>
  <p><button name="answer" value="agree">Agree</button> <button name="answer" value="refuse">Refuse</button></p>
</form>
</html>`;

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** Keeps who it is and what he agrees to; the result that the provider goes on with. */
async function agree(form, { params }) {
  const accountId = form.get("account");
  people.set(accountId, { email: form.get("address") || accountId, email_verified: form.has("verified"), name: `Name of ${accountId}` });
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return { login: { accountId }, consent: { grantId: await grant.save() } };
}

provider.use(async (ctx, next) => {
  if (ctx.path === "/given") { // for tests alone, as the next: what no provider tells anybody
    ctx.body = Object.fromEntries(Object.entries(given).map(([kind, tokens]) => [kind, tokens.get(ctx.query.account)]));
  } else if (ctx.path === "/end-access") { // which revocation does not do without its refresh token
    await (await provider.AccessToken.find(given.access_token.get(ctx.query.account))).destroy();
    ctx.status = 204;
  } else if (!ctx.path.startsWith("/interaction/")) {
    await next();
  } else if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = PAGE;
  } else {
    const form = await read(ctx.req);
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    const refusal = { error: "access_denied", error_description: "secret words of the provider" };
    const result = form.get("answer") === "agree" ? await agree(form, details) : refusal;
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }));
  }
});
http.on("request", provider.callback());
process.stdout.write(`${issuer}\n`);
