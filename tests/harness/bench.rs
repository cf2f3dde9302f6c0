//! The option `--once` of the benches, the server `local` that they measure, and what they send.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Returns whether the bench was started with `--once`: it then measures everything once, only to
/// show that it works, and ignores the budgets.
pub fn once() -> bool {
    env::args().any(|argument| argument == "--once")
}

/// Returns the executable of `local`: the optimised one of `make bench` or, with `--once`, the one
/// that was built together with the bench.
pub fn local() -> PathBuf {
    if once() {
        let bench = env::current_exe().expect("a bench is a file");
        bench.ancestors().nth(2).expect("in the folder deps").join("local")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/laptop/local")
    }
}

/// A user of about 1.2 kB, in Entra's format.
pub fn user(n: usize) -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "externalId": format!("0a1b2c3d-4e5f-6789-abcd-{n:012}"),
        "userName": format!("user{n}@bench.example"),
        "name": {
            "formatted": format!("First{n} Lastname{n}"),
            "familyName": format!("Lastname{n}"),
            "givenName": format!("First{n}"),
        },
        "displayName": format!("First{n} Lastname{n}"),
        "title": "Senior Staff Engineer",
        "active": true,
        "preferredLanguage": "en-US",
        "emails": [{"value": format!("user{n}@bench.example"), "type": "work", "primary": true}],
        "phoneNumbers": [
            {"value": format!("+1 555 0{n:07}"), "type": "work"},
            {"value": format!("+1 555 1{n:07}"), "type": "mobile"},
        ],
        "addresses": [{
            "type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood",
            "region": "CA", "postalCode": "91608", "country": "US",
        }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": n.to_string(), "department": "Engineering",
            "organization": "Contoso", "costCenter": "4130",
        },
    })
}

/// A PATCH with these operations.
pub fn patch(operations: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}
