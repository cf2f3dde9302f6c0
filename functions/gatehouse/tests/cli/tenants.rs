//! Tenants, tokens, licences, and what identity providers put here.

use axum::http::Method;
use harness::TestApp;
use serde_json::json;

use crate::deployment::Deployment;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_found_by_each_of_its_names_changed_and_deleted() {
    let here = Deployment::new().await;
    let made = here.run("tenants create Globex --external-id customer-17 --strict", 0).await;
    let id = made.field("Id").to_owned();
    assert!(made.out.contains(&format!("gatehouse tokens create {id}")));
    for name in [id.as_str(), "customer-17", "globex"] {
        let (text, json) = here.both(&format!("tenants show {name}")).await;
        assert!(text.contains("External id  customer-17"), "{text}");
        assert_eq!((&json["id"], &json["strict"]), (&json!(id), &json!(true)));
    }
    let (text, json) = here.both("tenants list").await;
    assert_eq!(json["items"].as_array().unwrap().len(), 2);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("ID") && lines.len() == 3, "{text}");
    let column = lines[0].find("NAME").unwrap();
    assert!(lines[1][column..].starts_with("Acme") && lines[2][column..].starts_with("Globex"));

    let changed = here
        .run("tenants update customer-17 --name Initech --no-external-id --strict=false --json", 0)
        .await
        .json();
    assert_eq!(changed["name"], "Initech");
    assert_eq!((&changed["external_id"], &changed["strict"]), (&json!(null), &json!(false)));
    let nothing = here.run("tenants update Initech", 2).await;
    assert!(nothing.err.contains("nothing to change"), "{}", nothing.err);

    // Nobody is at the keyboard to be asked.
    let asked = here.run("tenants delete Initech", 2).await;
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    here.run("tenants show Initech", 0).await;
    assert_eq!(here.run("tenants delete Initech --yes --json", 0).await.json()["done"], true);
    here.run("tenants show Initech", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_tenants_have_names_neither() {
    let here = Deployment::new().await;
    // A tenant's own id for another may be its name.
    here.run("tenants create Twin", 0).await;
    here.run("tenants create Other --external-id twin", 0).await;
    let said = here.run("tenants delete twin --yes", 2).await;
    assert!(said.err.contains("several tenants, take an id"), "{}", said.err);
    assert_eq!(
        here.run("tenants list --json", 0).await.json()["items"].as_array().unwrap().len(),
        3
    );
    // An id of one's own may look like one of ours.
    let uuid = "01938c2e-0000-7000-8000-000000000000";
    here.run(&format!("tenants create Third --external-id {uuid}"), 0).await;
    assert_eq!(here.run(&format!("tenants show {uuid} --json"), 0).await.json()["name"], "Third");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_that_there_is_more_and_goes_on_from_there() {
    let here = Deployment::new().await;
    for name in ["Bar", "Baz"] {
        here.run(&format!("tenants create {name}"), 0).await;
    }
    let said = here.run("tenants list --limit 2", 0).await;
    assert_eq!(said.out.lines().count(), 3);
    assert!(said.err.contains("There is more"), "{}", said.err);
    let page = here.run("tenants list --limit 2 --json", 0).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = here.run(&format!("tenants list --cursor {cursor} --json"), 0).await.json();
    assert_eq!((&rest["items"][0]["name"], &rest["next_cursor"]), (&json!("Baz"), &json!(null)));
    let all = here.run("tenants list --all", 0).await;
    assert_eq!((all.out.lines().count(), all.err.as_str()), (4, ""));
}

/// What SCIM answers to a token.
async fn users(test: &TestApp, token: &str) -> u16 {
    test.scim_as(token, Method::GET, "/Users", None).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let here = Deployment::new().await;
    let made = here.run("tokens create Acme --days 90", 0).await;
    let token = made.field("Token").to_owned();
    assert!(token.starts_with("gh_scim_"));
    assert!(!made.err.contains(&token) && made.err.contains("not shown again"), "{}", made.err);
    assert_eq!(users(&here.test, &token).await, 200);

    let (text, json) = here.both("tokens list Acme").await;
    assert!(!text.contains(&token) && !json.to_string().contains(&token));
    let end = &token[token.len() - 4..];
    assert!(text.contains(end), "{text}");
    let full = here.run("tokens create Acme --json", 1).await;
    assert!(full.err.contains("two tokens are live"), "{}", full.err);

    let id = made.field("Id");
    here.run(&format!("tokens revoke Acme {id}"), 0).await;
    assert_eq!(users(&here.test, &token).await, 401);
    here.run(&format!("tokens revoke Acme {id}"), 4).await;
    let made = here.run("tokens create Acme --expires-at 2030-01-01T00:00:00Z --json", 0).await;
    assert_eq!(made.json()["expires_at"], "2030-01-01T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_one_rule_of_the_licences_leaves_the_others() {
    let here = Deployment::new().await;
    let set = here.run("seats set Acme --seats 50 --on-join view-only", 0).await;
    assert_eq!((set.field("Seats"), set.field("New users get")), ("50", "view_only"));
    here.run("seats set Acme --auto-upgrade", 0).await;
    let (text, json) = here.both("seats show Acme").await;
    assert!(text.contains("Seats            50"), "{text}");
    let expected = json!({"seats": 50, "used": 0, "auto_upgrade": true, "on_join": "view_only"});
    assert_eq!(json, expected);
    let set = here.run("seats set Acme --unlimited --json", 0).await.json();
    assert_eq!((&set["seats"], &set["auto_upgrade"]), (&json!(null), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_shown_in_brief() {
    let here = Deployment::new().await;
    let user = here.test.user("ada@acme.com").await;
    let group = json!({"displayName": "Engineers", "members": [{"value": user}]});
    let group = here.test.post("/Groups", group).await.expect(201).text("id");
    let (text, json) = here.both("users list Acme").await;
    assert!(text.contains("ada@acme.com"), "{text}");
    assert_eq!(json["items"][0]["id"], user.as_str());
    let (text, json) = here.both("groups list Acme").await;
    assert!(text.contains("Engineers"), "{text}");
    assert_eq!(json["items"][0]["id"], group.as_str());
    let (text, json) = here.both(&format!("groups members Acme {group}")).await;
    assert!(text.contains(&user) && text.contains("User"), "{text}");
    assert_eq!(json["items"], json!([{"id": user, "type": "User", "display": null}]));
    here.run("groups members Acme 6f6c1d0e-1d0b-4c43-8d3b-0e6a1b1f9a55", 4).await;
    here.run("groups members Acme nonsense", 4).await;
    here.run("seats set Acme --seats 5", 0).await;
    here.run("connections set Acme acme.com", 0).await;
    let (text, json) = here.both("activity Acme --limit 5").await;
    assert!(text.contains("connection.set"), "{text}");
    assert_eq!(json["items"][0]["actor"], "operator");
    let nobody = here.run("tenants create Empty", 0).await;
    let (text, _) = here.both(&format!("users list {}", nobody.field("Id"))).await;
    assert_eq!(text, "No user.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_cannot_draw_on_the_terminal() {
    let test = TestApp::new().await;
    let name = "\u{1b}[2J\u{202e}evil";
    test.post("/Users", json!({"userName": name})).await.expect(201);
    let here = Deployment::of(test).await;
    let said = here.run("users list Acme", 0).await;
    assert!(said.out.contains(r"\u{1b}[2J\u{202e}evil"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_cannot_be_written_is_no_success() {
    let here = Deployment::new().await;
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    // Only Linux has such a device.
    let Ok(device) = full() else { return };
    let mut command = here.command(&["tenants", "list"]);
    command.stdout(device);
    let said = crate::deployment::run(command, "").await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("standard output"), "{}", said.err);
}
