//! What a client can say, and what is wrong where it says something else.

use std::fmt::{self, Display, Formatter};

/// One complete client operation, borrowed from the read buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'b> {
    /// The JSON text of a CONNECT.
    Connect(&'b [u8]),
    Publish(Publish<'b>),
    Subscribe {
        subject: &'b [u8],
        queue: Option<&'b [u8]>,
        sid: &'b [u8],
    },
    /// `max` counts messages from the SUB; none, or one that is no number, ends the subscription now.
    Unsubscribe {
        sid: &'b [u8],
        max: Option<u64>,
    },
    Ping,
    Pong,
    /// `+OK` and `INFO`, which a client may send and nobody reads.
    Ignored,
    /// `-ERR text`: the client gives up.
    Error(&'b [u8]),
}

/// PUB or HPUB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publish<'b> {
    pub(crate) subject: &'b [u8],
    pub(crate) reply: Option<&'b [u8]>,
    /// How many bytes of `body` are the header block; 0 for PUB.
    pub(crate) header_bytes: usize,
    /// Header block and payload, without the closing CRLF.
    pub(crate) body: &'b [u8],
}

/// Why a connection is closed by what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    UnknownOperation,
    ControlLineTooLong,
    /// Wrong number of arguments or a bad size.
    Arguments,
    PayloadTooLarge,
    /// HPUB without `headers: true` in CONNECT.
    HeadersUnsupported,
    /// Something other than CONNECT where credentials are due.
    ConnectExpected,
}

// === impl Operation ===

impl Display for Operation<'_> {
    /// For traces: without the secrets of a CONNECT and without what a message carries.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        match self {
            Self::Connect(_) => write!(formatter, "CONNECT"),
            Self::Publish(Publish { subject, reply, header_bytes, body }) => {
                let verb = if *header_bytes == 0 { "PUB" } else { "HPUB" };
                write!(formatter, "{verb} {} {} {header_bytes} {}", text(subject), text(reply.unwrap_or_default()), body.len())
            }
            Self::Subscribe { subject, queue, sid } => {
                write!(formatter, "SUB {} {} {}", text(subject), text(queue.unwrap_or_default()), text(sid))
            }
            Self::Unsubscribe { sid, max } => write!(formatter, "UNSUB {} {}", text(sid), max.unwrap_or_default()),
            Self::Ping => write!(formatter, "PING"),
            Self::Pong => write!(formatter, "PONG"),
            Self::Ignored => write!(formatter, "+OK or INFO"),
            Self::Error(error) => write!(formatter, "-ERR {}", text(error)),
        }
    }
}

// === impl Fault ===

impl Fault {
    /// The text of the `-ERR` that goes out before the close; some faults close without a word.
    pub(crate) fn text(self) -> Option<&'static str> {
        match self {
            Self::UnknownOperation => Some("Unknown Protocol Operation"),
            Self::ControlLineTooLong => Some("maximum control line exceeded"),
            Self::PayloadTooLarge => Some("Maximum Payload Violation"),
            Self::ConnectExpected => Some("Authorization Violation"),
            Self::Arguments | Self::HeadersUnsupported => None,
        }
    }
}
