//! Starts the embedded services and all routers, prints their addresses, and stops them on a
//! signal.

mod http_errors;
mod idle_timeout;
mod sign_in;
mod signals;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::http_errors::HttpErrors;
use self::idle_timeout::IdleTimeout;
use self::signals::Signals;
use crate::aws_endpoints;
use crate::cli::Options;
use crate::data_directory::{DataDirectory, DataDirectoryError};
use crate::demo::{self, Demo, DemoError};
use crate::dynamodb::{Dynamo, OpenDatabaseError};
use crate::home_page;
use crate::instance_info::{Aws, Idp, InstanceInfo, Oidc, Saml, Scim, Tenant};
use crate::secrets_manager::{OpenSecretsError, SecretsManager};
use shared::aws::https::TlsError;
use shared::clock::Clock;
use shared::config::{Config, ConfigError};
use shared::error_chain::ErrorChain;
use shared::events::Deliverer;
use shared::http::guarded_client::Reach;
use shared::runtime::state::AppState;
use shared::runtime::telemetry;
use shared::store::StoreError;
use shared::webhooks::Sender;
use shared::{directory_api, events, operator_api, scim_api};

/// Serves until SIGINT or SIGTERM. Prints an error that prevents the start to standard error.
pub async fn run(options: Options) -> ExitCode {
    match serve(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is no other place to report to.
            let _ = writeln!(io::stderr(), "error: {}", ErrorChain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> Result<(), StartError> {
    // Before the addresses are printed: their reader may stop the server at once.
    let mut signals = Signals::subscribe()?;
    // First the port, so that a second start by mistake changes no data.
    let listener = listen(options.port).await?;
    let base_url = url(&listener)?;
    telemetry::start(telemetry::Format::Text);
    let services = Services::open(options).await?;
    let app = AppState::new(
        config(options, &base_url)?,
        Clock::system(),
        services.dynamo.client(),
        services.secrets.client(),
    );
    app.store.create_table().await?;
    let demo = Demo::prepare(&app, &base_url, services.path()).await?;

    let dynamodb = listen_for_aws(options, 1).await?;
    let secrets_manager = listen_for_aws(options, 2).await?;
    let aws = Aws {
        dynamodb_endpoint: url(&dynamodb)?,
        secretsmanager_endpoint: url(&secrets_manager)?,
        table: TABLE.to_owned(),
    };

    let info = instance_info(base_url, &demo, aws);

    let (stop, stopping) = watch::channel(());
    let mut servers = JoinSet::new();
    for (listener, router) in [
        (listener, router(&app, &info, &demo)),
        (dynamodb, aws_endpoints::dynamodb_router(services.dynamo.clone())),
        (secrets_manager, aws_endpoints::secrets_manager_router(services.secrets.clone())),
    ] {
        servers.spawn(serve_router(listener, router, stopping.clone()));
    }
    let sweeper = tokio::spawn(sweep(services.dynamo.clone()));
    let (store, clock, secrets) = (app.store.clone(), app.clock.clone(), Arc::clone(&app.secrets));
    let sender = Sender::new(Reach::Loopback)?;
    let deliverer = Deliverer::new(store.clone(), secrets, clock.clone(), sender);
    let publisher = tokio::spawn(events::publish_always(store, clock, deliverer));

    print(&info, options.json)?;
    signals.next().await;
    // The servers complete the requests in progress, then end.
    drop(stop);
    tokio::select! {
        () = finished(servers) => {}
        () = tokio::time::sleep(DRAIN) => {}
        () = signals.next() => {}
    }
    sweeper.abort();
    publisher.abort();
    Ok(())
}

/// The embedded services, and the lock on their files.
struct Services {
    dynamo: Dynamo,
    secrets: SecretsManager,
    directory: Option<DataDirectory>,
}

impl Services {
    /// The data directory; absent if the data is in memory.
    fn path(&self) -> Option<&Path> {
        self.directory.as_ref().map(DataDirectory::path)
    }

    async fn open(options: &Options) -> Result<Self, StartError> {
        if options.ephemeral {
            let (dynamo, secrets) = (Dynamo::memory()?, SecretsManager::memory());
            return Ok(Self { dynamo, secrets, directory: None });
        }
        let directory = DataDirectory::lock(&options.data)?;
        let dynamo = Dynamo::open(directory.path())?;
        let secrets = SecretsManager::open(directory.path()).await?;
        Ok(Self { dynamo, secrets, directory: Some(directory) })
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

/// Listens on a port near our own, or on a free port if that is taken or our own is chosen freely.
async fn listen_for_aws(options: &Options, offset: u16) -> Result<TcpListener, StartError> {
    let port = if options.port == 0 { None } else { options.port.checked_add(offset) };
    let address = options.aws_address;
    let listener = aws_endpoints::listen(address, port).await;
    listener.map_err(|source| StartError::AwsAddress { address, source })
}

async fn serve_router(listener: TcpListener, router: Router, mut stopping: watch::Receiver<()>) {
    // Without Nagle's algorithm, which would delay a small response until an earlier one is
    // acknowledged.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let stopped = async move {
        // Nothing is sent: this future completes when the sender is dropped.
        let _ = stopping.changed().await;
    };
    if let Err(error) =
        axum::serve(HttpErrors(IdleTimeout(listener)), router).with_graceful_shutdown(stopped).await
    {
        tracing::error!(error = &error as &dyn std::error::Error, "a listener failed");
    }
}

async fn finished(mut servers: JoinSet<()>) {
    while servers.join_next().await.is_some() {}
}

/// Removes expired items every minute, as DynamoDB does in the background.
async fn sweep(dynamo: Dynamo) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let dynamo = dynamo.clone();
        match tokio::task::spawn_blocking(move || dynamo.sweep_ttl()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not remove expired items"
                );
            }
            Err(_) => return,
        }
    }
}

/// The routers of all functions, and the pages of the demo.
fn router(app: &AppState, info: &InstanceInfo, demo: &Demo) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .merge(scim_api::router(app.clone()))
        .merge(operator_api::router(app.clone()))
        .merge(directory_api::router(app.clone()))
        .merge(home_page::router(info))
        .merge(sign_in::router(app, &info.base_url, demo))
}

/// The configuration that the template sets on AWS.
fn config(options: &Options, base_url: &str) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| match name {
        "GATEHOUSE_STAGE" => Some("local".to_owned()),
        "GATEHOUSE_TABLE" => Some(TABLE.to_owned()),
        "GATEHOUSE_BASE_URL" => Some(base_url.to_owned()),
        "GATEHOUSE_OPERATOR_AUTH" => Some("key".to_owned()),
        "GATEHOUSE_DNS" => options.dns.map(|server| server.to_string()),
        "GATEHOUSE_RATE_LIMIT" => options.rate_limit.map(|limit| limit.to_string()),
        _ => None,
    })
}

fn url(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn instance_info(base_url: String, demo: &Demo, aws: Aws) -> InstanceInfo {
    let token = demo.scim_token.as_ref().map(|token| token.reveal().to_owned());
    let saml = |kind| format!("{base_url}/saml/{kind}/{}", demo::DOMAIN);
    InstanceInfo {
        operator_key: demo.operator_key.expose_secret().to_owned(),
        scim: Scim { base_url: format!("{base_url}/scim/v2"), token: token.unwrap_or_default() },
        tenant: Tenant { id: demo.tenant.to_string(), domain: demo::DOMAIN.to_owned() },
        saml: Saml {
            sso_url: saml("sso"),
            acs_url: saml("sso"),
            federated_acs_url: format!("{}/federated", saml("sso")),
            metadata_url: saml("metadata"),
            entity_id: saml("metadata"),
        },
        oidc: Oidc {
            issuer: base_url.clone(),
            client_id: demo.credentials.id.to_string(),
            client_secret: demo.credentials.secret.clone(),
            redirect_uri: demo.credentials.redirect_uri.clone(),
        },
        demo_idp: Idp { metadata_url: demo.idp.entity_id(), entity_id: demo.idp.entity_id() },
        base_url,
        aws,
    }
}

fn print(info: &InstanceInfo, json: bool) -> Result<(), StartError> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", info.to_json().map_err(io::Error::from)?)?;
    } else {
        write!(out, "{info}")?;
    }
    Ok(out.flush()?)
}

/// The server cannot start. The text is for the terminal and says what to do.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("port {0} is taken; choose another with --port, or a free one with --port 0")]
    PortTaken(u16),
    #[error("cannot listen on {address}, choose another address with --aws-address")]
    AwsAddress { address: IpAddr, source: io::Error },
    #[error(transparent)]
    Data(#[from] DataDirectoryError),
    #[error("cannot open the database")]
    Dynamo(#[from] OpenDatabaseError),
    #[error("cannot open the secrets")]
    Secrets(#[from] OpenSecretsError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot create the table")]
    Table(#[from] StoreError),
    #[error("cannot read the trusted certificates of this machine")]
    Tls(#[from] TlsError),
    #[error("cannot create the demo")]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

const TABLE: &str = "gatehouse";

/// Time in which a request in progress may complete after a stop signal.
const DRAIN: Duration = Duration::from_secs(5);

const SWEEP_EVERY: Duration = Duration::from_mins(1);
