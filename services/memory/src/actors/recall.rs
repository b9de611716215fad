//! Answers what is asked of memory.

use std::{collections::BTreeSet, rc::Rc, sync::Arc};

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture};
use argentum_bus::{Bus, Call, Credential, ErrorCode, Fault, Rpc};
use argentum_proto::memory::v1::{
    ListFactsRequest, ListFactsResponse, RecallRequest, RecallResponse, SearchRecordsRequest, SearchRecordsResponse,
};
use argentum_service::{Alive, Process, chain, right, unix_ms};
use tracing::error;

use crate::{
    config::Config,
    document::Query,
    library::Bounds,
    memory::{Memory, MemoryError},
    records::Invalid,
    scope::Speaker,
};

/// Requests of one kind answered at the same time.
const RECALLS_MAX: usize = 64;
const LISTS_MAX: usize = 8;
/// Most turns that a recall leaves out.
const EXCLUDED_MAX: usize = 256;
/// Records of a list, where nobody says how many, and at most.
const FACTS_DEFAULT: u32 = 100;
const FOUND_DEFAULT: u32 = 50;
const LISTED_MAX: u32 = 500;
/// Bytes of all records that an operator finds.
const FOUND_BYTES_MAX: usize = 4 << 20;

/// What can be recalled.
pub(crate) struct Recall {
    alive: Alive,
    bus: Bus,
    memory: Arc<Memory>,
    config: Config,
    process: Rc<Process>,
}

// === impl Recall ===

impl Recall {
    pub(crate) fn new(alive: Alive, bus: Bus, memory: Arc<Memory>, config: Config, process: Rc<Process>) -> Self {
        Self { alive, bus, memory, config, process }
    }

    fn bounds(&self, request: &RecallRequest) -> Bounds {
        Bounds {
            records_max: bound(request.records_max, self.config.recalled_records_max),
            bytes_max: bound(request.bytes_max, self.config.recalled_bytes_max),
            record_bytes_max: count(self.config.record_bytes_max),
            now_ms: unix_ms(),
        }
    }
}

impl Actor for Recall {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, address) = (self.bus.clone(), context.address());
        self.alive.subscribe(context, async move {
            Ok(vec![
                bus.serve::<RecallRequest>(address.clone().recipient(), RECALLS_MAX).await?,
                bus.serve::<ListFactsRequest>(address.clone().recipient(), LISTS_MAX).await?,
                bus.serve::<SearchRecordsRequest>(address.recipient(), LISTS_MAX).await?,
            ])
        });
    }
}

impl Handler<Call<RecallRequest>> for Recall {
    type Result = ResponseFuture<Result<RecallResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<RecallRequest>, _: &mut Context<Self>) -> Self::Result {
        let (memory, bounds) = (Arc::clone(&self.memory), self.bounds(&body));
        Box::pin(async move {
            let found = memory.recall(query(body)?, bounds, RecallRequest::DEADLINE).await?;
            Ok(RecallResponse { records: found.records, is_partial: found.is_partial })
        })
    }
}

impl Handler<Call<ListFactsRequest>> for Recall {
    type Result = ResponseFuture<Result<ListFactsResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<ListFactsRequest>, _: &mut Context<Self>) -> Self::Result {
        let memory = Arc::clone(&self.memory);
        Box::pin(async move {
            let speaker = Speaker::from_wire(body.conversation, body.sender)?;
            let found = memory.facts(speaker.recalls(), listed(body.facts_max, FACTS_DEFAULT)).await?;
            Ok(ListFactsResponse { facts: found.records, is_partial: found.is_partial })
        })
    }
}

impl Handler<Call<SearchRecordsRequest>> for Recall {
    type Result = ResponseFuture<Result<SearchRecordsResponse, Fault>>;

    fn handle(&mut self, Call { body, .. }: Call<SearchRecordsRequest>, _: &mut Context<Self>) -> Self::Result {
        let allowed = right::check(self.process.operator_key(), "memory-search", Credential::Memory, body.right.as_ref(), unix_ms());
        let memory = Arc::clone(&self.memory);
        let bounds = Bounds {
            records_max: listed(body.records_max, FOUND_DEFAULT),
            bytes_max: FOUND_BYTES_MAX,
            record_bytes_max: count(self.config.record_bytes_max),
            now_ms: unix_ms(),
        };
        Box::pin(async move {
            allowed?;
            let found = memory.recall(Query::new(&body.query, None, BTreeSet::new()), bounds, SearchRecordsRequest::DEADLINE).await?;
            Ok(SearchRecordsResponse { records: found.records, is_partial: found.is_partial })
        })
    }
}

fn query(request: RecallRequest) -> Result<Query, Invalid> {
    if EXCLUDED_MAX < request.exclude_turn_ids.len() {
        return Err(Invalid::Excluded(EXCLUDED_MAX));
    }
    let speaker = Speaker::from_wire(request.conversation, request.sender)?;
    // A fact is of no turn.
    let excluded = request.exclude_turn_ids.into_iter().filter(|turn| !turn.is_empty()).collect();
    Ok(Query::new(&request.query, Some(speaker.recalls()), excluded))
}

/// What is asked for, within the bound; 0 = the bound.
fn bound(asked: u32, max: u32) -> usize {
    count(if asked == 0 { max } else { asked.min(max) })
}

fn listed(asked: u32, default: u32) -> usize {
    count(if asked == 0 { default } else { asked.min(LISTED_MAX) })
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Fault::new(ErrorCode::InvalidArgument, invalid.to_string())
    }
}

impl From<MemoryError> for Fault {
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::Busy => Fault::new(ErrorCode::RateLimited, error.to_string()),
            MemoryError::Closed => Fault::unavailable(error.to_string()),
            MemoryError::Library(source) => {
                error!(error = chain(&*source), "memory failed");
                Fault::internal("memory failed; its log says more")
            }
        }
    }
}
