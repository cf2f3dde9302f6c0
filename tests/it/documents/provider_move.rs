//! The commands of "Move a customer to another identity provider" do what the section says.

use axum::http::Method;
use harness::TestApp;
use harness::browser::{Idp, person};
use harness::oidc::GOOD;
use harness::saml::metadata;
use harness::{OPERATOR_KEY, browser};
use serde_json::{Value, json};

use super::{execute, serve, shell};
use crate::tidy::text;

const DOCUMENT: &str = "docs/authority.md";
const SECTION: &str = "## Move a customer to another identity provider\n";

const OKTA: Idp = Idp::at("acme.com", "http://www.okta.com/exk1");
const ENTRA: Idp = Idp::at("acme.com", "https://sts.windows.net/f8a2d6b0/");

/// Returns the commands of the section, in order.
fn commands() -> [String; 3] {
    let page = text(DOCUMENT.as_ref()).unwrap();
    let (_, rest) = page.split_once(SECTION).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

struct Customer {
    test: TestApp,
    base: String,
}

impl Customer {
    async fn run(&self, command: &str, user: &str) -> String {
        let settings = json!({"idp_metadata_xml": metadata::usual(ENTRA.issuer)});
        let mut shell = shell("provider-move", command, &settings);
        shell.envs([
            ("BASE", self.base.as_str()),
            ("TENANT", &self.test.acme.id),
            ("OPERATOR_KEY", OPERATOR_KEY),
            ("USER_ID", user),
        ]);
        execute(shell, DOCUMENT).await
    }

    async fn user(&self, body: Value) -> String {
        self.test.post("/Users", body).await.expect(201).text("id")
    }

    /// Signs in; returns the user, or the code of the refusal.
    async fn sign_in(&self, idp: Idp, name_id: &str, email: &str) -> Result<String, String> {
        self.test.sign_in_at(idp, person(name_id, email)).await;
        let record = self.test.sign_ins().await.swap_remove(0);
        match (record["user"].as_str(), record["code"].as_str()) {
            (Some(user), None) => Ok(user.to_owned()),
            (None, Some(code)) => Err(code.to_owned()),
            _ => panic!("{record}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_moves_from_okta_to_entra_by_the_commands_of_the_document() {
    let test = TestApp::with(|config| config.base_url = Some(browser::BASE.to_owned())).await;
    test.travel().await;
    test.connect("acme.com", &metadata::usual(OKTA.issuer), json!({})).await.expect(200);
    let (base, server) = serve(&test).await;
    let customer = Customer { test, base };
    let test = &customer.test;
    let ada = customer.user(json!({"userName": "ada@acme.com"})).await;
    let bo = customer.user(json!({"userName": "bo@acme.com", "externalId": "entra-bo"})).await;
    let cy = customer.user(json!({"userName": "cy@acme.com"})).await;
    for (user, name_id, email) in
        [(&ada, "00u1", "ada@acme.com"), (&bo, "00u2", "bo@acme.com"), (&cy, "00u3", "cy@acme.com")]
    {
        assert_eq!(customer.sign_in(OKTA, name_id, email).await.as_ref(), Ok(user));
    }
    let app = test.app(false).await;
    let mut browser = browser::Browser::default();
    let path = format!("/oauth2/authorize?{}", app.query(GOOD));
    browser.sign_in(test, &path, OKTA, person("00u1", "ada@acme.com")).await.expect(303);
    let silent = format!("{path}&prompt=none");
    assert!(browser.get(test, &silent).await.redirected("code").is_some());

    let [put, list, unlink] = commands();
    customer.run(&put, &ada).await;
    // The sessions of the former provider ended, and it signs nobody in.
    let answer = browser.get(test, &silent).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
    let (_, refused) = test.sign_in_at(OKTA, person("00u1", "ada@acme.com")).await;
    refused.expect(403);
    // People are the users that they were: by address, and by `externalId` under a new address.
    for (user, name_id, email) in [
        (&ada, "entra-ada", "ada@acme.com"),
        (&bo, "entra-bo", "robert@acme.com"),
        (&cy, "entra-cy", "cy@acme.com"),
    ] {
        assert_eq!(customer.sign_in(ENTRA, name_id, email).await.as_ref(), Ok(user));
    }
    // Accounts that were made anew at the provider have other identities.
    for (name_id, email) in [("entra-ada-2", "ada@acme.com"), ("entra-cy-2", "cy@acme.com")] {
        let refused = customer.sign_in(ENTRA, name_id, email).await;
        assert_eq!(refused, Err("user.linked".to_owned()));
    }
    let shown: Value = serde_json::from_str(&customer.run(&list, &ada).await).unwrap();
    let linked = |record: &&Value| record["code"] == "user.linked";
    assert_eq!(shown["items"].as_array().unwrap().iter().filter(linked).count(), 2);
    // The directory sends the new identity: the link moves, and the activity says so.
    let operations = json!([{"op": "add", "path": "externalId", "value": "entra-ada-2"}]);
    test.patch(&format!("/Users/{ada}"), operations).await.expect(200);
    assert_eq!(customer.sign_in(ENTRA, "entra-ada-2", "ada@acme.com").await, Ok(ada.clone()));
    let activity = format!("/v1/tenants/{}/activity", test.acme.id);
    let activity = test.operator(Method::GET, &activity, None).await.expect(200).json();
    let moved = |entry: &&Value| entry["action"] == "link.moved";
    assert_eq!(activity["items"].as_array().unwrap().iter().filter(moved).count(), 1);
    // Or the operator removes the link.
    customer.run(&unlink, &cy).await;
    assert_eq!(customer.sign_in(ENTRA, "entra-cy-2", "cy@acme.com").await, Ok(cy));
    // The former identities lead nowhere.
    for (name_id, email) in [("entra-ada", "ada@acme.com"), ("entra-cy", "cy@acme.com")] {
        let refused = customer.sign_in(ENTRA, name_id, email).await;
        assert_eq!(refused, Err("user.linked".to_owned()));
    }
    server.abort();
}
