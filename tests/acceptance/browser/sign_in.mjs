// Signs people in with a browser, as an application does that uses openid-client.
//
// Reads a plan from standard input and writes a line of JSON for every check: {name, problem}. A case of the plan:
//   {name, domain, tenant: none | "…" to ask for it and not for the domain, app: none | "demo", idp: "form" | "demo", person, claims: {…}, write: {file, text}, says,
//    steps: ["again" | "tabs" | "group" | "refresh" | "deactivate" | "replay"]}
// `write` is written to `file` first; `says` is what the page says that refuses the sign-in.

import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import * as oidc from "openid-client";
import { chromium } from "playwright-core";

const plan = JSON.parse(await read(process.stdin));
const { app, scim } = plan;
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const PATIENCE = 15_000;
const REFUSED = "We couldn’t sign you in";

const configuration = await oidc.discovery(new URL(app.issuer), app.client_id, undefined,
  oidc.ClientSecretBasic(app.client_secret), { execute: [oidc.allowInsecureRequests] });

// The application: its page says that the browser came back; the address is what counts.
const callback = new URL(app.redirect_uri);
const server = createServer((_request, response) => response.end("The application")).listen(callback.port, callback.hostname);
const browser = await chromium.launch({ executablePath: plan.chromium, args: FLAGS });
try {
  for (const [index, wanted] of plan.cases.entries()) await run(wanted, index);
} finally {
  await browser.close();
  server.close();
}

// One case, in a browser that has never been here.
async function run(wanted, index) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const report = (name, problem) => console.log(JSON.stringify({ name: `${wanted.name}: ${name}`, problem }));
  try {
    if (wanted.write) writeFileSync(wanted.write.file, wanted.write.text);
    await steps(wanted, page, report);
  } catch (error) {
    const picture = join(plan.folder, `case-${index + 1}.png`);
    await page.screenshot({ path: picture, fullPage: true }).catch(() => {});
    const seen = await page.innerText("body").catch(() => "");
    report(error.check ?? "is finished", `${described(error)}\nat ${page.url()}\n${seen.slice(0, 600)}\nscreenshot: ${picture}`);
  } finally {
    await context.close();
  }
}

async function steps(wanted, page, report) {
  const check = async (name, work) => {
    const problem = await work();
    if (problem) throw Object.assign(new Error(problem), { check: name });
    report(name);
  };
  if (wanted.says) return check("is refused", () => refused(wanted, page));
  if (wanted.app === "demo") return demoApplication(wanted, page, check);
  const asked = await authorize(wanted, page);
  await Promise.race([
    page.waitForURL((url) => url.origin === callback.origin),
    page.getByRole("heading", { name: REFUSED }).waitFor(),
  ]);
  const answer = new URL(page.url());
  if (answer.origin !== callback.origin) throw new Error("Gatehouse refused");
  const tokens = await oidc.authorizationCodeGrant(configuration, answer, asked.expected);
  report("the code is redeemed");
  const claims = { ...tokens.claims(), ...(await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims().sub)) };
  await check("the claims are right", () => different(wanted.claims, claims));
  await check("the access token is active", async () => (await isActive(tokens)) ? null : "introspection says it is not");
  if (wanted.steps?.includes("again")) await check("a second application is not asked for a password", () => again(wanted, page));
  if (wanted.steps?.includes("tabs")) await check("two sign-ins in two tabs", () => tabs(wanted, page));
  if (wanted.steps?.includes("group")) await check("the application learns the groups", () => group(wanted, page));
  if (wanted.steps?.includes("refresh")) await refresh(wanted, page, check);
  if (wanted.steps?.includes("deactivate")) await deactivate(wanted, page, tokens, check);
  if (wanted.steps?.includes("replay")) await replay(answer, asked, tokens, check);
}

// Asks for sign-in and does what the person does at the identity provider.
async function authorize(wanted, page, more = {}) {
  const asked = await begin(wanted, page, more);
  if (new URL(page.url()).origin !== callback.origin) await atIdentityProvider(wanted, page);
  return asked;
}

// The authorization request, after which the person is at the identity provider or back already.
async function begin(wanted, page, more) {
  const expected = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  };
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: app.redirect_uri,
    scope: "openid profile email",
    code_challenge: await oidc.calculatePKCECodeChallenge(expected.pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    ...(wanted.tenant ? { tenant: wanted.tenant } : { domain: wanted.domain }),
    ...more,
  });
  await page.goto(url.href);
  return { expected };
}

// The tokens of a sign-in that has come back to the application.
async function redeem(page, asked) {
  await page.waitForURL((url) => url.origin === callback.origin);
  return oidc.authorizationCodeGrant(configuration, new URL(page.url()), asked.expected);
}

async function atIdentityProvider(wanted, page) {
  if (wanted.idp === "demo") return page.getByRole("button", { name: wanted.person }).click();
  await page.fill("[name=username]", wanted.person);
  await page.fill("[name=password]", "secret");
  return page.locator("button, [type=submit]").first().click();
}

// The page that `make run` points at: in, out, and in again without the identity provider.
async function demoApplication(wanted, page, check) {
  const text = () => page.innerText("main");
  await page.goto(new URL("/demo", app.issuer).href);
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await atIdentityProvider(wanted, page);
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  await check("the demo application shows who it is", async () =>
    (await text()).includes(wanted.claims.email) ? null : await text());
  await page.getByRole("button", { name: "Sign out" }).click();
  await check("the demo application signs out", async () =>
    (await text()).includes("You are not signed in") ? null : await text());
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in as somebody else" }).click();
  await check("somebody else is asked for", async () =>
    (await text()).includes(wanted.person) ? null : await text());
}

// A session at Gatehouse answers by itself.
async function again(wanted, page) {
  await authorize({ ...wanted, idp: "nobody" }, page);
  return new URL(page.url()).origin === callback.origin ? null : `stopped at ${page.url()}`;
}

// Who begins a second sign-in before the first is over can finish both.
async function tabs(wanted, page) {
  const other = await page.context().newPage();
  const asked = [await begin(wanted, page, { prompt: "login" }), await begin(wanted, other, { prompt: "login" })];
  for (const [index, tab] of [page, other].entries()) {
    await atIdentityProvider(wanted, tab);
    await redeem(tab, asked[index]);
  }
  await other.close();
}

// SCIM makes a group of the user; the next sign-in tells its name.
async function group(wanted, page) {
  const { id, problem } = await scimUser(wanted);
  if (problem) return problem;
  const body = { schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName: "Engineers", members: [{ value: id }] };
  const answer = await scimSend("POST", `${scim.base_url}/Groups`, body);
  if (!answer.ok) return `${answer.status} ${await answer.text()}`;
  const tokens = await redeem(page, await authorize(wanted, page, { scope: "openid profile email groups" }));
  const claims = await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims().sub);
  return different({ groups: "Engineers" }, { groups: String(claims.groups) });
}

// RFC 6749 §6 and RFC 7009: new tokens without the person, until they are given back.
async function refresh(wanted, page, check) {
  const asked = await authorize(wanted, page, { scope: "openid offline_access" });
  const first = await redeem(page, asked);
  const second = await oidc.refreshTokenGrant(configuration, first.refresh_token);
  await check("a refresh token gives new tokens", async () => (await isActive(second)) ? null : "the token is not active");
  await oidc.tokenRevocation(configuration, second.refresh_token);
  await check("a revoked refresh token takes its tokens along", async () => (await isActive(second)) ? "still active" : null);
}

// The sign-in ends on a page of ours that says so, and the application hears of it at most as an error.
async function refused(wanted, page) {
  await authorize(wanted, page);
  await page.waitForURL((url) => url.origin === callback.origin || url.origin === new URL(app.issuer).origin);
  await page.waitForLoadState();
  const url = new URL(page.url());
  if (url.searchParams.has("code")) return "the application got a code";
  const text = await page.innerText("body");
  return text.includes(wanted.says) ? null : `the page does not say "${wanted.says}"`;
}

// RFC 6749 §4.1.2: a code is used once, and using it again takes back what it gave.
async function replay(answer, asked, tokens, check) {
  await check("the code works once", async () => {
    try {
      await oidc.authorizationCodeGrant(configuration, answer, asked.expected);
      return "it worked twice";
    } catch (error) {
      return error.error === "invalid_grant" ? null : described(error);
    }
  });
  await check("a replay takes back the token", async () => (await isActive(tokens)) ? "the token is still active" : null);
}

// What SCIM deactivates is signed out at once and not signed in again.
async function deactivate(wanted, page, tokens, check) {
  await check("SCIM deactivates the user", () => scimDeactivate(wanted));
  await check("the access token is dead", async () => (await isActive(tokens)) ? "introspection says active" : null);
  await check("userinfo is refused", async () => {
    try {
      await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims().sub);
      return "it was answered";
    } catch (error) {
      return error.status === 401 || error.cause?.status === 401 ? null : described(error);
    }
  });
  const says = "switched off";
  await check("the session is dead and the identity provider's word is refused", () => refused({ ...wanted, says }, page));
}

async function scimDeactivate(wanted) {
  const { id, problem } = await scimUser(wanted);
  if (problem) return problem;
  const body = {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    Operations: [{ op: "replace", path: "active", value: false }],
  };
  const answer = await scimSend("PATCH", `${scim.base_url}/Users/${id}`, body);
  return answer.ok ? null : `${answer.status} ${await answer.text()}`;
}

// The id of the user whom the case signs in.
async function scimUser({ claims }) {
  const filter = encodeURIComponent(`userName eq "${claims.email}"`);
  const found = await (await scimSend("GET", `${scim.base_url}/Users?filter=${filter}`)).json();
  if (found.totalResults !== 1) return { problem: `SCIM finds ${found.totalResults} users with this userName` };
  return { id: found.Resources[0].id };
}

function scimSend(method, url, body) {
  const headers = { authorization: `Bearer ${scim.token}`, "content-type": "application/scim+json" };
  return fetch(url, { method, headers, body: body && JSON.stringify(body) });
}

async function isActive(tokens) {
  return (await oidc.tokenIntrospection(configuration, tokens.access_token)).active;
}

function different(wanted, claims) {
  const wrong = Object.entries(wanted).filter(([name, value]) => claims[name] !== value);
  return wrong.length ? wrong.map(([name, value]) => `${name}: want ${value}, got ${claims[name]}`).join("\n") : null;
}

function described(error) {
  return [error.message, error.error, error.error_description, error.cause?.message].filter(Boolean).join(": ").slice(0, 1000);
}

async function read(stream) {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}
