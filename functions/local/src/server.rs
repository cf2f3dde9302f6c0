//! Starts everything, tells where it is, and stops it.

mod bounded;
mod sign_in;
mod signals;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use secrecy::ExposeSecret as _;
use shared::clock::Clock;
use shared::config::{Config, ConfigError};
use shared::runtime::state::AppState;
use shared::runtime::telemetry;
use shared::store::StoreError;
use shared::{operator_api, scim_api};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::bounded::Bounded;
use self::signals::Signals;
use crate::aws_endpoints;
use crate::banner::{Aws, Facts, Idp, Oidc, Saml, Scim, Tenant};
use crate::cli::Options;
use crate::data_directory::{DataDirectory, TakeError};
use crate::demo::{self, Demo, DemoError};
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

    let (stop, stopping) = watch::channel(());
    let mut servers = JoinSet::new();
    for (listener, router) in [
        (listener, router(&app, &base_url, &demo)),
        (dynamodb, aws_endpoints::dynamodb_router(services.dynamo.clone())),
        (secrets_manager, aws_endpoints::secrets_manager_router(services.secrets.clone())),
    ] {
        servers.spawn(serve_router(listener, router, stopping.clone()));
    }
    let sweeper = tokio::spawn(sweep(services.dynamo.clone()));

    announce(&facts(base_url, &demo, aws), options.json)?;
    signals.next().await;
    // Servers finish the requests they have begun when this is gone.
    drop(stop);
    tokio::select! {
        () = finished(servers) => {}
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
    directory: Option<DataDirectory>,
}

impl Services {
    /// Where all of it is stored, if anywhere.
    fn path(&self) -> Option<&Path> {
        self.directory.as_ref().map(DataDirectory::path)
    }

    async fn open(options: &Options) -> Result<Self, StartError> {
        if options.ephemeral {
            let (dynamo, secrets) = (Dynamo::memory()?, SecretsManager::memory());
            return Ok(Self { dynamo, secrets, directory: None });
        }
        let directory = DataDirectory::take(&options.data)?;
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

/// An embedded service listens near our own port, unless any port will do.
async fn listen_for_aws(options: &Options, offset: u16) -> Result<TcpListener, StartError> {
    let port = if options.port == 0 { None } else { options.port.checked_add(offset) };
    let address = options.aws_address;
    let listener = aws_endpoints::listen(address, port).await;
    listener.map_err(|source| StartError::AwsAddress { address, source })
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
    if let Err(error) = axum::serve(Bounded(listener), router).with_graceful_shutdown(stopped).await
    {
        tracing::error!(error = &error as &dyn std::error::Error, "a listener failed");
    }
}

async fn finished(mut servers: JoinSet<()>) {
    while servers.join_next().await.is_some() {}
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

/// Every router that a function serves, and the demo's pages.
fn router(app: &AppState, base_url: &str, demo: &Demo) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .merge(scim_api::router(app.clone()))
        .merge(operator_api::router(app.clone()))
        .merge(sign_in::router(app, base_url, demo))
}

/// What the template sets on AWS.
fn config(options: &Options, base_url: &str) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| match name {
        "GATEHOUSE_STAGE" => Some("local".to_owned()),
        "GATEHOUSE_TABLE" => Some(TABLE.to_owned()),
        "GATEHOUSE_BASE_URL" => Some(base_url.to_owned()),
        "GATEHOUSE_OPERATOR_AUTH" => Some("key".to_owned()),
        "GATEHOUSE_RATE_LIMIT" => options.rate_limit.map(|limit| limit.to_string()),
        _ => None,
    })
}

fn url(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn facts(base_url: String, demo: &Demo, aws: Aws) -> Facts {
    let token = demo.scim_token.as_ref().map(|token| token.reveal().to_owned());
    let saml = |kind| format!("{base_url}/saml/{kind}/{}", demo::DOMAIN);
    Facts {
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
            client_id: demo.client.id.to_string(),
            client_secret: demo.client.secret.clone(),
            redirect_uri: demo.client.redirect_uri.clone(),
        },
        demo_idp: Idp { metadata_url: demo.idp.entity_id(), entity_id: demo.idp.entity_id() },
        base_url,
        aws,
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
    #[error("cannot listen on {address}: {source}; choose another with --aws-address")]
    AwsAddress { address: IpAddr, source: io::Error },
    #[error(transparent)]
    Data(#[from] TakeError),
    #[error("cannot open the database: {0}")]
    Dynamo(#[from] dynamodb::OpenError),
    #[error("cannot open the secrets: {0}")]
    Secrets(#[from] secrets_manager::OpenError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot make the table: {0}")]
    Table(#[from] StoreError),
    #[error("cannot make the demo: {0}")]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

const TABLE: &str = "gatehouse";

/// How long a request may go on after we were told to stop.
const DRAIN: Duration = Duration::from_secs(5);

const SWEEP_EVERY: Duration = Duration::from_mins(1);
