//! What an operator asks of a service, by way of the orchestrator: the right is made here and checked there.

use std::sync::Arc;

use argentum_bus::{Bus, Caller, Credential, Fault};
use argentum_proto::{
    channel::v1::IssueLoginLinkRequest,
    control::v1::{LogInResponse, operator_response::Response},
};
use argentum_service::unix_ms;

use super::bundle::Surroundings;

/// A link that logs one browser in.
pub(super) async fn log_in(surroundings: Arc<Surroundings>, bus: Bus) -> Result<Response, Fault> {
    let right = surroundings.operator_key.sign("login", Credential::ChannelGateway, unix_ms())?;
    let request = IssueLoginLinkRequest { right: Some(right), page_url: surroundings.http_url() };
    let issued = bus.request(&Caller(Credential::Orchestrator), &request).await?;
    Ok(Response::LogIn(LogInResponse { link: issued.link, valid_for_ms: issued.valid_for_ms }))
}
