//! The operator's socket: who may ask, what is asked, what is answered.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use actix::Recipient;
use argentum_bus::{ErrorCode, Fault};
use argentum_proto::control::v1::{
    OperatorFault, OperatorRequest, OperatorResponse, ReadLogsRequest, ReadLogsResponse, operator_request::Request,
    operator_response::Response,
};
use argentum_service::frames::Frames;
use futures::{SinkExt, StreamExt};
use rustix::process::geteuid;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::broadcast::error::RecvError,
};
use tokio_util::codec::Framed;
use tracing::warn;

use crate::log_ring::LogRing;

pub(crate) const SOCKET: &str = "control.sock";

/// Bytes of a log per message, far below a frame's limit. A single line is shorter.
const BYTES_PER_RESPONSE: usize = 128 * 1024;

type Connection = Framed<UnixStream, Frames<OperatorRequest, OperatorResponse>>;

/// An operator's request that the bundle answers.
pub(crate) struct Ask(pub(crate) Request);

impl actix::Message for Ask {
    type Result = Result<Response, Fault>;
}

/// The folder by a path that fits into a socket address, however deep it lies.
pub(crate) fn short_path(folder: &fs::File, name: &str) -> PathBuf {
    use std::os::fd::AsRawFd;
    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name)
}

/// Listens in `data_dir`. A socket that a killed orchestrator left is removed: we hold the lock.
pub(crate) fn listen(data_dir: &Path) -> io::Result<UnixListener> {
    let folder = fs::File::open(data_dir)?;
    let path = short_path(&folder, SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The folder is 0700, so nobody could come between the two.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers operators until the process ends.
pub(crate) async fn serve(listener: UnixListener, bundle: Recipient<Ask>, log: LogRing) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if is_allowed(&stream) => {
                tokio::spawn(answer(Framed::new(stream, Frames::default()), bundle.clone(), log.clone()));
            }
            Ok(_) => warn!("somebody who may not tried to use the control socket"),
            Err(error) => {
                warn!(%error, "control socket");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// Our own user, or root.
fn is_allowed(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0)
}

async fn answer(mut connection: Connection, bundle: Recipient<Ask>, log: LogRing) {
    let Some(Ok(OperatorRequest { request })) = connection.next().await else { return };
    let sent = match request {
        Some(Request::ReadLogs(request)) => send_logs(&mut connection, &request, &log).await,
        Some(request) => {
            let is_stop = matches!(request, Request::StopBundle(_));
            let response = match bundle.send(Ask(request)).await {
                Ok(result) => result,
                Err(_) => Err(Fault::unavailable("the orchestrator is ending")),
            };
            let sent = connection.send(respond(response)).await;
            if is_stop {
                // Held open: its end tells the caller that the bundle is gone.
                connection.next().await;
            }
            sent
        }
        None => {
            let fault = Fault::new(
                ErrorCode::InvalidArgument,
                "this version does not know the request; use the `argentum` that started the bundle",
            );
            connection.send(respond(Err(fault))).await
        }
    };
    if let Err(error) = sent {
        warn!(%error, "operator hung up");
    }
}

fn respond(result: Result<Response, Fault>) -> OperatorResponse {
    let response = result.unwrap_or_else(|fault| Response::Fault(OperatorFault { code: fault.code.name().to_owned(), text: fault.text }));
    OperatorResponse { response: Some(response) }
}

async fn send_logs(connection: &mut Connection, request: &ReadLogsRequest, log: &LogRing) -> io::Result<()> {
    let lines_max = usize::try_from(request.lines_max).unwrap_or(usize::MAX);
    let (lines, mut new) = log.read(&request.service, lines_max);
    let mut portion = Vec::new();
    let mut bytes = 0;
    for line in lines {
        bytes += line.text.len() + line.service.len();
        portion.push(line);
        if bytes >= BYTES_PER_RESPONSE {
            bytes = 0;
            connection.send(respond(Ok(Response::ReadLogs(ReadLogsResponse { lines: std::mem::take(&mut portion) })))).await?;
        }
    }
    connection.send(respond(Ok(Response::ReadLogs(ReadLogsResponse { lines: portion })))).await?;
    if !request.follow {
        return Ok(());
    }
    loop {
        let line = tokio::select! {
            line = new.recv() => line,
            // A follower says nothing more; this is its end.
            _ = connection.next() => return Ok(()),
        };
        match line {
            Ok(line) if request.service.is_empty() || line.service == request.service => {
                connection.send(respond(Ok(Response::ReadLogs(ReadLogsResponse { lines: vec![line] })))).await?;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}
