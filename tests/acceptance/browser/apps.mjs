// Signs a person in to apps whose libraries ask for form_post, and out of them.
//
// Reads a plan from standard input, {issuer, idp, email, cases, folder, chromium}, and writes a line of JSON for every
// check: {name, problem}. A case of the plan:
//   name        first part of the names of its checks
//   url         a page of the app that needs a sign-in
//   callback    the redirect URI
//   claims      an address of the app that shows the claims
//   sign_out    an address of the app that signs out
//   signed_out  the page to which Gatehouse leads after that
//   express     settings of the express app, if this script has to start it

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
  await page.goto(wanted.url);
  await signIn(wanted, page);
  report("the code arrives by POST", methods.includes("POST") ? null : `the requests were ${methods}`);
  await page.goto(wanted.claims);
  const claims = await page.innerText("body");
  report("the app knows the person", claims.includes(plan.email) ? null : claims);

  await page.goto(wanted.sign_out);
  await page.waitForURL(wanted.signed_out);
  report("the sign-out leads back to the app");
  // Without the session at Gatehouse, the identity provider asks again.
  await page.goto(wanted.url);
  report("the session at Gatehouse has ended", page.url().startsWith(plan.idp) ? null : `at ${page.url()}`);
  await signIn(wanted, page);
  report("the person signs in again");
}

async function signIn(wanted, page) {
  await page.fill("[name=username]", "ada");
  await page.fill("[name=password]", "secret");
  await page.locator("button, [type=submit]").first().click();
  await page.waitForURL(wanted.url);
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
