//! `restore-tenant` against the DynamoDB of a running `local`.

use std::process::Command;

use crate::instance::{Instance, http};
use crate::services::dynamodb_client;

fn restore(instance: &Instance, tenant: &str) -> (bool, String) {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_restore-tenant"));
    tool.args(["--from", "restored", "--to", instance.fact("/aws/table"), "--tenant", tenant]);
    let endpoint = instance.fact("/aws/dynamodb_endpoint");
    tool.env_clear().envs([
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
    ]);
    let run = tool.output().unwrap();
    let output = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(output).unwrap())
}

#[tokio::test]
async fn a_deleted_tenant_is_restored_by_one_command() {
    let instance = Instance::ephemeral();
    let dynamodb = dynamodb_client(&instance);
    // A restore on AWS creates a second table with the same rows.
    let store = shared::store::Store::new(dynamodb.clone(), "restored");
    store.create_table().await.unwrap();
    let rows = dynamodb.scan().table_name(instance.fact("/aws/table")).send().await.unwrap();
    for row in rows.items() {
        let put = dynamodb.put_item().table_name("restored");
        put.set_item(Some(row.clone())).send().await.unwrap();
    }

    let tenant = instance.fact("/tenant/id");
    let key = format!("Bearer {}", instance.fact("/operator_key"));
    let url = format!("{}/v1/tenants/{tenant}", instance.fact("/base_url"));
    let operator = |method| http(method, &url, &[("Authorization", &key)], "").0;
    let (done, output) = restore(&instance, tenant);
    assert!(!done && output.contains("delete it first"), "{output}");
    assert_eq!((operator("DELETE"), operator("GET")), (204, 404));
    let (done, output) = restore(&instance, tenant);
    assert!(done && output.contains("restored"), "{output}");
    assert_eq!(operator("GET"), 200);
    let (done, output) = restore(&instance, "01890000-0000-7000-8000-00000000ffff");
    assert!(!done && output.contains("has no tenant"), "{output}");
}
