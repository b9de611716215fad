//! The orchestrator's part of `argentum.toml`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use argentum_service::{
    config::Section,
    logging::{self, DEFAULT_FILTER},
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
    /// Address and port on which page and API are served. Port 0 takes any free one. Default: 127.0.0.1:4747. Beyond loopback it is
    /// refused until the page asks for a login.
    pub listen: SocketAddr,
}

/// What the processes write to standard error.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), also per crate: `info,argentum_bus=debug`. Default: `info,async_nats=warn`. `debug` and
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
        Self { listen: loopback(4747) }
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
        let listeners = [("bus.listen", self.bus.listen), ("http.listen", self.http.listen)];
        let mut faults: Vec<(String, String)> = listeners
            .into_iter()
            .filter(|(_, address)| !address.ip().is_loopback())
            .map(|(key, address)| {
                (key.to_owned(), format!("`{address}` is not a loopback address; listening beyond this machine is not offered yet"))
            })
            .collect();
        if let Err(text) = logging::check(&self.log.filter) {
            faults.push(("log.filter".to_owned(), text));
        }
        if self.bus.listen == self.http.listen && self.bus.listen.port() != 0 {
            faults.push(("http.listen".to_owned(), format!("`{}` is taken by bus.listen", self.http.listen)));
        }
        faults
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
