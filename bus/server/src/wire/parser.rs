//! The incremental parser: bytes in any portions, the same operations out.
//!
//! The parser keeps no bytes. It is given everything unread of the connection and says how much of it one operation took, or that more is needed.
//! What it has already seen of an unfinished operation is remembered as offsets, so that a large payload in small portions costs no second look.
//! Faults are found at the first byte that shows them: an unknown verb before its line ends, a payload that is too large before its body is read.

use super::operation::{Fault, Operation, Publish};

/// What decides about an operation before it is complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) control_line_bytes_max: usize,
    pub(crate) payload_bytes_max: usize,
    /// Whether CONNECT said `headers: true`.
    pub(crate) headers: bool,
    /// Whether credentials are still due, so that only CONNECT may come.
    pub(crate) connect_required: bool,
}

/// One step of parsing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'b> {
    Operation {
        operation: Operation<'b>,
        consumed: usize,
    },
    /// The buffer must hold at least this many bytes before the next step can succeed.
    Incomplete {
        bytes_wanted: usize,
    },
}

/// Progress within the operation at the start of the buffer.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// Bytes of the control line that hold no line feed.
    scanned: usize,
    /// The control line of a publication whose body is not complete yet.
    head: Option<Head>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    subject: (usize, usize),
    reply: Option<(usize, usize)>,
    header_bytes: usize,
    body_start: usize,
    body_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Connect,
    Error,
    HeaderPublish,
    Info,
    Ok,
    Ping,
    Pong,
    Publish,
    Subscribe,
    Unsubscribe,
}

const VERBS: [(&[u8], Verb); 10] = [
    (b"PUB", Verb::Publish),
    (b"HPUB", Verb::HeaderPublish),
    (b"SUB", Verb::Subscribe),
    (b"UNSUB", Verb::Unsubscribe),
    (b"PING", Verb::Ping),
    (b"PONG", Verb::Pong),
    (b"CONNECT", Verb::Connect),
    (b"+OK", Verb::Ok),
    (b"-ERR", Verb::Error),
    (b"INFO", Verb::Info),
];

/// A size has at most this many digits; more is a bad size, as in nats-server.
const SIZE_DIGITS_MAX: usize = 9;

// === impl Parser ===

impl Parser {
    /// Reads the next operation from `buffer`, which starts where the last one ended.
    pub(crate) fn step<'b>(&mut self, buffer: &'b [u8], rules: &Rules) -> Result<Step<'b>, Fault> {
        if let Some(head) = self.head {
            return self.finish_publish(head, buffer);
        }
        let Some((verb, verb_bytes)) = verb(buffer, rules)? else { return Ok(Step::Incomplete { bytes_wanted: buffer.len() + 1 }) };
        let arguments_start = verb_bytes + buffer[verb_bytes..].iter().take_while(|byte| is_space(**byte)).count();
        if rules.control_line_bytes_max < arguments_start - verb_bytes {
            // Blanks are no arguments, but they fill the buffer.
            return Err(Fault::ControlLineTooLong);
        }
        let from = self.scanned.max(arguments_start);
        let Some(line_feed) = find_line_feed(buffer, from) else {
            // A carriage return at the end may be half of the line's end.
            let line_bytes = buffer[arguments_start..].strip_suffix(b"\r").map_or(buffer.len() - arguments_start, <[u8]>::len);
            if rules.control_line_bytes_max < line_bytes {
                return Err(Fault::ControlLineTooLong);
            }
            self.scanned = buffer.len();
            return Ok(Step::Incomplete { bytes_wanted: buffer.len() + 1 });
        };
        self.scanned = 0;
        let line_end = if arguments_start < line_feed && buffer[line_feed - 1] == b'\r' { line_feed - 1 } else { line_feed };
        if rules.control_line_bytes_max < line_end - arguments_start {
            return Err(Fault::ControlLineTooLong);
        }
        let line = Line { buffer, start: arguments_start, end: line_end };
        if matches!(verb, Verb::Publish | Verb::HeaderPublish) {
            let head = line.publish_head(verb == Verb::HeaderPublish, line_feed + 1, rules)?;
            self.head = Some(head);
            return self.finish_publish(head, buffer);
        }
        Ok(Step::Operation { operation: line.operation(verb)?, consumed: line_feed + 1 })
    }

    fn finish_publish<'b>(&mut self, head: Head, buffer: &'b [u8]) -> Result<Step<'b>, Fault> {
        let body_end = head.body_start + head.body_bytes;
        let is_wrong = |at: usize, wanted: u8| buffer.get(at).is_some_and(|byte| *byte != wanted);
        if is_wrong(body_end, b'\r') || is_wrong(body_end + 1, b'\n') {
            return Err(Fault::UnknownOperation);
        }
        if buffer.len() < body_end + 2 {
            return Ok(Step::Incomplete { bytes_wanted: body_end + 2 });
        }
        self.head = None;
        let publish = Publish {
            subject: &buffer[head.subject.0..head.subject.1],
            reply: head.reply.map(|(start, end)| &buffer[start..end]),
            header_bytes: head.header_bytes,
            body: &buffer[head.body_start..body_end],
        };
        Ok(Step::Operation { operation: Operation::Publish(publish), consumed: body_end + 2 })
    }
}

/// The verb at the start and its length, none where more bytes could still complete one.
fn verb(buffer: &[u8], rules: &Rules) -> Result<Option<(Verb, usize)>, Fault> {
    let Some(first) = buffer.first() else { return Ok(None) };
    if rules.connect_required && !first.eq_ignore_ascii_case(&b'C') {
        return Err(Fault::ConnectExpected);
    }
    for (name, verb) in VERBS {
        let known = name.len().min(buffer.len());
        if !buffer[..known].eq_ignore_ascii_case(&name[..known]) {
            continue;
        }
        if buffer.len() <= name.len() {
            return Ok(None);
        }
        let takes_arguments =
            matches!(verb, Verb::Publish | Verb::HeaderPublish | Verb::Subscribe | Verb::Unsubscribe | Verb::Error | Verb::Info);
        if takes_arguments && !is_space(buffer[name.len()]) {
            return Err(Fault::UnknownOperation);
        }
        return Ok(Some((verb, name.len())));
    }
    Err(Fault::UnknownOperation)
}

fn find_line_feed(buffer: &[u8], from: usize) -> Option<usize> {
    buffer.get(from..)?.iter().position(|byte| *byte == b'\n').map(|at| from + at)
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The arguments of a control line within the buffer.
#[derive(Clone, Copy)]
struct Line<'b> {
    buffer: &'b [u8],
    start: usize,
    end: usize,
}

// === impl Line ===

impl<'b> Line<'b> {
    /// Up to four arguments as ranges of the buffer, and how many there are.
    fn arguments(self) -> Result<([(usize, usize); 4], usize), Fault> {
        let mut ranges = [(0, 0); 4];
        let mut count = 0;
        let mut at = self.start;
        while at < self.end {
            if is_space(self.buffer[at]) {
                at += 1;
                continue;
            }
            let length = self.buffer[at..self.end].iter().position(|byte| is_space(*byte)).unwrap_or(self.end - at);
            *ranges.get_mut(count).ok_or(Fault::Arguments)? = (at, at + length);
            count += 1;
            at += length;
        }
        Ok((ranges, count))
    }

    fn slice(self, (start, end): (usize, usize)) -> &'b [u8] {
        &self.buffer[start..end]
    }

    fn publish_head(self, has_header: bool, body_start: usize, rules: &Rules) -> Result<Head, Fault> {
        if has_header && !rules.headers {
            return Err(Fault::HeadersUnsupported);
        }
        let (ranges, count) = self.arguments()?;
        let required = if has_header { 3 } else { 2 };
        if count != required && count != required + 1 {
            return Err(Fault::Arguments);
        }
        let body_bytes = size(self.slice(ranges[count - 1])).ok_or(Fault::Arguments)?;
        let header_bytes = if has_header { size(self.slice(ranges[count - 2])).ok_or(Fault::Arguments)? } else { 0 };
        if body_bytes < header_bytes {
            return Err(Fault::Arguments);
        }
        if rules.payload_bytes_max < body_bytes {
            return Err(Fault::PayloadTooLarge);
        }
        let reply = (count == required + 1).then_some(ranges[1]);
        Ok(Head { subject: ranges[0], reply, header_bytes, body_start, body_bytes })
    }

    fn operation(self, verb: Verb) -> Result<Operation<'b>, Fault> {
        match verb {
            Verb::Connect => Ok(Operation::Connect(self.slice((self.start, self.end)))),
            Verb::Error => Ok(Operation::Error(self.slice((self.start, self.end)))),
            Verb::Info | Verb::Ok => Ok(Operation::Ignored),
            Verb::Ping => Ok(Operation::Ping),
            Verb::Pong => Ok(Operation::Pong),
            Verb::Subscribe => self.subscribe(),
            Verb::Unsubscribe => self.unsubscribe(),
            Verb::Publish | Verb::HeaderPublish => unreachable!("publications are taken before"),
        }
    }

    fn subscribe(self) -> Result<Operation<'b>, Fault> {
        let (ranges, count) = self.arguments()?;
        let subject = self.slice(ranges[0]);
        match count {
            2 => Ok(Operation::Subscribe { subject, queue: None, sid: self.slice(ranges[1]) }),
            3 => Ok(Operation::Subscribe { subject, queue: Some(self.slice(ranges[1])), sid: self.slice(ranges[2]) }),
            _ => Err(Fault::Arguments),
        }
    }

    fn unsubscribe(self) -> Result<Operation<'b>, Fault> {
        let (ranges, count) = self.arguments()?;
        let sid = self.slice(ranges[0]);
        match count {
            1 => Ok(Operation::Unsubscribe { sid, max: None }),
            2 => Ok(Operation::Unsubscribe { sid, max: size(self.slice(ranges[1])).map(|max| max as u64) }),
            _ => Err(Fault::Arguments),
        }
    }
}

fn size(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || SIZE_DIGITS_MAX < digits.len() {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
