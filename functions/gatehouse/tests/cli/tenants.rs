//! `gatehouse tenants`, `tokens`, `seats`, `domains`, `users`, `groups` and `activity`.

use axum::http::Method;
use harness::TestApp;
use serde_json::json;

use crate::deployment::Deployment;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_created_found_by_id_and_names_changed_and_deleted() {
    let deployment = Deployment::new().await;
    let made = deployment.run("tenants create Globex --external-id customer-17 --strict", 0).await;
    let id = made.field("Id").to_owned();
    assert!(made.out.contains(&format!("gatehouse tokens create {id}")));
    for name in [id.as_str(), "customer-17", "globex"] {
        let (text, json) = deployment.both(&format!("tenants show {name}")).await;
        assert!(text.contains("External id  customer-17"), "{text}");
        assert_eq!((&json["id"], &json["strict"]), (&json!(id), &json!(true)));
    }
    let (text, json) = deployment.both("tenants list").await;
    assert_eq!(json["items"].as_array().unwrap().len(), 2);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("ID") && lines.len() == 3, "{text}");
    let column = lines[0].find("NAME").unwrap();
    assert!(lines[1][column..].starts_with("Acme") && lines[2][column..].starts_with("Globex"));

    let changed = deployment
        .run("tenants update customer-17 --name Initech --no-external-id --strict=false --json", 0)
        .await
        .json();
    assert_eq!(changed["name"], "Initech");
    assert_eq!((&changed["external_id"], &changed["strict"]), (&json!(null), &json!(false)));
    let nothing = deployment.run("tenants update Initech", 2).await;
    assert!(nothing.err.contains("nothing to change"), "{}", nothing.err);

    // Standard input is no terminal.
    let asked = deployment.run("tenants delete Initech", 2).await;
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    deployment.run("tenants show Initech", 0).await;
    assert_eq!(deployment.run("tenants delete Initech --yes --json", 0).await.json()["done"], true);
    deployment.run("tenants show Initech", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_name_is_refused() {
    let deployment = Deployment::new().await;
    // The external id of one tenant may be the name of another.
    deployment.run("tenants create Twin", 0).await;
    deployment.run("tenants create Other --external-id twin", 0).await;
    let outcome = deployment.run("tenants delete twin --yes", 2).await;
    assert!(outcome.err.contains("several tenants: use an id"), "{}", outcome.err);
    assert_eq!(
        deployment.run("tenants list --json", 0).await.json()["items"].as_array().unwrap().len(),
        3
    );
    // An external id may have the form of our ids.
    let uuid = "01938c2e-0000-7000-8000-000000000000";
    deployment.run(&format!("tenants create Third --external-id {uuid}"), 0).await;
    assert_eq!(
        deployment.run(&format!("tenants show {uuid} --json"), 0).await.json()["name"],
        "Third"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_notes_that_there_is_more_and_continues_from_a_cursor() {
    let deployment = Deployment::new().await;
    for name in ["Bar", "Baz"] {
        deployment.run(&format!("tenants create {name}"), 0).await;
    }
    let outcome = deployment.run("tenants list --limit 2", 0).await;
    assert_eq!(outcome.out.lines().count(), 3);
    assert!(outcome.err.contains("There is more"), "{}", outcome.err);
    let page = deployment.run("tenants list --limit 2 --json", 0).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = deployment.run(&format!("tenants list --cursor {cursor} --json"), 0).await.json();
    assert_eq!((&rest["items"][0]["name"], &rest["next_cursor"]), (&json!("Baz"), &json!(null)));
    let all = deployment.run("tenants list --all", 0).await;
    assert_eq!((all.out.lines().count(), all.err.as_str()), (4, ""));
}

/// Returns the status of a SCIM request with a token.
async fn users(test: &TestApp, token: &str) -> u16 {
    test.scim_as(token, Method::GET, "/Users", None).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let deployment = Deployment::new().await;
    let made = deployment.run("tokens create Acme --days 90", 0).await;
    let token = made.field("Token").to_owned();
    assert!(token.starts_with("gh_scim_"));
    assert!(!made.err.contains(&token) && made.err.contains("not shown again"), "{}", made.err);
    assert_eq!(users(&deployment.test, &token).await, 200);

    let (text, json) = deployment.both("tokens list Acme").await;
    assert!(!text.contains(&token) && !json.to_string().contains(&token));
    let end = &token[token.len() - 4..];
    assert!(text.contains(end), "{text}");
    let full = deployment.run("tokens create Acme --json", 1).await;
    assert!(full.err.contains("two tokens are live"), "{}", full.err);

    let id = made.field("Id");
    deployment.run(&format!("tokens revoke Acme {id}"), 0).await;
    assert_eq!(users(&deployment.test, &token).await, 401);
    deployment.run(&format!("tokens revoke Acme {id}"), 4).await;
    let made =
        deployment.run("tokens create Acme --expires-at 2030-01-01T00:00:00Z --json", 0).await;
    assert_eq!(made.json()["expires_at"], "2030-01-01T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_one_seat_setting_keeps_the_others() {
    let deployment = Deployment::new().await;
    let set = deployment.run("seats set Acme --seats 50 --on-join view-only", 0).await;
    assert_eq!((set.field("Seats"), set.field("New users get")), ("50", "view_only"));
    deployment.run("seats set Acme --auto-upgrade", 0).await;
    let (text, json) = deployment.both("seats show Acme").await;
    assert!(text.contains("Seats            50"), "{text}");
    let expected = json!({"seats": 50, "used": 0, "auto_upgrade": true, "on_join": "view_only"});
    assert_eq!(json, expected);
    let set = deployment.run("seats set Acme --unlimited --json", 0).await.json();
    assert_eq!((&set["seats"], &set["auto_upgrade"]), (&json!(null), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_claimed_listed_and_given_up() {
    let deployment = Deployment::new().await;
    let claimed = deployment.run("domains add Acme acme.org", 0).await;
    assert_eq!(claimed.field("State"), "pending");
    assert_eq!(claimed.field("TXT record"), "_gatehouse.acme.org");
    let verified = deployment.run("domains add Acme acme.org --by-operator --json", 0).await.json();
    assert_eq!(verified["state"], "verified");
    let (text, json) = deployment.both("domains list Acme").await;
    assert!(text.contains("acme.org"), "{text}");
    assert_eq!(json["items"][0]["verified_by"], "operator");
    deployment.run("domains add Acme gmail.com --by-operator", 1).await;
    deployment.run("domains delete Acme acme.org --yes", 0).await;
    deployment.run("domains delete Acme acme.org --yes", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_groups_members_and_activity_are_listed() {
    let deployment = Deployment::new().await;
    let user = deployment.test.user("ada@acme.com").await;
    let group = json!({"displayName": "Engineers", "members": [{"value": user}]});
    let group = deployment.test.post("/Groups", group).await.expect(201).text("id");
    let (text, json) = deployment.both("users list Acme").await;
    assert!(text.contains("ada@acme.com"), "{text}");
    assert_eq!(json["items"][0]["id"], user.as_str());
    let (text, json) = deployment.both("groups list Acme").await;
    assert!(text.contains("Engineers"), "{text}");
    assert_eq!(json["items"][0]["id"], group.as_str());
    let (text, json) = deployment.both(&format!("groups members Acme {group}")).await;
    assert!(text.contains(&user) && text.contains("User"), "{text}");
    assert_eq!(json["items"], json!([{"id": user, "type": "User", "display": null}]));
    deployment.run("groups members Acme 6f6c1d0e-1d0b-4c43-8d3b-0e6a1b1f9a55", 4).await;
    deployment.run("groups members Acme nonsense", 4).await;
    deployment.run("seats set Acme --seats 5", 0).await;
    deployment.run("connections set Acme acme.com", 0).await;
    let (text, json) = deployment.both("activity Acme --limit 5").await;
    assert!(text.contains("connection.set"), "{text}");
    assert_eq!(json["items"][0]["actor"], "operator");
    let nobody = deployment.run("tenants create Empty", 0).await;
    let (text, _) = deployment.both(&format!("users list {}", nobody.field("Id"))).await;
    assert_eq!(text, "No users.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_a_user_is_shown() {
    let deployment = Deployment::new().await;
    let ada = deployment.test.user("ada@acme.com").await;
    let grace =
        json!({"userName": "grace", "externalId": "00u 2", "emails": [{"value": "g@acme.com"}]});
    let grace = deployment.test.post("/Users", grace).await.expect(201).text("id");
    for (filter, id) in [
        ("--user-name ADA@acme.com", &ada),
        ("--email g@acme.com", &grace),
        ("--email g@acme.com --user-name grace", &grace),
    ] {
        let (_, json) = deployment.both(&format!("users list Acme {filter}")).await;
        let items = json["items"].as_array().unwrap();
        assert!(items.len() == 1 && items[0]["id"] == **id, "{filter}: {json}");
    }
    // A value with a space, in one argument.
    let mut command = deployment.command(&["users", "list", "Acme", "--json", "--external-id"]);
    command.arg("00u 2");
    let found = crate::deployment::run(command, "").await.json();
    assert_eq!(found["items"][0]["id"], grace);
    let none = deployment.run("users list Acme --external-id 00u", 0).await;
    assert_eq!(none.out, "No users.\n");

    let (text, json) = deployment.both(&format!("users show Acme {ada}")).await;
    assert!(text.contains("User name    ada@acme.com"), "{text}");
    assert!(text.ends_with("No links.\n\nNo sessions.\n"), "{text}");
    assert_eq!(json["links"], json!([]));
    deployment.run("users show Acme nobody", 4).await;

    deployment.run("tenants create Globex --external-id customer-17", 0).await;
    for filter in ["--name globex", "--external-id customer-17"] {
        let (_, json) = deployment.both(&format!("tenants list {filter}")).await;
        assert_eq!(json["items"].as_array().unwrap().len(), 1, "{filter}");
        assert_eq!(json["items"][0]["name"], "Globex");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_cannot_control_the_terminal() {
    let test = TestApp::new().await;
    let name = "\u{1b}[2J\u{202e}evil";
    test.post("/Users", json!({"userName": name})).await.expect(201);
    let deployment = Deployment::of(test).await;
    let outcome = deployment.run("users list Acme", 0).await;
    assert!(outcome.out.contains(r"\u{1b}[2J\u{202e}evil"), "{}", outcome.out);
    assert!(!outcome.out.contains('\u{1b}') && !outcome.out.contains('\u{202e}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_to_standard_output_is_an_error() {
    let deployment = Deployment::new().await;
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    // Only Linux has this device.
    let Ok(device) = full() else { return };
    let mut command = deployment.command(&["tenants", "list"]);
    command.stdout(device);
    let outcome = crate::deployment::run(command, "").await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("standard output"), "{}", outcome.err);
}
