//! Starts the server `local`, whose DynamoDB and Secrets Manager the functions use.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use harness::bench;
use serde_json::{Value, json};

use crate::{event, http};

/// A running `local` with its data in memory.
pub(crate) struct Server {
    process: Child,
    facts: Value,
}

impl Server {
    /// Starts the server.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(bench::local())
            .args(["--ephemeral", "--port", "0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, facts: serde_json::from_str(&line).unwrap() }
    }

    /// Returns a value of the JSON that the server has printed.
    pub(crate) fn fact(&self, pointer: &str) -> &str {
        self.facts.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    /// Returns the address, `host:port`, of a URL in the same JSON.
    pub(crate) fn address(&self, pointer: &str) -> &str {
        self.fact(pointer).trim_start_matches("http://")
    }

    /// Returns each function that API Gateway calls, with a typical request.
    pub(crate) fn first_requests(&self) -> [(&'static str, String); 6] {
        let host = json!({"host": "id.example.com"});
        let bearer = format!("Bearer {}", self.fact("/scim/token"));
        let scim = json!({"host": "id.example.com", "authorization": bearer});
        let user = format!("/scim/v2/Users/{}", self.user(&bearer));
        // Creates the keys, which must not be part of the measurement.
        self.get("/oauth2/jwks");
        self.get("/saml/metadata/acme.com");
        [
            ("scim", event::get(&user, &scim)),
            ("saml-acs", event::get("/saml/sso/acme.com", &host)),
            ("saml-metadata", event::get("/saml/metadata/acme.com", &host)),
            ("oidc", event::get("/oauth2/jwks", &host)),
            ("admin", event::get("/v1/tenants", &host)),
            // The document: a token would be of the issuer of the server, which is another.
            ("directory", event::get("/directory/v1/openapi.json", &host)),
        ]
    }

    fn user(&self, bearer: &str) -> String {
        let body = json!({"userName": "ada@acme.com"}).to_string();
        let head = format!("authorization: {bearer}\r\ncontent-type: application/scim+json");
        let made = self.request("POST", "/scim/v2/Users", &head, &body);
        made["id"].as_str().unwrap().to_owned()
    }

    fn get(&self, path: &str) {
        self.request("GET", path, "accept: */*", "");
    }

    /// Sends a SCIM request that must succeed to the server itself; returns its JSON.
    pub(crate) fn scim(&self, method: &str, path: &str, body: &Value) -> Value {
        let token = self.fact("/scim/token");
        let head = format!("authorization: Bearer {token}\r\ncontent-type: application/scim+json");
        self.request(method, &format!("/scim/v2{path}"), &head, &body.to_string())
    }

    fn request(&self, method: &str, path: &str, head: &str, body: &str) -> Value {
        let address = self.address("/base_url");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answer = http::call(address, request.as_bytes());
        assert!(answer.first_line.starts_with("HTTP/1.1 2"), "{path}: {}", answer.first_line);
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
