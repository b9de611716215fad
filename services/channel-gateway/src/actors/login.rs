//! Issues login links to whoever shows the operator's right.

use std::{rc::Rc, sync::Arc};

use actix::{Actor, AsyncContext, Context, Handler};
use argentum_bus::{Bus, Call, Credential, Fault};
use argentum_proto::channel::v1::{IssueLoginLinkRequest, IssueLoginLinkResponse};
use argentum_service::{Alive, Process, Subscribed, right, unix_ms};

use crate::{door::Door, sessions::LOGIN_MS};

/// Links issued at the same time.
const CONCURRENCY_MAX: usize = 4;

/// The issuer of login links.
pub(crate) struct Login {
    alive: Alive,
    bus: Bus,
    process: Rc<Process>,
    door: Arc<Door>,
}

// === impl Login ===

impl Login {
    pub(crate) fn supervise(bus: &Bus, process: &Rc<Process>, door: &Arc<Door>) -> Subscribed {
        let (bus, shared, door) = (bus.clone(), Rc::clone(process), Arc::clone(door));
        process.supervisor().supervise("login", move |alive| Self::new(alive, bus.clone(), Rc::clone(&shared), Arc::clone(&door)))
    }

    fn new(alive: Alive, bus: Bus, process: Rc<Process>, door: Arc<Door>) -> Self {
        Self { alive, bus, process, door }
    }
}

impl Actor for Login {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (bus, actor) = (self.bus.clone(), context.address().recipient());
        self.alive.subscribe(context, async move { Ok(vec![bus.serve::<IssueLoginLinkRequest>(actor, CONCURRENCY_MAX).await?]) });
    }
}

impl Handler<Call<IssueLoginLinkRequest>> for Login {
    type Result = Result<IssueLoginLinkResponse, Fault>;

    fn handle(&mut self, Call { body, .. }: Call<IssueLoginLinkRequest>, _: &mut Context<Self>) -> Self::Result {
        right::check(self.process.operator_key(), "login", Credential::ChannelGateway, body.right.as_ref(), unix_ms())?;
        let link = format!("{}/#login={}", body.page_url, self.door.issue()?);
        Ok(IssueLoginLinkResponse { link, valid_for_ms: u32::try_from(LOGIN_MS).unwrap_or(u32::MAX) })
    }
}
