//! Two versions of Gatehouse on one table: each meets rows of the older and attributes of the newer
//! one. This happens in every deployment, while traffic moves from one version to the other.
//!
//! `tests/fixtures/table/<version>.json` is the table of a deployment of that version. To record
//! the table of this version when it is released:
//!
//! ```console
//! $ GATEHOUSE_RECORD=0.1.0 cargo test -p tests --test it versions
//! ```

use std::collections::BTreeSet;
use std::fs;

use axum::http::Method;
use harness::browser::{BASE, Browser, draft};
use harness::items::text;
use harness::oidc::{App, GOOD};
use harness::saml::draft::claim;
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::tidy::workspace;

/// A deployment that has been used, and the credentials that its users still hold.
struct UsedDeployment {
    test: TestApp,
    /// A public client, so that the recording contains no secret.
    app: App,
    users: Vec<String>,
    group: String,
    session: String,
    refresh_token: String,
    /// Rows from before it was used.
    others: BTreeSet<(String, String)>,
    /// Address of the person whom SCIM has not created; none for that of the usual response.
    person: Option<&'static str>,
}

impl UsedDeployment {
    /// Uses everything that writes rows.
    async fn new() -> Self {
        let test = TestApp::with_connection(json!({"jit": true, "keep_claims": true})).await;
        let tenant = format!("/v1/tenants/{}", test.acme.id);
        let named = json!({"external_id": "customer-17"});
        test.operator(Method::PATCH, &tenant, Some(named)).await.expect(200);
        let seats = json!({"seats": 20, "on_join": "grant", "auto_upgrade": true});
        test.operator(Method::PUT, &format!("{tenant}/seats"), Some(seats)).await.expect(200);
        let mut users = Vec::new();
        for name in ["ada", "grace", "linus"] {
            let user = json!({
                "userName": format!("{name}@example.com"),
                "externalId": format!("00u-{name}"),
                "emails": [{"value": format!("{name}@acme.com"), "primary": true}],
                "favouriteColour": "green",
            });
            users.push(test.post("/Users", user).await.expect(201).text("id"));
        }
        test.set_active(&users[2], false).await;
        let members: Vec<Value> = users.iter().map(|id| json!({"value": id})).collect();
        let group = json!({"displayName": "Engineers", "externalId": "g-1", "members": members});
        let group = test.post("/Groups", group).await.expect(201).text("id");
        let app = test.app(true).await;
        let scopes = GOOD.replace("scope=openid", "scope=openid+offline_access+groups");
        let sign_in = test.sign_in(&app, &users[0], &scopes).await;
        let deployment = Self {
            session: sign_in.cookie,
            refresh_token: String::new(),
            test,
            app,
            users,
            group,
            others: BTreeSet::new(),
            person: Some("hedy@acme.com"),
        };
        let tokens = deployment.token(&App::redemption(&sign_in.code)).await;
        // One SAML sign-in of a person whom SCIM has not created, and one that is only started.
        deployment.saml_sign_in().await;
        Browser::default().begin(&deployment.test, "/saml/sso/acme.com").await;
        Self { refresh_token: tokens["refresh_token"].as_str().unwrap().to_owned(), ..deployment }
    }

    /// Loads the recording of a version into a deployment of this version.
    async fn recorded(version: &str) -> Self {
        let file = workspace().join(format!("tests/fixtures/table/{version}.json"));
        let recording: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let known = |name: &str| recording[name].as_str().unwrap().to_owned();
        let mut test = TestApp::with(|config| config.base_url = Some(BASE.to_owned())).await;
        test.travel().await;
        let others = test.items().await.iter().map(keys).collect();
        test.put_items(recording["items"].as_array().unwrap()).await;
        let id = known("tenant");
        let tokens = format!("/v1/tenants/{id}/scim-tokens");
        let token = test.operator(Method::POST, &tokens, None).await.expect(201).text("token");
        test.acme = Tenant { id, token };
        let users = recording["users"].as_array().unwrap().iter();
        Self {
            others,
            app: App { client_id: known("client_id"), client_secret: None },
            users: users.map(|id| id.as_str().unwrap().to_owned()).collect(),
            group: known("group"),
            session: known("session"),
            refresh_token: known("refresh_token"),
            // Version 0.1.0 did not match a person by the address of a user.
            person: None,
            test,
        }
    }

    async fn recording(&self) -> Value {
        json!({
            "tenant": self.test.acme.id,
            "client_id": self.app.client_id,
            "users": self.users,
            "group": self.group,
            "session": self.session,
            "refresh_token": self.refresh_token,
            "items": self.test.items().await,
        })
    }

    async fn token(&self, form: &str) -> Value {
        let form = format!("{form}&client_id={}", self.app.client_id);
        self.test.form("/oauth2/token", None, &form).await.expect(200).json()
    }

    /// Signs in the person whom SCIM has not created.
    async fn saml_sign_in(&self) {
        let mut browser = Browser::default();
        let request = browser.begin(&self.test, "/saml/sso/acme.com").await;
        let mut draft = draft(Some(&request));
        if let Some(address) = self.person {
            draft.name_id = format!("<A:NameID>{address}</A:NameID>");
            draft.claims = vec![claim("email", &[address])];
        }
        let answer = browser.respond(&self.test, &draft.response()).await;
        answer.expect_one_of(&[200, 303]);
    }

    /// Reads everything that the use has left.
    async fn read_all(&self) {
        let test = &self.test;
        let list = test.get("/Users?count=100").await.expect(200).json();
        assert_eq!(list["totalResults"], 4);
        let ada = test.get("/Users?filter=externalId%20eq%20%2200u-ada%22").await.expect(200);
        let ada = ada.json()["Resources"][0].clone();
        assert_eq!((&ada["id"], &ada["favouriteColour"]), (&json!(self.users[0]), &json!("green")));
        let linus = test.get("/Users?filter=emails.value%20eq%20%22linus%40acme.com%22").await;
        assert_eq!(linus.expect(200).json()["Resources"][0]["active"], false);
        let group = test.get(&format!("/Groups/{}", self.group)).await.expect(200).json();
        assert_eq!(group["members"].as_array().unwrap().len(), 3);
        let tenant = format!("/v1/tenants/{}", test.acme.id);
        let seats = test.operator(Method::GET, &format!("{tenant}/seats"), None).await;
        assert_eq!(seats.expect(200).json()["used"], 3);
        let connection = format!("{tenant}/connections/acme.com");
        let connection = test.operator(Method::GET, &connection, None).await.expect(200).json();
        assert_eq!(
            (&connection["idp"]["entity_id"], &connection["jit"]),
            (&json!(IDP), &json!(true))
        );
        assert_eq!(test.sign_ins().await.len(), 1);
        let activity = test.operator(Method::GET, &format!("{tenant}/activity"), None).await;
        assert!(!activity.expect(200).json()["items"].as_array().unwrap().is_empty());
        let by_name = test.app.store.tenant_by_external_id("customer-17").await.unwrap().unwrap();
        assert_eq!(by_name.id.to_string(), test.acme.id);
        let asked = self.app.query(&format!("{GOOD}&prompt=none"));
        let answer = test.authorize(&asked, Some(&self.session)).await.expect(303);
        // A sign-in of version 0.1.0 has no generations: its next use ends it.
        assert_eq!(answer.redirected("error").as_deref(), Some("login_required"));
        let form = format!("grant_type=refresh_token&refresh_token={}", self.refresh_token);
        let form = format!("{form}&client_id={}", self.app.client_id);
        self.test.form("/oauth2/token", None, &form).await.expect(400);
    }

    /// Changes every kind of row that can be changed.
    async fn change_all(&self) {
        let test = &self.test;
        let tenant = format!("/v1/tenants/{}", test.acme.id);
        let (ada, grace, linus) = (&self.users[0], &self.users[1], &self.users[2]);
        let title = json!([{"op": "add", "path": "title", "value": "Countess"}]);
        test.patch(&format!("/Users/{ada}"), title).await.expect(200);
        test.set_active(linus, true).await;
        let renamed = json!({
            "userName": "grace.hopper@example.com",
            "externalId": "00u-grace",
            "emails": [{"value": "grace@acme.com"}],
        });
        test.scim(Method::PUT, &format!("/Users/{grace}"), Some(renamed)).await.expect(200);
        let group = format!("/Groups/{}", self.group);
        let leave = json!([{"op": "remove", "path": format!("members[value eq \"{linus}\"]")}]);
        test.patch(&group, leave).await.expect(200);
        let join = json!([{"op": "add", "path": "members", "value": [{"value": linus}]}]);
        test.patch(&group, join).await.expect(200);
        let name = json!([{"op": "replace", "path": "displayName", "value": "Engineers"}]);
        test.patch(&group, name).await.expect(200);
        let external_id = json!([{"op": "remove", "path": "externalId"}]);
        test.patch(&group, external_id).await.expect(200);
        let named = json!({"name": "Acme, Inc.", "external_id": "customer-17"});
        test.operator(Method::PATCH, &tenant, Some(named)).await.expect(200);
        let seats = json!({"seats": 30, "on_join": "view_only", "auto_upgrade": true});
        test.operator(Method::PUT, &format!("{tenant}/seats"), Some(seats)).await.expect(200);
        let client = format!("/v1/clients/{}", self.app.client_id);
        let uris = json!({"name": "Renamed", "initiate_login_uri": null});
        test.operator(Method::PATCH, &client, Some(uris)).await.expect(200);
        let connection = format!("{tenant}/connections/acme.com");
        let settings = json!({"jit": true, "keep_claims": false});
        test.operator(Method::PUT, &connection, Some(settings)).await.expect(200);
        let sign_ins = test.sign_ins().await;
        self.saml_sign_in().await;
        assert_eq!(self.test.sign_ins().await[0]["user"], sign_ins[0]["user"]);
    }

    /// Deletes everything. Only the activity, which expires, and rows without a tenant may stay; of
    /// events, that there was one.
    async fn delete_all(&self) {
        let test = &self.test;
        test.scim(Method::DELETE, &format!("/Groups/{}", self.group), None).await.expect(204);
        test.scim(Method::DELETE, &format!("/Users/{}", self.users[0]), None).await.expect(204);
        let tenant = format!("/v1/tenants/{}", test.acme.id);
        test.operator(Method::DELETE, &tenant, None).await.expect(204);
        let mut left = test.items().await;
        left.retain(|item| !self.others.contains(&keys(item)));
        let left: BTreeSet<_> = left.iter().map(|item| kind(item, test)).collect();
        let left: Vec<_> = left.iter().map(String::as_str).collect();
        assert_eq!(left, ["CLIENTS", "OUT", "Q", "t#A"]);
    }
}

/// Returns the kind of a row: its partition without ids.
fn kind(item: &Value, test: &TestApp) -> String {
    let (pk, id) = (text(item, "pk"), test.acme.id.as_str());
    let pk = pk.replace(id, "t");
    let words = if pk.starts_with("t#") { 2 } else { 1 };
    pk.split('#').take(words).collect::<Vec<_>>().join("#")
}

#[tokio::test]
async fn rows_of_version_0_1_0_can_be_read_changed_and_deleted() {
    if let Some(version) = option_env!("GATEHOUSE_RECORD") {
        let recording = UsedDeployment::new().await.recording().await;
        let file = workspace().join(format!("tests/fixtures/table/{version}.json"));
        fs::write(file, serde_json::to_string_pretty(&recording).unwrap() + "\n").unwrap();
    }
    let deployment = UsedDeployment::recorded("0.1.0").await;
    deployment.read_all().await;
    // The keys of the identity provider are generated for each run.
    let xml = metadata::usual(IDP);
    deployment.test.connect("acme.com", &xml, json!({"jit": true})).await.expect(200);
    deployment.change_all().await;
    deployment.read_all_after_change().await;
    deployment.delete_all().await;
}

/// Rule 5 of `docs/authority.md`: the name counts as a verified domain until it is given up.
#[tokio::test]
async fn the_domain_of_a_connection_of_0_1_0_can_be_given_up() {
    let deployment = UsedDeployment::recorded("0.1.0").await;
    let test = &deployment.test;
    let eve = test.tenant("Eve").await;
    let word = || Some(json!({"verified_by": "operator"}));
    let of_eve = format!("/v1/tenants/{}/domains/acme.com", eve.id);
    test.operator(Method::PUT, &of_eve, word()).await.expect(409);
    let path = format!("/v1/tenants/{}/domains/acme.com", test.acme.id);
    let shown = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["verified_by"]), (&json!("verified"), &json!("operator")));
    test.operator(Method::DELETE, &path, None).await.expect(204);
    test.operator(Method::GET, &path, None).await.expect(404);
    test.operator(Method::PUT, &of_eve, word()).await.expect(200);
}

impl UsedDeployment {
    async fn read_all_after_change(&self) {
        let test = &self.test;
        let ada = test.get(&format!("/Users/{}", self.users[0])).await.expect(200).json();
        assert_eq!((&ada["title"], &ada["favouriteColour"]), (&json!("Countess"), &json!("green")));
        let total = test.get("/Users?count=0").await.expect(200).json();
        assert_eq!(total["totalResults"], 4);
        let seats = format!("/v1/tenants/{}/seats", test.acme.id);
        let seats = test.operator(Method::GET, &seats, None).await.expect(200).json();
        assert_eq!((&seats["seats"], &seats["used"]), (&json!(30), &json!(4)));
    }

    /// Adds an attribute to every row, and a field to every JSON document, as a newer version may.
    async fn add_unknown_attributes(&self) {
        let mut items = self.test.items().await;
        for item in &mut items {
            item["zz_newer"] = json!({"S": "kept"});
            if text(item, "sk").starts_with("IDP#") {
                let mut document: Value = serde_json::from_str(&text(item, "d")).unwrap();
                for part in ["", "/settings", "/trust"] {
                    document.pointer_mut(part).unwrap()["zz_newer"] = "kept".into();
                }
                item["d"]["S"] = document.to_string().into();
            }
        }
        self.test.put_items(&items).await;
    }
}

#[tokio::test]
async fn attributes_of_a_newer_version_survive_every_change() {
    let deployment = UsedDeployment::new().await;
    let before: BTreeSet<_> = deployment.test.items().await.iter().map(keys).collect();
    deployment.add_unknown_attributes().await;
    deployment.change_all().await;
    let mut kept = BTreeSet::new();
    for item in deployment.test.items().await {
        // A member or a name that was removed and added again is a new row, and a finished sign-in
        // has no row.
        if before.contains(&keys(&item)) && !is_new(&item, &deployment) {
            assert_eq!(item["zz_newer"]["S"], "kept", "{item}");
            kept.insert(kind(&item, &deployment.test));
        }
        if text(&item, "sk").starts_with("IDP#") {
            assert_eq!(text(&item, "d").matches("\"zz_newer\":\"kept\"").count(), 3, "{item}");
        }
    }
    for kind in ["CLIENTS", "DOM", "t#C", "t#G", "t#L", "t#N", "t#O", "t#T", "t#U"] {
        assert!(kept.contains(kind), "{kind} is not in {kept:?}");
    }
    deployment.read_all_after_change().await;
    deployment.delete_all().await;
}

fn keys(item: &Value) -> (String, String) {
    (text(item, "pk"), text(item, "sk"))
}

/// Whether `change_all` deletes and creates the row.
fn is_new(item: &Value, deployment: &UsedDeployment) -> bool {
    let is_member = text(item, "pk").ends_with(&format!("#GM#{}", deployment.group));
    is_member && text(item, "sk") == deployment.users[2]
}

#[tokio::test]
async fn an_older_and_a_newer_process_take_turns() {
    let deployment = UsedDeployment::new().await;
    let other = |deployment: &UsedDeployment| {
        let app = deployment.test.with_config(deployment.test.app.config.clone());
        let router = shared::scim_api::router(app.clone())
            .merge(harness::openapi::router(app.clone()))
            .merge(shared::oidc_api::router(app));
        deployment.test.beside(router)
    };
    let (older, newer) = (other(&deployment), other(&deployment));
    let user = format!("/Users/{}", deployment.users[0]);
    let group = format!("/Groups/{}", deployment.group);
    for turn in 0..6 {
        let (process, is_newer) = if turn % 2 == 0 { (&older, false) } else { (&newer, true) };
        let title = json!([{"op": "replace", "path": "title", "value": format!("{turn}")}]);
        let patched = process.patch(&user, title).await.expect(200);
        assert_eq!(patched.text("title"), turn.to_string());
        process.set_active(&deployment.users[1], turn % 2 == 0).await;
        let member = json!({"value": deployment.users[2]});
        let operation = if is_newer { "add" } else { "remove" };
        let path = format!("members[value eq \"{}\"]", deployment.users[2]);
        let change = match operation {
            "add" => json!([{"op": "add", "path": "members", "value": [member]}]),
            _ => json!([{"op": "remove", "path": path}]),
        };
        process.patch(&group, change).await.expect(200);
        let made = json!({"userName": format!("turn-{turn}@acme.com")});
        process.post("/Users", made).await.expect(201);
        if is_newer {
            deployment.add_unknown_attributes().await;
        } else {
            strip(&deployment).await;
        }
    }
    // Both read the same, and the numbers agree.
    for process in [&older, &newer] {
        let list = process.get("/Users?count=100").await.expect(200).json();
        assert_eq!(list["totalResults"], 10);
        assert_eq!(list["Resources"].as_array().unwrap().len(), 10);
        let shown = process.get(&group).await.expect(200).json();
        assert_eq!(shown["members"].as_array().unwrap().len(), 3);
        let seats = format!("/v1/tenants/{}/seats", deployment.test.acme.id);
        let seats = process.operator(Method::GET, &seats, None).await.expect(200).json();
        let active = list["Resources"].as_array().unwrap().iter();
        let active = active.filter(|user| user["active"] != false).count();
        assert_eq!(seats["used"], active, "{list}");
    }
    deployment.delete_all().await;
}

/// Removes the optional attributes from all rows, as a version does that knows neither the mark of
/// the last write nor newer attributes.
async fn strip(deployment: &UsedDeployment) {
    let mut items = deployment.test.items().await;
    for item in &mut items {
        item.as_object_mut().unwrap().retain(|name, _| name != "w" && name != "zz_newer");
    }
    // A put, which replaces the whole row.
    deployment.test.put_items(&items).await;
}
