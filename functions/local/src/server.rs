//! Starts everything, tells where it is, and stops it.

mod signals;
mod table;

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::signals::Signals;
use crate::aws_endpoints;
use crate::banner::{Aws, Facts, Scim, Tenant};
use crate::cli::Options;
use crate::data_directory::{DataDirectory, TakeError};
use crate::dynamodb::{self, Dynamo};
use crate::secrets_manager::{self, SecretsManager};

/// Serves until SIGINT or SIGTERM; says on standard error why it cannot.
pub async fn run(options: Options) -> ExitCode {
    match serve(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> Result<(), StartError> {
    // Before the announcement, so that whoever reads it may stop us at once.
    let mut signals = Signals::subscribe()?;
    // First the port, so that a second start by mistake leaves no trace.
    let listener = listen(options.port).await?;
    let services = Services::open(options).await?;
    table::create(&services.dynamo.client(), TABLE).await.map_err(Box::new)?;

    let port = listener.local_addr()?.port();
    let dynamodb = aws_endpoints::listen(next_port(options.port, 1)).await?;
    let secrets_manager = aws_endpoints::listen(next_port(options.port, 2)).await?;
    let facts = facts(port, dynamodb.local_addr()?.port(), secrets_manager.local_addr()?.port());

    let (stop, stopping) = watch::channel(());
    let mut servers = JoinSet::new();
    for (listener, router) in [
        (listener, Router::new().route("/health", get(async || "ok\n"))),
        (dynamodb, aws_endpoints::dynamodb_router(services.dynamo.clone())),
        (secrets_manager, aws_endpoints::secrets_manager_router(services.secrets.clone())),
    ] {
        servers.spawn(serve_router(listener, router, stopping.clone()));
    }
    let sweeper = tokio::spawn(sweep(services.dynamo.clone()));

    announce(&facts, options.json)?;
    signals.next().await;
    // Servers finish the requests they have begun when this is gone.
    drop(stop);
    tokio::select! {
        _ = servers.join_all() => {}
        () = tokio::time::sleep(DRAIN) => {}
        () = signals.next() => {}
    }
    sweeper.abort();
    Ok(())
}

/// The embedded services, and the lock on their files.
struct Services {
    dynamo: Dynamo,
    secrets: SecretsManager,
    _directory: Option<DataDirectory>,
}

impl Services {
    async fn open(options: &Options) -> Result<Self, StartError> {
        if options.ephemeral {
            let (dynamo, secrets) = (Dynamo::memory()?, SecretsManager::memory());
            return Ok(Self { dynamo, secrets, _directory: None });
        }
        let directory = DataDirectory::take(&options.data)?;
        let dynamo = Dynamo::open(directory.path())?;
        let secrets = SecretsManager::open(directory.path()).await?;
        Ok(Self { dynamo, secrets, _directory: Some(directory) })
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            StartError::PortTaken(port)
        } else {
            StartError::Io(error)
        }
    })
}

/// Where an embedded service would like to listen: near `port`, unless any port will do.
fn next_port(port: u16, offset: u16) -> Option<u16> {
    if port == 0 { None } else { port.checked_add(offset) }
}

async fn serve_router(listener: TcpListener, router: Router, mut stopping: watch::Receiver<()>) {
    // A small answer may not wait for the acknowledgement of an earlier one.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let stopped = async move {
        // Nothing is ever sent: this ends when the sender is dropped.
        let _ = stopping.changed().await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(error = &error as &dyn std::error::Error, "a listener failed");
    }
}

/// Removes expired items now and then, as DynamoDB does by itself.
async fn sweep(dynamo: Dynamo) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let dynamo = dynamo.clone();
        match tokio::task::spawn_blocking(move || dynamo.sweep_ttl()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot remove expired items"
                );
            }
            Err(_) => return,
        }
    }
}

fn facts(port: u16, dynamodb_port: u16, secrets_manager_port: u16) -> Facts {
    let url = |port| format!("http://127.0.0.1:{port}");
    Facts {
        base_url: url(port),
        operator_key: String::new(),
        scim: Scim { base_url: format!("{}/scim/v2", url(port)), token: String::new() },
        tenant: Tenant { id: String::new(), domain: "acme.com".to_owned() },
        aws: Aws {
            dynamodb_endpoint: url(dynamodb_port),
            secretsmanager_endpoint: url(secrets_manager_port),
            table: TABLE.to_owned(),
        },
    }
}

fn announce(facts: &Facts, json: bool) -> Result<(), StartError> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", facts.to_json().map_err(io::Error::from)?)?;
    } else {
        write!(out, "{facts}")?;
    }
    Ok(out.flush()?)
}

/// Why nothing is served. The text is for the person at the keyboard, and says what to do.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("port {0} is taken; choose another with --port, or --port 0 for any free one")]
    PortTaken(u16),
    #[error(transparent)]
    Data(#[from] TakeError),
    #[error("cannot open the database: {0}")]
    Dynamo(#[from] dynamodb::OpenError),
    #[error("cannot open the secrets: {0}")]
    Secrets(#[from] secrets_manager::OpenError),
    #[error("cannot make the table: {0}")]
    Table(#[from] Box<table::TableError>),
    #[error(transparent)]
    Io(#[from] io::Error),
}

const TABLE: &str = "gatehouse";

/// How long a request may go on after we were told to stop.
const DRAIN: Duration = Duration::from_secs(10);

const SWEEP_EVERY: Duration = Duration::from_mins(1);
