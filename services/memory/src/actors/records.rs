//! Takes what is to be remembered and what is to be forgotten.

use std::{rc::Rc, sync::Arc};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, ResponseActFuture, fut::wrap_future};
use argentum_bus::{Bus, Call, Credential, Fault};
use argentum_proto::memory::v1::{
    EraseRecordsRequest, EraseRecordsResponse, ForgetRequest, ForgetResponse, RememberFactRequest, RememberFactResponse,
    RememberTurnRequest, RememberTurnResponse, erase_records_request, forget_request,
};
use argentum_service::{Alive, Process, right, unix_ms};

use crate::{
    archive::{Selection, Words},
    memory::{Memory, MemoryError},
    records::{Invalid, Telling},
    scope::{ScopeKey, Speaker},
};

/// Requests of one kind carried out at the same time.
const TELLINGS_MAX: usize = 128;
const FORGETTINGS_MAX: usize = 4;

/// The records. A store that failed ends the actor, and with it the process: only a new one can open it again.
pub(crate) struct Records {
    alive: Alive,
    bus: Bus,
    memory: Arc<Memory>,
    process: Rc<Process>,
}

type Reply<T> = ResponseActFuture<Records, Result<T, Fault>>;

// === impl Records ===

impl Records {
    pub(crate) fn new(alive: Alive, bus: Bus, memory: Arc<Memory>, process: Rc<Process>) -> Self {
        Self { alive, bus, memory, process }
    }
}

/// Answers with what `work` comes to. Where it failed for good, the actor ends.
fn reply<T: 'static>(work: impl Future<Output = Result<Result<T, MemoryError>, Fault>> + 'static) -> Reply<T> {
    Box::pin(wrap_future::<_, Records>(work).map(|outcome, _actor, context: &mut Context<Records>| {
        let outcome = outcome?;
        if outcome.as_ref().is_err_and(MemoryError::is_final) {
            context.stop();
        }
        Ok(outcome?)
    }))
}

impl Actor for Records {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, address) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<RememberTurnRequest>(address.clone().recipient(), TELLINGS_MAX).await?,
                bus.serve::<RememberFactRequest>(address.clone().recipient(), TELLINGS_MAX).await?,
                bus.serve::<ForgetRequest>(address.clone().recipient(), FORGETTINGS_MAX).await?,
                bus.serve::<EraseRecordsRequest>(address.recipient(), FORGETTINGS_MAX).await?,
            ])
        });
    }
}

impl Handler<Call<RememberTurnRequest>> for Records {
    type Result = Reply<RememberTurnResponse>;

    fn handle(&mut self, Call { body, .. }: Call<RememberTurnRequest>, _: &mut Context<Self>) -> Self::Result {
        let memory = Arc::clone(&self.memory);
        reply(async move { Ok(memory.remember(Telling::of_turn(body)?).await.map(|()| RememberTurnResponse {})) })
    }
}

impl Handler<Call<RememberFactRequest>> for Records {
    type Result = Reply<RememberFactResponse>;

    fn handle(&mut self, Call { body, .. }: Call<RememberFactRequest>, _: &mut Context<Self>) -> Self::Result {
        let memory = Arc::clone(&self.memory);
        reply(async move {
            let telling = Telling::of_fact(body)?;
            let record_id = telling.id.clone();
            Ok(memory.remember(telling).await.map(|()| RememberFactResponse { record_id }))
        })
    }
}

impl Handler<Call<ForgetRequest>> for Records {
    type Result = Reply<ForgetResponse>;

    fn handle(&mut self, Call { body, .. }: Call<ForgetRequest>, _: &mut Context<Self>) -> Self::Result {
        let memory = Arc::clone(&self.memory);
        reply(async move { Ok(memory.forget(forgotten(body)?).await.map(|records_count| ForgetResponse { records_count })) })
    }
}

impl Handler<Call<EraseRecordsRequest>> for Records {
    type Result = Reply<EraseRecordsResponse>;

    fn handle(&mut self, Call { body, .. }: Call<EraseRecordsRequest>, _: &mut Context<Self>) -> Self::Result {
        let allowed = right::check(self.process.operator_key(), "memory-erase", Credential::Memory, body.right.as_ref(), unix_ms());
        let memory = Arc::clone(&self.memory);
        reply(async move {
            allowed?;
            Ok(memory.forget(erased(body)?).await.map(|records_count| EraseRecordsResponse { records_count }))
        })
    }
}

/// What a sender wants forgotten, of what it may have forgotten.
fn forgotten(request: ForgetRequest) -> Result<Selection, Invalid> {
    use forget_request::Target;
    let speaker = Speaker::from_wire(request.conversation, request.sender)?;
    let own = Selection { key: Some(speaker.forgets()), ..Selection::default() };
    Ok(match request.target.ok_or(Invalid::Missing("target"))? {
        Target::RecordId(id) => Selection { record_id: Some(id), ..own },
        Target::ThisConversation(_) => Selection { key: Some(speaker.here()), limit: own.key, ..Selection::default() },
        Target::Everything(_) => own,
        Target::BeforeMs(before_ms) => Selection { before_ms: Some(before_ms), ..own },
        Target::Words(words) => Selection { words: Some(Words::of(&words).ok_or(Invalid::Words)?), ..own },
    })
}

/// What an operator wants gone.
fn erased(request: EraseRecordsRequest) -> Result<Selection, Invalid> {
    use erase_records_request::Target;
    Ok(match request.target.ok_or(Invalid::Missing("target"))? {
        Target::RecordId(id) => Selection { record_id: Some(id), ..Selection::default() },
        Target::Conversation(place) => {
            let key = ScopeKey::conversation(&place.gateway, &place.platform_conversation_id);
            Selection { key: Some(key), ..Selection::default() }
        }
        Target::Sender(sender) => Selection { key: Some(ScopeKey::sender(&sender.gateway, &sender.platform_id)), ..Selection::default() },
        Target::BeforeMs(before_ms) => Selection { before_ms: Some(before_ms), ..Selection::default() },
    })
}
