//! How a child gets its identity: the first message on its standard input, a Unix stream socket, with file descriptors beside it.
//!
//! The data-directory lock and the HTTP listening socket travel by `SCM_RIGHTS`, so that the lock holds until the last process
//! that got it is gone and a restarted gateway refuses no connection. Programs that a child might start cannot inherit them: all
//! descriptors here are close-on-exec.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use argentum_proto::control::v1::{Identity, ToChild, to_child};
use prost::Message;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::frames::{FRAME_BYTES_MAX, frame_length};

/// Lock and listener.
const DESCRIPTORS_MAX: usize = 2;

/// What a child was given.
#[derive(Debug)]
pub struct Handover {
    pub identity: Identity,
    /// Held, never looked at: the lock lives as long as a descriptor of it is open.
    pub lock: File,
    pub http_listener: Option<TcpListener>,
    /// The socket, for everything that follows.
    pub socket: UnixStream,
}

/// Why a process is not a child of an orchestrator.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("standard input is not the orchestrator's socket; services are started by `argentum up`, not by hand")]
    NotASocket(#[source] io::Error),
    #[error("the orchestrator ended before it said who we are")]
    Ended,
    #[error("the first message is not an identity")]
    NoIdentity,
    #[error("the data-directory lock did not arrive; a service without it opens no store")]
    NoLock,
}

/// Sends `identity` and the descriptors to a new child.
pub fn send(socket: &UnixStream, identity: Identity, lock: BorrowedFd<'_>, http_listener: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let identity = Identity { has_http_listener: http_listener.is_some(), ..identity };
    let message = ToChild { message: Some(to_child::Message::Identity(Box::new(identity))) }.encode_length_delimited_to_vec();
    let descriptors: Vec<BorrowedFd<'_>> = std::iter::once(lock).chain(http_listener).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("too many descriptors"));
    }
    let sent = sendmsg(socket, &[IoSlice::new(&message)], &mut control, SendFlags::NOSIGNAL)?;
    // The descriptors went with the first byte; what did not fit into the socket's buffer follows.
    (&*socket).write_all(&message[sent..])
}

/// Receives what [`send`] sent, on standard input. Blocks; call it before any runtime is started.
pub fn receive() -> Result<Handover, HandoverError> {
    let stdin = rustix::stdio::stdin().try_clone_to_owned().map_err(HandoverError::NotASocket)?;
    let socket = UnixStream::from(stdin);
    let mut descriptors = Vec::new();
    let identity = receive_identity(&socket, &mut descriptors)?;
    let mut descriptors = descriptors.into_iter();
    let lock = File::from(descriptors.next().ok_or(HandoverError::NoLock)?);
    let http_listener = descriptors.next().map(TcpListener::from).filter(|_| identity.has_http_listener);
    Ok(Handover { identity, lock, http_listener, socket })
}

fn receive_identity(socket: &UnixStream, descriptors: &mut Vec<OwnedFd>) -> Result<Identity, HandoverError> {
    let mut buffer = vec![0; 1];
    if receive_with_descriptors(socket.as_fd(), &mut buffer, descriptors).map_err(HandoverError::NotASocket)? == 0 {
        return Err(HandoverError::Ended);
    }
    let ended = |_| HandoverError::Ended;
    let (length, prefix) = loop {
        match frame_length(&buffer).map_err(|_| HandoverError::NoIdentity)? {
            Some(found) => break found,
            None => buffer.push(read_byte(socket).map_err(ended)?),
        }
    };
    debug_assert!(length <= FRAME_BYTES_MAX, "frame_length refuses more");
    buffer.resize(prefix + length, 0);
    (&*socket).read_exact(&mut buffer[prefix..]).map_err(ended)?;
    match ToChild::decode(&buffer[prefix..]).map(|message| message.message) {
        Ok(Some(to_child::Message::Identity(identity))) => Ok(*identity),
        _ => Err(HandoverError::NoIdentity),
    }
}

fn read_byte(mut socket: &UnixStream) -> io::Result<u8> {
    let mut byte = [0];
    socket.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn receive_with_descriptors(socket: BorrowedFd<'_>, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(received.bytes)
}
