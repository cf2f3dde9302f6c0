//! `gatehouse tenants export`: writes all data of a tenant as JSON lines.
//!
//! The export is streamed page by page and is no snapshot: a change during the export may be
//! missing.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::api::{Api, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::text_at;
use crate::tenant::Tenant;

/// Writes the export to a new file, or to standard output if `output` is absent.
pub(super) async fn run(
    api: &Api,
    tenant: &Tenant,
    output: Option<&Path>,
) -> Result<Output, Error> {
    let Some(path) = output else {
        let mut export = Export { out: io::stdout(), counts: Map::new() };
        export.write_all(api, tenant).await?;
        return Ok(Output::default());
    };
    let failed = |source| Error::File { path: path.display().to_string(), source };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let out = io::BufWriter::new(file.map_err(failed)?);
    let mut export = Export { out, counts: Map::new() };
    let counts = match export.write_all(api, tenant).await {
        Err(Error::Output(error)) => return Err(failed(error)),
        counts => counts?,
    };
    let text = format!("Wrote {} lines to {}.", line_count(&counts), path.display());
    Ok(Output::new(json!({"output": path.display().to_string(), "counts": counts}), text))
}

/// An export in progress.
struct Export<W> {
    out: W,
    /// Number of lines of each type.
    counts: Map<String, Value>,
}

impl<W: Write> Export<W> {
    /// Writes all data, then the counts. Returns the counts.
    async fn write_all(&mut self, api: &Api, tenant: &Tenant) -> Result<Value, Error> {
        self.write("tenant", &tenant.document)?;
        self.write("seats", &api.get(&tenant.path("/seats")).await?)?;
        self.write_list(api, "token", &tenant.path("/scim-tokens")).await?;
        self.write_list(api, "domain", &tenant.path("/domains")).await?;
        self.write_list(api, "connection", &tenant.path("/connections")).await?;
        self.write_list(api, "user", &tenant.path("/users?resource=true")).await?;
        self.write_groups(api, tenant).await?;
        self.write_list(api, "activity", &tenant.path("/activity")).await?;
        self.write_list(api, "sign_in", &tenant.path("/sign-ins")).await?;
        let counts = Value::Object(self.counts.clone());
        self.write("end", &json!({"counts": counts}))?;
        self.out.flush()?;
        Ok(counts)
    }

    async fn write_groups(&mut self, api: &Api, tenant: &Tenant) -> Result<(), Error> {
        let mut cursor = None;
        loop {
            let path = tenant.path("/groups?resource=true");
            let page = api.page(&path, cursor.as_deref(), usize::MAX).await?;
            for group in &page.items {
                self.write("group", group)?;
                self.write_members(api, tenant, &text_at(group, "/id")).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn write_members(
        &mut self,
        api: &Api,
        tenant: &Tenant,
        group: &str,
    ) -> Result<(), Error> {
        let path = tenant.path(&format!("/groups/{}/members", segment(group)));
        let mut cursor = None;
        loop {
            let page = match api.page(&path, cursor.as_deref(), usize::MAX).await {
                // The group was deleted during the export.
                Err(Error::NotFound(_)) => return Ok(()),
                page => page?,
            };
            for member in &page.items {
                self.write_line("member", &json!({"group": group}), member)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn write_list(&mut self, api: &Api, kind: &str, path: &str) -> Result<(), Error> {
        let mut cursor = None;
        loop {
            let page = api.page(path, cursor.as_deref(), usize::MAX).await?;
            for item in &page.items {
                self.write(kind, item)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn write(&mut self, kind: &str, item: &Value) -> Result<(), Error> {
        self.write_line(kind, &Value::Null, item)
    }

    /// Writes one line: its type, the fields of `owner`, and the item as the API returns it.
    fn write_line(&mut self, kind: &str, owner: &Value, item: &Value) -> Result<(), Error> {
        let mut line = Map::new();
        line.insert("type".to_owned(), kind.into());
        line.extend(owner.as_object().cloned().unwrap_or_default());
        line.insert(kind.to_owned(), item.clone());
        writeln!(self.out, "{}", Value::Object(line))?;
        let count = self.counts.entry(kind).or_insert_with(|| 0.into());
        *count = (count.as_u64().unwrap_or_default() + 1).into();
        Ok(())
    }
}

/// Returns the number of lines, including the last one, which holds the counts.
fn line_count(counts: &Value) -> u64 {
    let counts = counts.as_object().into_iter().flat_map(Map::values);
    counts.filter_map(Value::as_u64).sum::<u64>() + 1
}
