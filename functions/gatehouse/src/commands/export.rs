//! `gatehouse tenants export`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Shown;
use crate::api::{Api, segment};
use crate::error::Error;
use crate::render::at;
use crate::tenant::Tenant;

/// Writes all that is stored of a tenant, one JSON document on each line.
pub(crate) async fn run(api: &Api, tenant: &Tenant, output: Option<&Path>) -> Result<Shown, Error> {
    let Some(path) = output else {
        let mut writer = Writer { out: io::stdout(), counts: Map::new() };
        writer.tenant(api, tenant).await?;
        return Ok(Shown::default());
    };
    let failed = |error| Error::File { path: path.display().to_string(), error };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let out = io::BufWriter::new(file.map_err(failed)?);
    let mut writer = Writer { out, counts: Map::new() };
    let counts = match writer.tenant(api, tenant).await {
        Err(Error::Output(error)) => return Err(failed(error)),
        counts => counts?,
    };
    let text = format!("Wrote {} lines to {}.", lines(&counts), path.display());
    Ok(Shown::new(json!({"output": path.display().to_string(), "counts": counts}), text))
}

struct Writer<W> {
    out: W,
    counts: Map<String, Value>,
}

impl<W: Write> Writer<W> {
    /// Everything, and at the end the counts.
    async fn tenant(&mut self, api: &Api, tenant: &Tenant) -> Result<Value, Error> {
        self.line("tenant", &tenant.document)?;
        self.line("seats", &api.get(&tenant.path("/seats")).await?)?;
        self.list(api, "token", &tenant.path("/scim-tokens")).await?;
        self.list(api, "connection", &tenant.path("/connections")).await?;
        self.list(api, "user", &tenant.path("/users?resource=true")).await?;
        self.groups(api, tenant).await?;
        self.list(api, "activity", &tenant.path("/activity")).await?;
        self.list(api, "sign_in", &tenant.path("/sign-ins")).await?;
        let counts = Value::Object(self.counts.clone());
        self.line("end", &json!({"counts": counts}))?;
        self.out.flush()?;
        Ok(counts)
    }

    async fn groups(&mut self, api: &Api, tenant: &Tenant) -> Result<(), Error> {
        let mut cursor = None;
        loop {
            let path = tenant.path("/groups?resource=true");
            let page = api.page(&path, cursor.as_deref(), usize::MAX).await?;
            for group in &page.items {
                self.line("group", group)?;
                self.members(api, tenant, &at(group, "/id")).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn members(&mut self, api: &Api, tenant: &Tenant, group: &str) -> Result<(), Error> {
        let path = tenant.path(&format!("/groups/{}/members", segment(group)));
        let mut cursor = None;
        loop {
            let page = match api.page(&path, cursor.as_deref(), usize::MAX).await {
                // The group was deleted while we read.
                Err(Error::NotFound(_)) => return Ok(()),
                page => page?,
            };
            for member in &page.items {
                self.typed("member", &json!({"group": group}), member)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn list(&mut self, api: &Api, kind: &str, path: &str) -> Result<(), Error> {
        let mut cursor = None;
        loop {
            let page = api.page(path, cursor.as_deref(), usize::MAX).await?;
            for item in &page.items {
                self.line(kind, item)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn line(&mut self, kind: &str, item: &Value) -> Result<(), Error> {
        self.typed(kind, &Value::Null, item)
    }

    /// One line: its type, what it belongs to, and the item as the API shows it.
    fn typed(&mut self, kind: &str, owner: &Value, item: &Value) -> Result<(), Error> {
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

fn lines(counts: &Value) -> u64 {
    let counts = counts.as_object().into_iter().flat_map(Map::values);
    // And the last line, with the counts themselves.
    counts.filter_map(Value::as_u64).sum::<u64>() + 1
}
