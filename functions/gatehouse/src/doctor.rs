//! `gatehouse doctor`: looks at everything that can be wrong with a deployment, and says of each
//! finding what to do next. It changes nothing.

mod deployment;
mod finding;
mod tenant;

use clap::Args;
use serde_json::{Value, json};

use self::finding::{Findings, Level};
use crate::api::Api;
use crate::commands::Shown;
use crate::error::Error;
use crate::tenant::Tenant;

/// Looks at everything that can be wrong with a deployment.
///
/// Whether it answers and lets the caller in, the clocks, the OpenID provider and its keys; and of
/// each tenant its tokens, connections, certificates, licences and sign-ins.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit code 0 means that nothing has failed, warnings or not.

Examples:
  gatehouse doctor
  gatehouse doctor --tenant customer-17 --json")]
pub struct Doctor {
    /// Only this tenant; all of them without it.
    #[arg(long)]
    tenant: Option<String>,
}

pub(crate) async fn run(api: &Api, command: Doctor) -> Result<Shown, Error> {
    let mut findings = Findings::default();
    if let Some(now) = deployment::look(api, &mut findings).await {
        match command.tenant {
            Some(text) => {
                let tenant = Tenant::find(api, &text).await?;
                tenant::look(api, &tenant, now, &mut findings).await?;
            }
            None => all_tenants(api, now, &mut findings).await?,
        }
    }
    Ok(shown(&findings))
}

async fn all_tenants(
    api: &Api,
    now: jiff::Timestamp,
    findings: &mut Findings,
) -> Result<(), Error> {
    let mut cursor = None;
    loop {
        let page = api.page("/v1/tenants", cursor.as_deref(), usize::MAX).await?;
        for document in page.items {
            tenant::look(api, &Tenant::of(document), now, findings).await?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn shown(findings: &Findings) -> Shown {
    let count = |level| findings.count(level);
    let (ok, warn, fail) = (count(Level::Ok), count(Level::Warn), count(Level::Fail));
    let list: Vec<Value> = findings.iter().map(finding::Finding::document).collect();
    let document = json!({"findings": list, "ok": ok, "warn": warn, "fail": fail});
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let text = format!("{}\n\n{ok} ok, {warn} to look at, {fail} failed", lines.join("\n"));
    Shown { failed: fail > 0, ..Shown::new(document, text) }
}
