//! The whole of `argentum.toml`: only here every section is known.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use argentum_bus::Credential;
use argentum_orchestrator as orchestrator;
use argentum_proto::ids::Gateway;
use argentum_service::{
    Exit, Failure,
    config::{self, Section},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Global;

/// A configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(crate) bus: orchestrator::BusConfig,
    pub(crate) http: orchestrator::HttpConfig,
    pub(crate) log: orchestrator::LogConfig,
    pub(crate) telemetry: argentum_service::telemetry::TelemetryConfig,
    pub(crate) channel_gateway: argentum_channel_gateway::Config,
    pub(crate) provider_router: argentum_provider_router::Config,
    pub(crate) memory: argentum_memory::Config,
    pub(crate) vault: argentum_vault::Config,
}

// === impl File ===

impl Section for File {
    fn rules(&self) -> Vec<(String, String)> {
        let within =
            |name: &'static str, rules: Vec<(String, String)>| rules.into_iter().map(move |(key, text)| (format!("{name}.{key}"), text));
        let services = within("channel_gateway", self.channel_gateway.rules())
            .chain(within("provider_router", self.provider_router.rules()))
            .chain(within("memory", self.memory.rules()))
            .chain(within("vault", self.vault.rules()));
        self.orchestrator().rules().into_iter().chain(services).collect()
    }
}

impl File {
    /// Reads the file that the command line names. Where nobody named one and none is there, the defaults hold.
    pub(crate) fn read(global: &Global) -> Result<Self, Failure> {
        let (text, path) = Self::text(global)?;
        Self::parse(&text, &path)
    }

    /// The text of the configuration and where it stands; empty where nobody named a file and none is there.
    pub(crate) fn text(global: &Global) -> Result<(String, PathBuf), Failure> {
        let (path, is_named) = global.config_file()?;
        match fs::read_to_string(&path) {
            Ok(text) => Ok((text, path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => Ok((String::new(), path)),
            Err(error) => Err(Failure::new(Exit::Config, format!("configuration `{}` cannot be read: {error}", path.display()))),
        }
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        Self::judge(text, &format!("configuration `{}` is not usable, nothing was started", path.display()))
    }

    /// What a verb would write. Lines are counted in that.
    pub(crate) fn parse_changed(text: &str, path: &Path) -> Result<Self, Failure> {
        Self::judge(text, &format!("with this, `{}` would not be usable any more; nothing was changed", path.display()))
    }

    fn judge(text: &str, unusable: &str) -> Result<Self, Failure> {
        config::parse(text).map_err(|faults| Failure::new(Exit::Config, format!("{unusable}:\n{}", config::list(&faults))))
    }

    fn orchestrator(&self) -> orchestrator::Config {
        orchestrator::Config { bus: self.bus.clone(), http: self.http.clone(), log: self.log.clone(), telemetry: self.telemetry.clone() }
    }

    /// What it asks of a bundle.
    pub(crate) fn plan(&self) -> orchestrator::Plan {
        let sections = orchestrator::SERVICES.into_iter().map(|service| (service, self.section_of(service))).collect();
        orchestrator::Plan { config: self.orchestrator(), accounts: self.accounts(), sections }
    }

    /// The accounts that the gateway runs; the page is always one of them.
    pub(crate) fn accounts(&self) -> Vec<Gateway> {
        self.channel_gateway.accounts()
    }

    /// The section that a service is started with.
    fn section_of(&self, service: Credential) -> String {
        let section = match service {
            Credential::Orchestrator => return String::new(),
            Credential::ChannelGateway => toml::to_string(&self.channel_gateway),
            Credential::ProviderRouter => toml::to_string(&self.provider_router),
            Credential::Memory => toml::to_string(&self.memory),
            Credential::Vault => toml::to_string(&self.vault),
        };
        section.expect("a section that was read can be written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_any_section_is_told_before_anything_starts() {
        let failure = File::parse("[http]\nlisten = '0.0.0.0:80'\n[vualt]\n", Path::new("x.toml")).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert!(failure.text.contains("line 3: `vualt`"), "{}", failure.text);
        assert!(failure.text.contains("line 2: `http.listen`"), "{}", failure.text);
    }
}
