//! What the configuration asks of a bundle, and what a change of it means.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argentum_bus::{Credential, ErrorCode, Fault};
use argentum_proto::ids::Gateway;

use crate::{config::Config, up::ReadPlan};

/// The whole configuration, as a bundle uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The orchestrator's own part.
    pub config: Config,
    /// Accounts of platforms that the gateway runs.
    pub accounts: Vec<Gateway>,
    /// The part of each service, as TOML.
    pub sections: BTreeMap<Credential, String>,
}

/// What a change of the configuration calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Services that have to start again.
    pub(crate) services: Vec<Credential>,
    /// Whether something changed that only a new start of the bundle can take up.
    pub(crate) needs_start: bool,
}

/// The plan that holds.
pub(crate) struct Plans {
    current: Mutex<Plan>,
    read: ReadPlan,
}

// === impl Plan ===

impl Plan {
    /// What has to happen so that `new` holds instead of this.
    fn change(&self, new: &Plan) -> Change {
        let is_changed = |service: &Credential| {
            let has_new_rights = *service == Credential::ChannelGateway && self.accounts != new.accounts;
            has_new_rights || self.sections.get(service) != new.sections.get(service)
        };
        let services = new.sections.keys().copied().filter(is_changed).collect();
        Change { services, needs_start: self.config != new.config }
    }
}

// === impl Plans ===

impl Plans {
    pub(crate) fn new(current: Plan, read: ReadPlan) -> Self {
        Self { current: Mutex::new(current), read }
    }

    /// Reads the configuration anew and lets it hold, but for what only a new start can take up. A broken one changes nothing.
    pub(crate) fn reload(&self) -> Result<(Change, Vec<Gateway>), Fault> {
        // Read under the lock: of two reloads at once the later one must not be followed by what the earlier one read.
        let mut current = self.lock();
        let new = (self.read)().map_err(|failure| Fault::new(ErrorCode::InvalidArgument, failure.text))?;
        let change = current.change(&new);
        let config = current.config.clone();
        let accounts = new.accounts.clone();
        *current = Plan { config, ..new };
        Ok((change, accounts))
    }

    /// The part of the configuration that `service` is started with.
    pub(crate) fn section(&self, service: Credential) -> String {
        self.lock().sections.get(&service).cloned().unwrap_or_default()
    }

    pub(crate) fn log_filter(&self) -> String {
        self.lock().config.log.filter.clone()
    }

    /// What the processes tell an OpenTelemetry receiver, as TOML.
    pub(crate) fn telemetry(&self) -> String {
        toml::to_string(&self.lock().config.telemetry).expect("a table that was read can be written")
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argentum_service::{Exit, Failure};

    use super::*;

    fn plan(router: &str, accounts: &[&str]) -> Plan {
        Plan {
            config: Config::default(),
            accounts: accounts.iter().map(|name| name.parse().unwrap()).collect(),
            sections: BTreeMap::from([(Credential::ChannelGateway, String::new()), (Credential::ProviderRouter, router.to_owned())]),
        }
    }

    #[test]
    fn only_the_services_whose_section_changed_start_again() {
        let plans = Plans::new(plan("a = 1", &["web"]), Box::new(|| Ok(plan("a = 2", &["web"]))));
        let (change, _) = plans.reload().unwrap();
        assert_eq!(change, Change { services: vec![Credential::ProviderRouter], needs_start: false });
        assert_eq!(plans.reload().unwrap().0.services, [], "it holds now");
    }

    #[test]
    fn the_gateway_starts_again_for_a_new_account() {
        let plans = Plans::new(plan("", &["web"]), Box::new(|| Ok(plan("", &["web", "chat"]))));
        assert_eq!(plans.reload().unwrap().0.services, [Credential::ChannelGateway]);
    }

    #[test]
    fn a_broken_configuration_changes_nothing() {
        let plans = Plans::new(plan("a = 1", &["web"]), Box::new(|| Err(Failure::new(Exit::Config, "line 3"))));
        assert_eq!(plans.reload().unwrap_err().text, "line 3");
        assert_eq!(plans.section(Credential::ProviderRouter), "a = 1");
    }
}
