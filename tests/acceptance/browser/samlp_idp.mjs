// An identity provider with Auth0's samlp: its metadata, a login form, a signed response.
//
// GATEHOUSE_IDP_DATA is the folder of the run: `idp.key`, `idp.pem` and, read at every request,
// `sps.json`, a list of {metadata, response, assertion, encrypt, weak}. It listens on GATEHOUSE_IDP_URL.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import express from "express";
import samlp from "samlp";

const { GATEHOUSE_IDP_DATA: data, GATEHOUSE_IDP_URL: url } = process.env;
const read = (name) => readFileSync(join(data, name), "utf8");
const key = read("idp.key");
const cert = read("idp.pem");

const claim = (name) => `http://schemas.xmlsoap.org/ws/2005/05/identity/claims/${name}`;
// Several names of one person have one id.
const people = {
  ada: { id: "00u-ada", email: "ada@acme.org", given: "Ada", family: "Lovelace" },
  "ada.king": { id: "00u-ada", email: "ada.king@acme.org", given: "Ada", family: "King" },
  "ada.noel": { id: "00u-ada", email: "ada.noel@acme.org", given: "Ada", family: "Noel" },
  grace: { id: "00u-grace", email: "grace@acme.org", given: "Grace", family: "Hopper" },
};

const app = express();
app.use(express.urlencoded({ extended: false }));

app.get("/metadata", samlp.metadata({ issuer: `${url}/idp`, cert, redirectEndpointPath: "/sso", postEndpointPath: "/sso" }));

app.get("/sso", (request, response) => {
  const { SAMLRequest = "", RelayState = "" } = request.query;
  const hidden = (name, value) => `<input type="hidden" name="${name}" value="${escape(value)}">`;
  response.send(`<!doctype html><title>Sign in</title><form method="post">
    <input name="username" aria-label="Name"><input name="password" type="password" aria-label="Password">
    ${hidden("SAMLRequest", SAMLRequest)}${hidden("RelayState", RelayState)}<button>Sign in</button></form>`);
});

app.post("/sso", (request, response, next) => {
  const person = people[request.body.username];
  if (!person || request.body.password !== "secret") return response.status(401).send("Unknown name or password");
  samlp.parseRequest(request, (error, asked) => {
    if (error) return next(error);
    const sp = serviceProviders().find((sp) => sp.entityId === asked.issuer);
    if (!sp) return response.status(403).send(`Unknown service provider ${asked.issuer}`);
    samlp.auth({ ...options(sp, asked), getUserFromRequest: () => person })(request, response, next);
  });
});

// The options of samlp for one request.
function options(sp, asked) {
  return {
    issuer: `${url}/idp`,
    cert,
    key,
    audience: sp.entityId,
    recipient: sp.acsUrl,
    destination: sp.acsUrl,
    inResponseTo: asked.id,
    lifetimeInSeconds: 300,
    includeAttributeNameFormat: true,
    authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    ...(sp.weak && { signatureAlgorithm: "rsa-sha1", digestAlgorithm: "sha1" }),
    signResponse: sp.response,
    signAssertion: sp.assertion,
    ...(sp.encrypt && { encryptionCert: sp.encryptionCert, encryptionPublicKey: sp.encryptionKey }),
    getPostURL: (_audience, _request, _express, callback) => callback(null, sp.acsUrl),
    profileMapper: (person) => ({
      getClaims: () => ({
        [claim("emailaddress")]: person.email,
        [claim("givenname")]: person.given,
        [claim("surname")]: person.family,
      }),
      getNameIdentifier: () => ({
        nameIdentifier: person.id,
        nameIdentifierFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
      }),
    }),
  };
}

// The service providers of `sps.json`, with the entity id, the ACS and the certificate of their metadata.
function serviceProviders() {
  return JSON.parse(read("sps.json")).map((sp) => {
    const encryption = /<[^>]*KeyDescriptor[^>]*use="encryption"[\s\S]*?X509Certificate>([^<]+)</.exec(sp.metadata);
    const certificate = encryption && new X509Certificate(Buffer.from(encryption[1], "base64"));
    return {
      ...sp,
      entityId: /entityID="([^"]+)"/.exec(sp.metadata)[1],
      acsUrl: /AssertionConsumerService[^>]*Location="([^"]+)"/.exec(sp.metadata)[1],
      encryptionCert: certificate?.toString(),
      encryptionKey: certificate?.publicKey.export({ type: "spki", format: "pem" }),
    };
  });
}

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const { hostname, port } = new URL(url);
app.listen(Number(port), hostname);
