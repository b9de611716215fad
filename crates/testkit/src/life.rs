//! A service that a test starts, ends and starts again.

use std::{
    path::PathBuf,
    rc::Rc,
    thread::{self, JoinHandle},
};

use argentum_bus::{Bus, Credential};
use argentum_service::{Failure, Process};
use tokio::sync::oneshot;

use crate::{run, sandbox::Sandbox};

/// One life of a service, on a thread and a System of its own: what it leaves behind ends with it.
pub struct Life {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

// === impl Life ===

impl Life {
    /// Starts a service on `data_dir`; when it returns, the service serves.
    pub async fn begin<S, F>(sandbox: &Sandbox, credential: Credential, data_dir: PathBuf, start: S) -> Self
    where
        S: FnOnce(Bus, Rc<Process>) -> F + Send + 'static,
        F: Future<Output = Result<(), Failure>>,
    {
        std::fs::create_dir_all(&data_dir).unwrap();
        let (login, key) = (sandbox.login(credential), sandbox.operator.public());
        let (started, is_started) = oneshot::channel();
        let (stop, is_stopped) = oneshot::channel();
        let life = async move || {
            let process = Rc::new(Process::alone(&data_dir, login, key));
            let bus = process.connect().await.unwrap();
            start(bus.clone(), process).await.unwrap();
            bus.barrier().await.unwrap();
            started.send(()).unwrap();
            is_stopped.await.unwrap();
            bus.close().await;
        };
        let thread = thread::spawn(move || run(life()));
        is_started.await.unwrap();
        Self { stop, thread }
    }

    /// Ends it, as far as anybody else can tell.
    pub fn end(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}
