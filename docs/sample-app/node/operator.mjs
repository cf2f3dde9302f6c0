// Calls the operator API on AWS, signed with the credentials of the function, task or shell that runs it.
//
//   npm install @smithy/signature-v4@5 @aws-crypto/sha256-js@5 @aws-sdk/credential-provider-node@3
//   BASE=https://id.example.com AWS_REGION=eu-central-1 node operator.mjs

import { Sha256 } from "@aws-crypto/sha256-js";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";

const { BASE, AWS_REGION } = process.env;
const signer = new SignatureV4({
  service: "execute-api",
  region: AWS_REGION,
  credentials: defaultProvider(),
  sha256: Sha256,
});

/** Sends a request and returns the JSON of its answer. `query` is an object, and `path` is without it. */
export async function call(method, path, { query = {}, body } = {}) {
  const url = new URL(path, BASE);
  // With spaces as the signature has them.
  url.search = String(new URLSearchParams(query)).replaceAll("+", "%20");
  const request = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query,
    headers: { host: url.host, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  };
  const { headers } = await signer.sign(request);
  const answer = await fetch(url, { method, headers, body: request.body });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

// For example: a customer of yours becomes a tenant, unless it is one already.
const externalId = "customer-17";
const known = await call("GET", "/v1/tenants", { query: { external_id: externalId } });
const tenant = known.items[0]
  ?? await call("POST", "/v1/tenants", { body: { name: "Globex", external_id: externalId } });
const users = await call("GET", `/v1/tenants/${tenant.id}/users`, { query: { email: "ada+1@globex.com" } });
console.log(`${tenant.name} has the id ${tenant.id}, and ${users.items.length} users with this address`);
