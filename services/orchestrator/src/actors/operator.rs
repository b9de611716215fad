//! What an operator asks of a service, by way of the orchestrator: the right is made here and checked there.

use std::sync::Arc;

use argentum_bus::{Bus, Caller, Credential, Fault, Rpc};
use argentum_proto::{
    channel::v1::IssueLoginLinkRequest,
    control::v1::{LogInResponse, SignedRight, operator_request::Request, operator_response::Response},
};
use argentum_service::unix_ms;

use super::bundle::Surroundings;

/// Declares the requests that a service answers: how each is called, its verb, and by whom it is answered.
macro_rules! forwarded {
    ($($kind:ident as $verb:literal by $service:ident;)*) => {
        /// Whether a service answers `request`, not the orchestrator.
        pub(super) fn is_forwarded(request: &Request) -> bool {
            matches!(request, Request::LogIn(_) | Request::ListModels(_) $(| Request::$kind(_))*)
        }

        /// Has a service answer, with the right that the verb needs.
        pub(super) async fn forward(request: Request, surroundings: Arc<Surroundings>, bus: Bus) -> Result<Response, Fault> {
            let sign = |verb: &str, service| surroundings.operator_key.sign(verb, service, unix_ms());
            match request {
                Request::LogIn(_) => log_in(&surroundings, sign("login", Credential::ChannelGateway)?, &bus).await,
                Request::ListModels(request) => ask(&bus, request).await.map(Response::ListModels),
                $(Request::$kind(mut request) => {
                    request.right = Some(sign($verb, Credential::$service)?);
                    ask(&bus, request).await.map(Response::$kind)
                })*
                _ => Err(Fault::internal("the orchestrator answers this itself")),
            }
        }
    };
}

forwarded! {
    TestProvider as "provider-test" by ProviderRouter;
    OfferIntake as "secret-intake" by Vault;
    PutSecret as "secret-put" by Vault;
    ListSecrets as "secret-list" by Vault;
    RemoveSecret as "secret-remove" by Vault;
    ReadAudit as "vault-audit" by Vault;
    CreateApiKey as "key-create" by ChannelGateway;
    ListApiKeys as "key-list" by ChannelGateway;
    RevokeApiKey as "key-revoke" by ChannelGateway;
    ListPairings as "pair-list" by ChannelGateway;
    ApprovePairing as "pair-approve" by ChannelGateway;
    RevokePairing as "pair-revoke" by ChannelGateway;
    SearchRecords as "memory-search" by Memory;
    EraseRecords as "memory-erase" by Memory;
}

async fn ask<Q: Rpc<Address = Caller>>(bus: &Bus, request: Q) -> Result<Q::Reply, Fault> {
    bus.request(&Caller(Credential::Orchestrator), &request).await
}

/// A link that logs one browser in.
async fn log_in(surroundings: &Surroundings, right: SignedRight, bus: &Bus) -> Result<Response, Fault> {
    let request = IssueLoginLinkRequest { right: Some(right), page_url: surroundings.http_url() };
    let issued = ask(bus, request).await?;
    Ok(Response::LogIn(LogInResponse { link: issued.link, valid_for_ms: issued.valid_for_ms }))
}
