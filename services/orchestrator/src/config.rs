//! The orchestrator's part of `argentum.toml`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use argentum_service::{
    PublicUrl, PublicUrlError,
    config::Section,
    logging::{self, DEFAULT_FILTER},
    telemetry::TelemetryConfig,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the orchestrator needs to know; each field is a table of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub bus: BusConfig,
    pub http: HttpConfig,
    pub log: LogConfig,
    pub telemetry: TelemetryConfig,
}

/// The embedded message bus.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// Address and port on which the bus listens, for our own processes and for gateways of other makers. Port 0 takes any free one.
    /// Default: 127.0.0.1:4748. Beyond loopback the traffic is not encrypted yet, hence refused.
    pub listen: SocketAddr,
}

/// The page and the API.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port on which page and API are served. Port 0 takes any free one. Default: 127.0.0.1:4747. Beyond loopback (`0.0.0.0` and
    /// `[::]` are all addresses) only where `public_url` is set.
    pub listen: SocketAddr,
    /// Where browsers reach page and API from beyond this machine, `https://HOST[:PORT]` or `http://…`, without a path. Login links lead there, and
    /// only this host and loopback are answered (421 otherwise). With `https` the cookie of a session is sent over TLS only; TLS itself is ended by a
    /// proxy in front, to which this server speaks plain HTTP. Default: none.
    pub public_url: Option<String>,
}

/// What the processes write to standard error.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), also per crate: `info,argentum_bus=debug`. Default: `info,async_nats=warn,opentelemetry=off`. `debug` and
    /// `trace` may show subjects and sizes, never texts or secrets.
    pub filter: String,
}

// === impl BusConfig ===

impl Default for BusConfig {
    fn default() -> Self {
        Self { listen: loopback(4748) }
    }
}

// === impl HttpConfig ===

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: loopback(4747), public_url: None }
    }
}

impl HttpConfig {
    /// What `public_url` says; `None` where it is not set.
    pub fn public_url(&self) -> Result<Option<PublicUrl>, PublicUrlError> {
        self.public_url.as_deref().map(str::parse).transpose()
    }

    fn rules(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if let Err(error) = self.public_url() {
            faults.push(("http.public_url".to_owned(), error.to_string()));
        }
        if !self.listen.ip().is_loopback() && self.public_url.is_none() {
            let text = format!(
                "`{}` is not a loopback address; to listen beyond this machine set `http.public_url` to where browsers reach it",
                self.listen
            );
            faults.push(("http.listen".to_owned(), text));
        }
        faults
    }
}

// === impl LogConfig ===

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: DEFAULT_FILTER.to_owned() }
    }
}

// === impl Config ===

impl Section for Config {
    fn rules(&self) -> Vec<(String, String)> {
        let mut faults = self.http.rules();
        if !self.bus.listen.ip().is_loopback() {
            let text = format!("`{}` is not a loopback address; a bus beyond this machine is not offered yet", self.bus.listen);
            faults.push(("bus.listen".to_owned(), text));
        }
        if let Err(text) = logging::check(&self.log.filter) {
            faults.push(("log.filter".to_owned(), text));
        }
        faults.extend(self.telemetry.rules().into_iter().map(|(key, text)| (format!("telemetry.{key}"), text)));
        if self.bus.listen == self.http.listen && self.bus.listen.port() != 0 {
            faults.push(("http.listen".to_owned(), format!("`{}` is taken by bus.listen", self.http.listen)));
        }
        faults
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
