//! Finds the tenant that the command line names: by its id, by the operator's external id for it,
//! or by its name.
//!
//! Reads the tenants through `api` and changes nothing. The commands and `doctor` use it. The
//! commands that manage tenants are in `commands::tenants`.

use serde_json::Value;

use crate::api::{Api, segment};
use crate::error::Error;
use crate::render::text_at;

/// A tenant that exists.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    /// The tenant as the API returns it.
    pub(crate) document: Value,
}

impl Tenant {
    /// Finds a tenant. A text in the form of an id is looked up; any other text must be the
    /// `external_id`, or the name in any letter case, of exactly one tenant.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such tenant, [`Error::Usage`] if there are several.
    pub(crate) async fn find(api: &Api, text: &str) -> Result<Self, Error> {
        if looks_like_an_id(text) {
            match api.get(&format!("/v1/tenants/{}", segment(text))).await {
                Ok(document) => return Ok(Self::new(document)),
                // An external id may have the form of a UUID too.
                Err(Error::NotFound(_)) => {}
                Err(other) => return Err(other),
            }
        }
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = api.page("/v1/tenants", cursor.as_deref(), usize::MAX).await?;
            found.extend(page.items.into_iter().filter(|tenant| is_named(tenant, text)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        match (found.pop(), found.as_slice()) {
            (None, _) => Err(Error::NotFound(format!(
                "no tenant has the id, external id or name {text:?}: list them with \
                 gatehouse tenants list"
            ))),
            (Some(tenant), []) => Ok(Self::new(tenant)),
            (Some(last), others) => {
                let ids: Vec<String> =
                    others.iter().chain([&last]).map(|tenant| text_at(tenant, "/id")).collect();
                let ids = ids.join(", ");
                Err(Error::Usage(format!("{text:?} names several tenants: use an id: {ids}")))
            }
        }
    }

    /// A tenant from its document.
    pub(crate) fn new(document: Value) -> Self {
        Self { id: text_at(&document, "/id"), document }
    }

    /// Returns a path below the tenant; `rest` begins with `/` or is empty.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}{rest}", segment(&self.id))
    }

    /// The name, escaped for a terminal.
    pub(crate) fn name(&self) -> String {
        text_at(&self.document, "/name")
    }
}

fn is_named(tenant: &Value, text: &str) -> bool {
    let field = |name: &str| tenant.get(name).and_then(Value::as_str);
    field("external_id") == Some(text)
        || field("name").is_some_and(|name| name.to_lowercase() == text.to_lowercase())
}

fn looks_like_an_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
