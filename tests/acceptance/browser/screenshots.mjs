// Takes the screenshots of the documentation, each page in light and dark.
//
// Reads a plan from standard input: {base_url, scim: {base_url, token}, folder, chromium}. Writes
// `folder`/{demo,refused}-{light,dark}.png.

import { join } from "node:path";

import { chromium } from "playwright-core";

const plan = JSON.parse(await read(process.stdin));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const VIEW = { width: 720, height: 320 };
const PATIENCE = 15_000;

const browser = await chromium.launch({ executablePath: plan.chromium, args: FLAGS });
try {
  await provision("grace@acme.com", { active: false });
  for (const colorScheme of ["light", "dark"]) await takeAll(colorScheme);
} finally {
  await browser.close();
}

// Every page, in a browser without a session.
async function takeAll(colorScheme) {
  const context = await browser.newContext({ viewport: VIEW, deviceScaleFactor: 2, colorScheme });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const take = (name) => page.screenshot({ path: join(plan.folder, `${name}-${colorScheme}.png`), fullPage: true });

  await page.goto(new URL("/demo", plan.base_url).href);
  await take("demo");
  // No app began this sign-in, so that a refusal is a page.
  await page.goto(new URL("/saml/sso/acme.com", plan.base_url).href);
  await page.getByRole("button", { name: "Grace Hopper" }).click();
  await page.getByRole("heading", { name: "We couldn’t sign you in" }).waitFor();
  await take("refused");
  await context.close();
}

// Creates a user through SCIM: an inactive one is refused at the sign-in.
async function provision(userName, attributes) {
  const answer = await fetch(`${plan.scim.base_url}/Users`, {
    method: "POST",
    headers: { authorization: `Bearer ${plan.scim.token}`, "content-type": "application/scim+json" },
    body: JSON.stringify({ schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName, ...attributes }),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function read(stream) {
  let text = "";
  for await (const piece of stream) text += piece;
  return text;
}
