// Signs a person in to apps, and out of them.
//
// Reads a plan from standard input, {issuer, idp, email, scim, cases, folder, chromium}, and writes a line of JSON for
// every check: {name, problem}. A case of the plan:
//   name        first part of the names of its checks
//   url         a page of the app that needs a sign-in
//   begin       an address of the app that begins a sign-in, if `url` does not
//   callback    the redirect URI
//   method      "GET" or "POST", by which the code has to arrive there
//   claims      an address of the app that shows the claims
//   sign_out    an address of the app that signs out
//   signed_out  the page to which Gatehouse leads after that
//   express     settings of the express app, if this script has to start it
//   refuses     the person is deactivated in the end, and the app has to show the refusal of the next sign-in
//   notices     the app has to notice the deactivation itself

import { join } from "node:path";

import express from "express";
import openidConnect from "express-openid-connect";
import { chromium } from "playwright-core";

const { auth, requiresAuth } = openidConnect;
const plan = JSON.parse(await read(process.stdin));
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const TIMEOUT_MS = 15_000;

const browser = await chromium.launch({ executablePath: plan.chromium, args: FLAGS });
try {
  for (const wanted of plan.cases) await run(wanted);
} finally {
  await browser.close();
}

async function run(wanted) {
  const server = wanted.express && startExpress(wanted.express);
  const context = await browser.newContext();
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const report = (name, problem) => console.log(JSON.stringify({ name: `${wanted.name}: ${name}`, problem }));
  try {
    await signInAndOut(wanted, page, report);
  } catch (error) {
    await page.screenshot({ path: join(plan.folder, `case-${wanted.name}.png`), fullPage: true }).catch(() => {});
    const seen = await page.innerText("body").catch(() => "");
    report("runs to its end", `${error.message}\nat ${page.url()}\n${seen.slice(0, 600)}`);
  } finally {
    await context.close();
    server?.close();
  }
}

async function signInAndOut(wanted, page, report) {
  const methods = [];
  page.on("request", (request) => request.url().startsWith(wanted.callback) && methods.push(request.method()));
  const begin = wanted.begin ?? wanted.url;
  await page.goto(begin);
  await signIn(wanted, page);
  const { method } = wanted;
  report(`the code arrives by ${method}`, methods.includes(method) ? null : `the requests were ${methods}`);
  await page.goto(wanted.claims);
  const claims = await page.innerText("body");
  report("the app knows the person", claims.includes(plan.email) ? null : claims);

  await page.goto(wanted.sign_out);
  await page.waitForURL(wanted.signed_out);
  report("the sign-out leads back to the app");
  // Without the session at Gatehouse, the identity provider asks again.
  await page.goto(begin);
  report("the session at Gatehouse has ended", page.url().startsWith(plan.idp) ? null : `at ${page.url()}`);
  await signIn(wanted, page);
  report("the person signs in again");
  if (wanted.refuses) await deactivate(wanted, begin, page, report);
}

async function signIn(wanted, page) {
  await answerIdentityProvider(page);
  await page.waitForURL(wanted.url);
}

async function answerIdentityProvider(page) {
  await page.fill("[name=username]", "ada");
  await page.fill("[name=password]", "secret");
  await page.locator("button, [type=submit]").first().click();
}

// Deactivates the person through SCIM. At the end the person is active again, for the next case.
async function deactivate(wanted, begin, page, report) {
  await setActive(false);
  if (wanted.notices) {
    await page.goto(wanted.url);
    const text = await page.innerText("body");
    report("the app ends its session at once", text.includes(plan.email) ? text : null);
  }
  await page.goto(begin);
  report("the session at Gatehouse has ended too", page.url().startsWith(plan.idp) ? null : `at ${page.url()}`);
  await answerIdentityProvider(page);
  await page.waitForURL((url) => url.href.startsWith(wanted.callback));
  const text = await page.innerText("body");
  const isSentence = text.includes("switched off") && text.includes("Reference: ");
  report("the app shows why the person is refused", isSentence ? null : text);
  await setActive(true);
}

async function setActive(active) {
  const filter = encodeURIComponent(`userName eq "${plan.email}"`);
  const found = await (await sendScim("GET", `/Users?filter=${filter}`)).json();
  const body = {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    Operations: [{ op: "replace", path: "active", value: active }],
  };
  const answer = await sendScim("PATCH", `/Users/${found.Resources[0].id}`, body);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

function sendScim(method, path, body) {
  const headers = { authorization: `Bearer ${plan.scim.token}`, "content-type": "application/scim+json" };
  return fetch(plan.scim.base_url + path, { method, headers, body: body && JSON.stringify(body) });
}

function startExpress({ url, secret, domain, client_id: clientID, client_secret: clientSecret }) {
  const app = express();
  app.use(auth({
    issuerBaseURL: plan.issuer,
    baseURL: url,
    secret,
    clientID,
    clientSecret,
    authRequired: false,
    idpLogout: true,
    routes: { postLogoutRedirect: "/signed-out" },
    authorizationParams: { response_type: "code", response_mode: "form_post", scope: "openid profile email", domain },
  }));
  app.get("/app", requiresAuth(), (_request, response) => response.send("The application"));
  app.get("/claims", requiresAuth(), (request, response) => response.json(request.oidc.user));
  app.get("/signed-out", (_request, response) => response.send("You are signed out"));
  return app.listen(new URL(url).port, new URL(url).hostname);
}

async function read(stream) {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}
