//! Which tenant is meant: by our id, by the operator's own id for it, or by its name.

use serde_json::Value;

use crate::api::{Api, segment};
use crate::error::Error;
use crate::render::at;

/// A tenant that exists.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    /// As the API shows it.
    pub(crate) document: Value,
}

impl Tenant {
    /// Finds it. An id is looked up; anything else must be the `external_id` or the name, in any
    /// letter case, of exactly one tenant.
    pub(crate) async fn find(api: &Api, text: &str) -> Result<Self, Error> {
        if looks_like_an_id(text) {
            match api.get(&format!("/v1/tenants/{}", segment(text))).await {
                Ok(document) => return Ok(Self::of(document)),
                // The operator's own ids may be UUIDs too.
                Err(Error::NotFound(_)) => {}
                Err(other) => return Err(other),
            }
        }
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = api.page("/v1/tenants", cursor.as_deref(), usize::MAX).await?;
            found.extend(page.items.into_iter().filter(|tenant| is_meant(tenant, text)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        match (found.pop(), found.as_slice()) {
            (None, _) => Err(Error::NotFound(format!(
                "no tenant has the id, external id or name {text:?}; see: gatehouse tenants list"
            ))),
            (Some(tenant), []) => Ok(Self::of(tenant)),
            (Some(last), others) => {
                let ids: Vec<String> = others.iter().chain([&last]).map(|t| at(t, "/id")).collect();
                let ids = ids.join(", ");
                Err(Error::Usage(format!("{text:?} is several tenants, take an id: {ids}")))
            }
        }
    }

    /// A path below the tenant; `rest` begins with `/` or is empty.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}{rest}", segment(&self.id))
    }

    pub(crate) fn of(document: Value) -> Self {
        Self { id: at(&document, "/id"), document }
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        at(&self.document, "/name")
    }
}

fn is_meant(tenant: &Value, text: &str) -> bool {
    let is = |name: &str| tenant.get(name).and_then(Value::as_str);
    is("external_id") == Some(text)
        || is("name").is_some_and(|name| name.to_lowercase() == text.to_lowercase())
}

fn looks_like_an_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
