//! Answers who wants to lease a secret, and the operator.

use std::{cell::RefCell, rc::Rc};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, ResponseActFuture, WrapFuture};
use argentum_bus::{Bus, Call, Caller, Credential, ErrorCode, Fault};
use argentum_proto::{
    control::v1::SignedRight,
    vault::v1::{
        LeaseSecretRequest, LeaseSecretResponse, ListSecretsRequest, ListSecretsResponse, OfferIntakeRequest, OfferIntakeResponse,
        PutSecretRequest, PutSecretResponse, ReadAuditRequest, ReadAuditResponse, RemoveSecretRequest, RemoveSecretResponse,
    },
};
use argentum_service::{
    Alive, Process, chain, right,
    sealing::{self, SUITE, SecretBytes},
    unix_ms,
};
use tracing::{error, warn};

use crate::{
    cabinet::{Cabinet, CabinetError},
    intake::Intakes,
    policy,
};

/// Requests of one kind answered at the same time.
const LEASES_MAX: usize = 32;
const VERBS_MAX: usize = 4;
/// How long a lease is good for.
const LEASE_MS: u64 = 15 * 60 * 1000;
/// Largest secret.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// The secrets of this server.
pub(crate) struct Secrets {
    alive: Alive,
    bus: Bus,
    cabinet: Cabinet,
    intakes: RefCell<Intakes>,
    process: Rc<Process>,
}

// === impl Secrets ===

impl Secrets {
    pub(crate) fn new(alive: Alive, bus: Bus, cabinet: Cabinet, process: Rc<Process>) -> Self {
        Self { alive, bus, cabinet, intakes: RefCell::default(), process }
    }

    fn check(&self, verb: &str, right: Option<&SignedRight>) -> Result<(), Fault> {
        right::check(self.process.operator_key(), verb, Credential::Vault, right, unix_ms())
    }

    /// Does `job` where it may block: the disk and the cipher are not the actors' thread. Where the store has failed and
    /// could be opened anew, the actor ends, and with it the process: the next one does that.
    fn blocking<T: Send + 'static>(
        &self,
        allowed: Result<(), Fault>,
        job: impl FnOnce(&Cabinet) -> Result<T, Fault> + Send + 'static,
    ) -> ResponseActFuture<Self, Result<T, Fault>> {
        let cabinet = self.cabinet.clone();
        let done = async move {
            allowed?;
            let done = tokio::task::spawn_blocking(move || job(&cabinet)).await;
            done.unwrap_or_else(|error| Err(Fault::internal(format!("a defect in the vault: {error}"))))
        };
        Box::pin(done.into_actor(self).map(|done, secrets, context| {
            if secrets.cabinet.is_to_be_opened_anew() {
                error!("the sealed store has failed; the process ends, and the next one opens it anew");
                context.stop();
            }
            done
        }))
    }

    /// Opens what an operator sealed for us.
    fn take_in(&self, request: &PutSecretRequest) -> Result<SecretBytes, Fault> {
        self.check("secret-put", request.right.as_ref())?;
        let invalid = |text: &str| Fault::new(ErrorCode::InvalidArgument, text);
        if !policy::is_name(&request.name) {
            return Err(invalid("a secret's name is made of a-z, 0-9, `-`, `_`, `.`, in segments divided by `/`, of at most 128 bytes"));
        }
        let recipient = self.intakes.borrow_mut().take(&request.intake_id, unix_ms());
        let recipient = recipient.ok_or_else(|| Fault::new(ErrorCode::Conflict, "the offered key was used or is too old; try again"))?;
        let sealed = request.sealed.as_ref().ok_or_else(|| invalid("no secret was sent"))?;
        let secret = recipient.open(sealed, &sealing::intake_context(&request.name)).map_err(|error| invalid(&error.to_string()))?;
        match secret.expose().len() {
            1..=SECRET_BYTES_MAX => Ok(secret),
            _ => Err(invalid("a secret has 1 to 65,536 bytes")),
        }
    }
}

impl Actor for Secrets {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, address) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<LeaseSecretRequest>(address.clone().recipient(), LEASES_MAX).await?,
                bus.serve::<OfferIntakeRequest>(address.clone().recipient(), VERBS_MAX).await?,
                bus.serve::<PutSecretRequest>(address.clone().recipient(), VERBS_MAX).await?,
                bus.serve::<ListSecretsRequest>(address.clone().recipient(), VERBS_MAX).await?,
                bus.serve::<RemoveSecretRequest>(address.clone().recipient(), VERBS_MAX).await?,
                bus.serve::<ReadAuditRequest>(address.recipient(), VERBS_MAX).await?,
            ])
        });
    }
}

impl Handler<Call<LeaseSecretRequest>> for Secrets {
    type Result = ResponseActFuture<Self, Result<LeaseSecretResponse, Fault>>;

    fn handle(&mut self, call: Call<LeaseSecretRequest>, _: &mut Context<Self>) -> Self::Result {
        let Caller(service) = call.address;
        self.blocking(Ok(()), move |cabinet| lease(cabinet, service, &call.body))
    }
}

impl Handler<Call<OfferIntakeRequest>> for Secrets {
    type Result = Result<OfferIntakeResponse, Fault>;

    fn handle(&mut self, Call { body, .. }: Call<OfferIntakeRequest>, _: &mut Context<Self>) -> Self::Result {
        self.check("secret-intake", body.right.as_ref())?;
        let (intake_id, public_key) = self.intakes.borrow_mut().offer(unix_ms());
        Ok(OfferIntakeResponse { intake_id, public_key: public_key.into() })
    }
}

impl Handler<Call<PutSecretRequest>> for Secrets {
    type Result = ResponseActFuture<Self, Result<PutSecretResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<PutSecretRequest>, _: &mut Context<Self>) -> Self::Result {
        let taken = self.take_in(&body);
        let (allowed, secret) = taken.map_or_else(|fault| (Err(fault), SecretBytes::new(Vec::new())), |secret| (Ok(()), secret));
        self.blocking(allowed, move |cabinet| Ok(PutSecretResponse { version: cabinet.put(&body.name, &secret, unix_ms())? }))
    }
}

impl Handler<Call<ListSecretsRequest>> for Secrets {
    type Result = ResponseActFuture<Self, Result<ListSecretsResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<ListSecretsRequest>, _: &mut Context<Self>) -> Self::Result {
        let allowed = self.check("secret-list", body.right.as_ref());
        self.blocking(allowed, |cabinet| Ok(ListSecretsResponse { secrets: cabinet.list()? }))
    }
}

impl Handler<Call<RemoveSecretRequest>> for Secrets {
    type Result = ResponseActFuture<Self, Result<RemoveSecretResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<RemoveSecretRequest>, _: &mut Context<Self>) -> Self::Result {
        let allowed = self.check("secret-remove", body.right.as_ref());
        self.blocking(allowed, move |cabinet| {
            cabinet.remove(&body.name, unix_ms())?;
            Ok(RemoveSecretResponse {})
        })
    }
}

impl Handler<Call<ReadAuditRequest>> for Secrets {
    type Result = ResponseActFuture<Self, Result<ReadAuditResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<ReadAuditRequest>, _: &mut Context<Self>) -> Self::Result {
        let allowed = self.check("vault-audit", body.right.as_ref());
        self.blocking(allowed, move |cabinet| Ok(ReadAuditResponse { entries: cabinet.entries(body.count_max, body.before_sequence)? }))
    }
}

/// Lends a secret to `service`, sealed for it, and writes that down; also where it is refused.
fn lease(cabinet: &Cabinet, service: Credential, request: &LeaseSecretRequest) -> Result<LeaseSecretResponse, Fault> {
    let name = &request.name;
    if !policy::is_name(name) || request.suite != Some(SUITE) {
        return Err(Fault::new(ErrorCode::InvalidArgument, "the name or the sealing suite is not known"));
    }
    if !policy::may_lease(service, name) {
        warn!(%service, name, "a service asked for a secret that it may not have");
        cabinet.note_lease(service.token(), name, "forbidden", unix_ms())?;
        return Err(Fault::new(ErrorCode::Forbidden, format!("`{service}` may not lease `{name}`")));
    }
    let secret = match cabinet.open(name) {
        Err(CabinetError::Missing { .. }) => {
            cabinet.note_lease(service.token(), name, "missing", unix_ms())?;
            let text = format!("the vault has no secret `{name}`; `argentum secret put {name}` puts it in");
            return Err(Fault::new(ErrorCode::NotFound, text));
        }
        opened => opened?,
    };
    let sealed = sealing::seal(&request.public_key, &sealing::lease_context(service.token(), name), &secret)
        .map_err(|error| Fault::new(ErrorCode::InvalidArgument, error.to_string()))?;
    cabinet.note_lease(service.token(), name, "done", unix_ms())?;
    Ok(LeaseSecretResponse { sealed: Some(sealed), ttl_ms: LEASE_MS })
}

impl From<CabinetError> for Fault {
    fn from(error: CabinetError) -> Self {
        match error {
            CabinetError::Missing { .. } => Fault::new(ErrorCode::NotFound, error.to_string()),
            error => {
                error!(error = chain(&error), "the sealed store");
                Fault::internal(error.to_string())
            }
        }
    }
}
