//! Answers the operator about who may write to which account. With the gateway's store it ends, and the process with it.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use argentum_bus::{Bus, Call, Credential, ErrorCode, Fault};
use argentum_proto::{
    channel::v1::{
        ApprovePairingRequest, ApprovePairingResponse, ListPairingsRequest, ListPairingsResponse, PairingEntry, PairingState,
        RevokePairingRequest, RevokePairingResponse,
    },
    control::v1::SignedRight,
    ids::{ConversationId, Gateway},
};
use argentum_service::{Alive, Process, right, unix_ms};
use argentum_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::channels::{Admission, CODE_MS, Desk, Notice, NoticeName};

/// Requests of one kind answered at the same time.
const CONCURRENCY_MAX: usize = 4;

/// The accounts of this gateway.
pub(crate) struct Accounts {
    pub(crate) desks: BTreeMap<Gateway, Desk>,
    /// Those that are not configured any more, and that somebody is still paired with.
    pub(crate) former: BTreeMap<Gateway, Arc<Admission>>,
}

/// Who may write to the accounts of this gateway.
pub(crate) struct Pairing {
    alive: Alive,
    bus: Bus,
    process: Rc<Process>,
    desks: BTreeMap<Gateway, Arc<Desk>>,
    former: BTreeMap<Gateway, Arc<Admission>>,
    /// Cancelled when the store takes nothing more.
    broken: Option<CancellationToken>,
}

// === impl Pairing ===

impl Pairing {
    pub(crate) fn new(
        alive: Alive,
        bus: Bus,
        process: Rc<Process>,
        Accounts { desks, former }: Accounts,
        broken: Option<CancellationToken>,
    ) -> Self {
        let desks = desks.into_iter().map(|(gateway, desk)| (gateway, Arc::new(desk))).collect();
        Self { alive, bus, process, desks, former, broken }
    }

    fn check(&self, verb: &str, right: Option<&SignedRight>) -> Result<(), Fault> {
        right::check(self.process.operator_key(), verb, Credential::ChannelGateway, right, unix_ms())
    }

    /// The accounts that are meant and run: all where none is named.
    fn desks(&self, account: &str) -> Result<Vec<(Gateway, Arc<Desk>)>, Fault> {
        meant(&self.desks, account, false)
    }

    /// Who is let in at the accounts that are meant, and whether each is one that is not configured any more.
    fn admissions(&self, account: &str) -> Result<Vec<(Gateway, Arc<Admission>, bool)>, Fault> {
        let former = meant(&self.former, account, true)?.into_iter().map(|(gateway, admission)| (gateway, admission, true));
        let desks = meant(&self.desks, account, former.len() != 0)?.into_iter();
        Ok(desks.map(|(gateway, desk)| (gateway, Arc::clone(&desk.admission), false)).chain(former).collect())
    }
}

/// Those of the named account: all where none is named. One that is not there is a fault, unless `may_miss`.
fn meant<T>(all: &BTreeMap<Gateway, Arc<T>>, account: &str, may_miss: bool) -> Result<Vec<(Gateway, Arc<T>)>, Fault> {
    let is_meant = |gateway: &Gateway| account.is_empty() || gateway.as_str() == account;
    let found: Vec<_> = all.iter().filter(|(gateway, _)| is_meant(gateway)).map(|(a, b)| (a.clone(), Arc::clone(b))).collect();
    if found.is_empty() && !account.is_empty() && !may_miss {
        return Err(Fault::new(ErrorCode::NotFound, format!("no channel `{account}` is configured")));
    }
    Ok(found)
}

impl Actor for Pairing {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, address) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<ListPairingsRequest>(address.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<ApprovePairingRequest>(address.clone().recipient(), CONCURRENCY_MAX).await?,
                bus.serve::<RevokePairingRequest>(address.recipient(), CONCURRENCY_MAX).await?,
            ])
        });
        if let Some(broken) = self.broken.clone() {
            let ended = async move { broken.cancelled().await };
            context.spawn(ended.into_actor(self).map(|(), _, context| context.stop()));
        }
    }
}

impl Handler<Call<ListPairingsRequest>> for Pairing {
    type Result = ResponseFuture<Result<ListPairingsResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<ListPairingsRequest>, _: &mut Context<Self>) -> Self::Result {
        let admissions = self.check("pair-list", body.right.as_ref()).and_then(|()| self.admissions(&body.account));
        Box::pin(async move {
            let mut entries = Vec::new();
            for (gateway, admission, is_former) in admissions? {
                entries.extend(listed(&gateway, &admission, is_former, unix_ms()).await);
            }
            Ok(ListPairingsResponse { entries })
        })
    }
}

impl Handler<Call<ApprovePairingRequest>> for Pairing {
    type Result = ResponseFuture<Result<ApprovePairingResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<ApprovePairingRequest>, _: &mut Context<Self>) -> Self::Result {
        let desks = self.check("pair-approve", body.right.as_ref()).and_then(|()| self.desks(&body.account));
        Box::pin(async move { approve(&desks?, &body).await })
    }
}

impl Handler<Call<RevokePairingRequest>> for Pairing {
    type Result = ResponseFuture<Result<RevokePairingResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<RevokePairingRequest>, _: &mut Context<Self>) -> Self::Result {
        let admissions = self.check("pair-revoke", body.right.as_ref()).and_then(|()| self.admissions(&body.account));
        Box::pin(async move {
            let admissions = admissions?;
            let mut was_known = false;
            for (_, admission, _) in &admissions {
                was_known |= admission.revoke(&body.id).await.map_err(|error| not_kept(&error))?;
            }
            let is_configured = admissions.iter().any(|(_, admission, _)| admission.allowed().contains(&body.id));
            match (was_known, is_configured) {
                (_, true) => Err(Fault::new(ErrorCode::Conflict, "the configuration lets this one in; take the id out of `allow`")),
                (true, false) => Ok(RevokePairingResponse {}),
                (false, false) => Err(Fault::new(ErrorCode::NotFound, "nobody with this id or code is paired")),
            }
        })
    }
}

async fn approve(desks: &[(Gateway, Arc<Desk>)], request: &ApprovePairingRequest) -> Result<ApprovePairingResponse, Fault> {
    for (gateway, desk) in desks {
        if let Some(stranger) = desk.admission.approve(&request.code).await.map_err(|error| not_kept(&error))? {
            let name = NoticeName::of(&format!("paired/{gateway}/{}", request.code.trim().to_ascii_uppercase()));
            welcome(Arc::clone(desk), name, stranger.conversation.clone());
            let (account, id) = (gateway.to_string(), stranger.id);
            return Ok(ApprovePairingResponse { account, id, name: stranger.name, is_weak: stranger.is_weak });
        }
    }
    // Otherwise a group, which has no code: its id and its account are named.
    let group: Option<ConversationId> = request.code.parse().ok().filter(|_| !request.account.is_empty() && request.is_group);
    match (group, desks) {
        (Some(group), [(gateway, desk)]) => {
            desk.admission.approve_group(&group).await.map_err(|error| not_kept(&error))?;
            Ok(ApprovePairingResponse { account: gateway.to_string(), id: group.to_string(), name: String::new(), is_weak: false })
        }
        _ => Err(Fault::new(ErrorCode::NotFound, "no such code, or it has expired: whoever wants in writes again and gets a new one")),
    }
}

/// Tells a person that the door is open. The operator does not wait for the platform.
fn welcome(desk: Arc<Desk>, name: NoticeName, conversation: String) {
    let text = format!("You are paired now. Write to me, or send {}", desk.commands.in_private("help"));
    let notice = Notice { platform_conversation_id: conversation, reply_to: String::new(), text };
    // A store that failed is told by the store itself.
    tokio::spawn(async move { desk.notices.once(name, notice).await.unwrap_or_default() });
}

/// Whoever was told a code of an account that is not configured cannot be let in.
async fn listed(gateway: &Gateway, admission: &Admission, is_former: bool, now_ms: u64) -> Vec<PairingEntry> {
    let pairing = admission.pairing().await;
    let entry = |state: PairingState, id: &str| PairingEntry {
        account: gateway.to_string(),
        state: state.into(),
        id: id.to_owned(),
        is_account_gone: is_former,
        ..PairingEntry::default()
    };
    let configured = admission.allowed().iter().map(|id| entry(PairingState::Configured, id));
    let people = pairing.people().map(|(id, guest)| PairingEntry {
        name: guest.name.clone(),
        is_weak: guest.is_weak,
        since_ms: guest.since_ms,
        ..entry(PairingState::Person, id)
    });
    let groups = pairing.groups().map(|(id, guest)| PairingEntry {
        name: guest.name.clone(),
        since_ms: guest.since_ms,
        ..entry(PairingState::Group, id)
    });
    let pending = pairing.pending(now_ms).filter(|_| !is_former).map(|(code, stranger)| PairingEntry {
        name: stranger.name.clone(),
        is_weak: stranger.is_weak,
        since_ms: stranger.asked_ms,
        code: code.clone(),
        expires_ms: stranger.asked_ms + CODE_MS,
        ..entry(PairingState::Pending, &stranger.id)
    });
    configured.chain(people).chain(groups).chain(pending).collect()
}

fn not_kept(error: &StoreError) -> Fault {
    Fault::unavailable(format!("the change cannot be kept: {error}"))
}
