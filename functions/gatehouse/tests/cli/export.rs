//! `gatehouse tenants export`.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use harness::TestApp;
use harness::browser::{Browser, draft};
use serde_json::{Value, json};

use crate::deployment::{Deployment, directory};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_all_data_and_no_secret() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let mut browser = Browser::default();
    let request = browser.begin(&test, "/saml/sso/acme.com").await;
    browser.respond(&test, &draft(Some(&request)).response()).await.expect(200);
    // More than one page of users and of members.
    let mut members = Vec::new();
    for number in 0..101 {
        let body = json!({"userName": format!("u{number}@acme.com"), "title": "Engineer"});
        members.push(json!({"value": test.post("/Users", body).await.expect(201).text("id")}));
    }
    for name in ["Empty", "Everybody"] {
        let members = if name == "Empty" { Vec::new() } else { members.clone() };
        test.post("/Groups", json!({"displayName": name, "members": members})).await.expect(201);
    }
    let token = test.acme.token.clone();
    let deployment = Deployment::of(test).await;

    let outcome = deployment.run("tenants export Acme", 0).await;
    assert!(!outcome.out.contains(&token) && !outcome.out.contains("sha256"));
    let all = lines(&outcome.out);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for line in &all {
        *counts.entry(line["type"].as_str().unwrap()).or_default() += 1;
    }
    let activity = counts["activity"];
    let expected = [
        ("activity", activity),
        ("connection", 1),
        ("domain", 1),
        ("end", 1),
        ("group", 2),
        ("member", 101),
        ("seats", 1),
        ("sign_in", 1),
        ("tenant", 1),
        ("token", 1),
        ("user", 102),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    let end = all.last().unwrap();
    assert_eq!((&end["type"], &end["end"]["counts"]["user"]), (&json!("end"), &json!(102)));
    let domain = all.iter().find(|line| line["type"] == "domain").unwrap();
    let claim = (&domain["domain"]["domain"], &domain["domain"]["state"]);
    assert_eq!(claim, (&json!("acme.com"), &json!("verified")));
    assert!(all.iter().any(|line| line["user"]["resource"]["title"] == "Engineer"));
    let group = all.iter().find(|line| line["group"]["display_name"] == "Everybody").unwrap();
    let of_group = all.iter().filter(|line| line["type"] == "member");
    let ids: Vec<&Value> = of_group.clone().map(|line| &line["member"]["id"]).collect();
    assert!(of_group.clone().all(|line| line["group"] == group["group"]["id"]));
    assert!(members.iter().all(|member| ids.contains(&&member["value"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_file_is_new_and_private() {
    let deployment = Deployment::new().await;
    let file = directory("export").join("acme.jsonl");
    let _ = std::fs::remove_file(&file);
    let export = format!("tenants export Acme --output {}", file.display());
    let outcome = deployment.run(&format!("{export} --json"), 0).await.json();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines(&text).last().unwrap()["end"]["counts"], outcome["counts"]);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = deployment.run(&export, 1).await;
    assert!(again.err.contains("acme.jsonl"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    std::fs::remove_file(&file).unwrap();
    let outcome = deployment.run(&export, 0).await;
    assert!(
        outcome.out.contains(&format!("Wrote {} lines", text.lines().count())),
        "{}",
        outcome.out
    );
}
