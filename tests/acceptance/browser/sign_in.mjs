// Signs people in with a browser to an application that uses openid-client.
//
// Reads a plan from standard input and writes a line of JSON for every check: {name, problem}. A case of the plan:
//   name      first part of the names of its checks
//   domain    sent as `domain` in the authorization request
//   tenant    if present, sent as `tenant` instead
//   app       "demo" for the application of the demo; otherwise the application is this script
//   idp       "form" for an identity provider with a login form, "demo" for that of the demo
//   person    the person who signs in
//   claims    the claims that the application must receive
//   write     {file, text}: the text is written to the file first
//   says      a part of the sentence that refuses the sign-in, if it has to be refused
//   steps     further steps: "again", "tabs", "group", "refresh", "deactivate", "replay"

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
const TIMEOUT_MS = 15_000;
const REFUSED = "We couldn’t sign you in";

const configuration = await oidc.discovery(new URL(app.issuer), app.client_id, undefined,
  oidc.ClientSecretBasic(app.client_secret), { execute: [oidc.allowInsecureRequests] });

// The application. The script reads the answer from the address of its page.
const callback = new URL(app.redirect_uri);
const server = createServer((_request, response) => response.end("The application")).listen(callback.port, callback.hostname);
const browser = await chromium.launch({ executablePath: plan.chromium, args: FLAGS });
try {
  for (const [index, wanted] of plan.cases.entries()) await run(wanted, index);
} finally {
  await browser.close();
  server.close();
}

// Runs one case in a new browser context, which has no cookies.
async function run(wanted, index) {
  const context = await browser.newContext();
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const report = (name, problem) => console.log(JSON.stringify({ name: `${wanted.name}: ${name}`, problem }));
  try {
    if (wanted.write) writeFileSync(wanted.write.file, wanted.write.text);
    await runSteps(wanted, page, report);
  } catch (error) {
    const picture = join(plan.folder, `case-${index + 1}.png`);
    await page.screenshot({ path: picture, fullPage: true }).catch(() => {});
    const seen = await page.innerText("body").catch(() => "");
    report(error.check ?? "runs to its end", `${describe(error)}\nat ${page.url()}\n${seen.slice(0, 600)}\nscreenshot: ${picture}`);
  } finally {
    await context.close();
  }
}

async function runSteps(wanted, page, report) {
  const check = async (name, work) => {
    const problem = await work();
    if (problem) throw Object.assign(new Error(problem), { check: name });
    report(name);
  };
  if (wanted.says) return check("is refused", () => expectRefusal(wanted, page));
  if (wanted.app === "demo") return useDemoApplication(wanted, page, check);
  const begun = await authorize(wanted, page);
  await Promise.race([
    page.waitForURL((url) => url.origin === callback.origin),
    page.getByRole("heading", { name: REFUSED }).waitFor(),
  ]);
  const answer = new URL(page.url());
  if (answer.origin !== callback.origin) throw new Error("Gatehouse refused the sign-in");
  const tokens = await oidc.authorizationCodeGrant(configuration, answer, begun.expected);
  report("the code is redeemed");
  const claims = { ...tokens.claims(), ...(await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims().sub)) };
  await check("the claims are right", () => findDifference(wanted.claims, claims));
  await check("the access token is active", async () => (await isActive(tokens)) ? null : "introspection says inactive");
  if (wanted.steps?.includes("again")) await check("a second sign-in uses the session", () => signInAgain(wanted, page));
  if (wanted.steps?.includes("tabs")) await check("two tabs sign in at the same time", () => signInWithTwoTabs(wanted, page));
  if (wanted.steps?.includes("group")) await check("the claim groups has the group", () => addToGroup(wanted, page));
  if (wanted.steps?.includes("refresh")) await refreshAndRevoke(wanted, page, check);
  if (wanted.steps?.includes("deactivate")) await deactivate(wanted, page, tokens, check);
  if (wanted.steps?.includes("replay")) await replayCode(answer, begun, tokens, check);
}

// Sends the authorization request and signs in at the identity provider if Gatehouse redirects there.
async function authorize(wanted, page, more = {}) {
  const begun = await begin(wanted, page, more);
  if (new URL(page.url()).origin !== callback.origin) await signInAtIdentityProvider(wanted, page);
  return begun;
}

// Sends the authorization request; the page is then at the identity provider or at the application.
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

// Waits for the redirect to the application and redeems the code.
async function redeem(page, begun) {
  await page.waitForURL((url) => url.origin === callback.origin);
  return oidc.authorizationCodeGrant(configuration, new URL(page.url()), begun.expected);
}

async function signInAtIdentityProvider(wanted, page) {
  if (wanted.idp === "demo") return page.getByRole("button", { name: wanted.person }).click();
  await page.fill("[name=username]", wanted.person);
  await page.fill("[name=password]", "secret");
  return page.locator("button, [type=submit]").first().click();
}

// Signs in to the application of the demo, signs out, and signs in again with the session at Gatehouse.
async function useDemoApplication(wanted, page, check) {
  const text = () => page.innerText("main");
  await page.goto(new URL("/demo", app.issuer).href);
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await signInAtIdentityProvider(wanted, page);
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  await check("the demo application shows the person", async () =>
    (await text()).includes(wanted.claims.email) ? null : await text());
  await page.getByRole("button", { name: "Sign out" }).click();
  await check("the demo application signs out", async () =>
    (await text()).includes("You are not signed in") ? null : await text());
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in as another user" }).click();
  await check("the identity provider offers another person", async () =>
    (await text()).includes(wanted.person) ? null : await text());
}

// With a session at Gatehouse, the identity provider is not asked.
async function signInAgain(wanted, page) {
  await authorize({ ...wanted, idp: "none" }, page);
  return new URL(page.url()).origin === callback.origin ? null : `stopped at ${page.url()}`;
}

// Begins a second sign-in before the first is complete, and completes both.
async function signInWithTwoTabs(wanted, page) {
  const other = await page.context().newPage();
  const begun = [await begin(wanted, page, { prompt: "login" }), await begin(wanted, other, { prompt: "login" })];
  for (const [index, tab] of [page, other].entries()) {
    await signInAtIdentityProvider(wanted, tab);
    await redeem(tab, begun[index]);
  }
  await other.close();
}

// Adds the user to a new group through SCIM; the next sign-in must have it in its claims.
async function addToGroup(wanted, page) {
  const { id, problem } = await findScimUser(wanted);
  if (problem) return problem;
  const body = { schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName: "Engineers", members: [{ value: id }] };
  const answer = await sendScim("POST", `${scim.base_url}/Groups`, body);
  if (!answer.ok) return `${answer.status} ${await answer.text()}`;
  const tokens = await redeem(page, await authorize(wanted, page, { scope: "openid profile email groups" }));
  const claims = await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims().sub);
  return findDifference({ groups: "Engineers" }, { groups: String(claims.groups) });
}

// Gets new tokens with a refresh token (RFC 6749 §6) and revokes it (RFC 7009).
async function refreshAndRevoke(wanted, page, check) {
  const begun = await authorize(wanted, page, { scope: "openid offline_access" });
  const first = await redeem(page, begun);
  const second = await oidc.refreshTokenGrant(configuration, first.refresh_token);
  await check("a refresh token gives new tokens", async () => (await isActive(second)) ? null : "the token is not active");
  await oidc.tokenRevocation(configuration, second.refresh_token);
  await check("revoking a refresh token revokes its tokens", async () => (await isActive(second)) ? "still active" : null);
}

// The application must receive an error with the text, and no code.
async function expectRefusal(wanted, page) {
  await authorize(wanted, page);
  await Promise.race([
    page.waitForURL((url) => url.origin === callback.origin),
    page.getByRole("heading", { name: REFUSED }).waitFor(),
  ]);
  // A refusal that everybody of the organisation meets is a page, from which a link leads to the application.
  const back = page.getByRole("link", { name: "Back to the app" });
  if (new URL(page.url()).origin !== callback.origin) await back.click();
  await page.waitForURL((url) => url.origin === callback.origin);
  const { searchParams } = new URL(page.url());
  if (searchParams.has("code")) return "the application got a code";
  if (searchParams.get("error") !== "access_denied") return `the error is ${searchParams.get("error")}`;
  const text = searchParams.get("error_description") ?? "";
  return text.includes(wanted.says) && text.includes("Reference: ") ? null : `the description is "${text}"`;
}

// Redeems a code again: it must be refused, and its tokens revoked (RFC 6749 §4.1.2).
async function replayCode(answer, begun, tokens, check) {
  await check("the code cannot be redeemed again", async () => {
    try {
      await oidc.authorizationCodeGrant(configuration, answer, begun.expected);
      return "it was redeemed twice";
    } catch (error) {
      return error.error === "invalid_grant" ? null : describe(error);
    }
  });
  await check("the second attempt revokes the token", async () => (await isActive(tokens)) ? "the token is still active" : null);
}

// Deactivates the user through SCIM: tokens and session must end at once, and a new sign-in must be refused.
async function deactivate(wanted, page, tokens, check) {
  await check("SCIM deactivates the user", () => deactivateThroughScim(wanted));
  await check("the access token is inactive", async () => (await isActive(tokens)) ? "introspection says active" : null);
  await check("userinfo is refused", async () => {
    try {
      await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims().sub);
      return "it succeeded";
    } catch (error) {
      return error.status === 401 || error.cause?.status === 401 ? null : describe(error);
    }
  });
  const says = "switched off";
  await check("the session has ended and a new sign-in is refused", () => expectRefusal({ ...wanted, says }, page));
}

async function deactivateThroughScim(wanted) {
  const { id, problem } = await findScimUser(wanted);
  if (problem) return problem;
  const body = {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    Operations: [{ op: "replace", path: "active", value: false }],
  };
  const answer = await sendScim("PATCH", `${scim.base_url}/Users/${id}`, body);
  return answer.ok ? null : `${answer.status} ${await answer.text()}`;
}

// Returns the id of the user that the case signs in, or a problem.
async function findScimUser({ claims }) {
  const filter = encodeURIComponent(`userName eq "${claims.email}"`);
  const found = await (await sendScim("GET", `${scim.base_url}/Users?filter=${filter}`)).json();
  if (found.totalResults !== 1) return { problem: `SCIM finds ${found.totalResults} users with this userName` };
  return { id: found.Resources[0].id };
}

function sendScim(method, url, body) {
  const headers = { authorization: `Bearer ${scim.token}`, "content-type": "application/scim+json" };
  return fetch(url, { method, headers, body: body && JSON.stringify(body) });
}

async function isActive(tokens) {
  return (await oidc.tokenIntrospection(configuration, tokens.access_token)).active;
}

function findDifference(wanted, claims) {
  const wrong = Object.entries(wanted).filter(([name, value]) => claims[name] !== value);
  return wrong.length ? wrong.map(([name, value]) => `${name}: want ${value}, got ${claims[name]}`).join("\n") : null;
}

function describe(error) {
  return [error.message, error.error, error.error_description, error.cause?.message].filter(Boolean).join(": ").slice(0, 1000);
}

async function read(stream) {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}
