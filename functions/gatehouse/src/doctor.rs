//! `gatehouse doctor`: checks a deployment for problems, and says for each finding what to do next.
//!
//! Reads only; it changes nothing.

mod deployment;
mod finding;
mod tenant;

use clap::Args;
use serde_json::{Value, json};

use self::finding::{Findings, Level};
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::tenant::Tenant;

/// Check a deployment for problems.
///
/// Checks whether the deployment responds and accepts the credentials, the clocks, the OpenID
/// provider and its keys; and for each tenant its tokens, connections, certificates, licences and
/// sign-ins.
#[derive(Args, Debug)]
#[command(after_help = "\
The exit code is 0 if nothing failed; warnings do not count.

Examples:
  gatehouse doctor
  gatehouse doctor --tenant customer-17 --json")]
pub struct Doctor {
    /// Check this tenant only; default: all tenants.
    #[arg(long)]
    tenant: Option<String>,
}

pub(crate) async fn run(api: &Api, command: Doctor) -> Result<Output, Error> {
    let mut findings = Findings::default();
    if let Some(now) = deployment::check(api, &mut findings).await {
        match command.tenant {
            Some(text) => {
                let tenant = Tenant::find(api, &text).await?;
                tenant::check(api, &tenant, now, &mut findings).await?;
            }
            None => check_all_tenants(api, now, &mut findings).await?,
        }
    }
    Ok(output(&findings))
}

async fn check_all_tenants(
    api: &Api,
    now: jiff::Timestamp,
    findings: &mut Findings,
) -> Result<(), Error> {
    let mut cursor = None;
    loop {
        let page = api.page("/v1/tenants", cursor.as_deref(), usize::MAX).await?;
        for document in page.items {
            tenant::check(api, &Tenant::new(document), now, findings).await?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn output(findings: &Findings) -> Output {
    let count = |level| findings.count(level);
    let (ok, warn, fail) = (count(Level::Ok), count(Level::Warn), count(Level::Fail));
    let list: Vec<Value> = findings.iter().map(finding::Finding::document).collect();
    let document = json!({"findings": list, "ok": ok, "warn": warn, "fail": fail});
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let text = format!("{}\n\n{ok} ok, {warn} warnings, {fail} failed", lines.join("\n"));
    Output { failed: fail > 0, ..Output::new(document, text) }
}
