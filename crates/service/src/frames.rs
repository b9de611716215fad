//! Protobuf messages on a stream, each preceded by its length as a varint.

use std::{io, marker::PhantomData};

use bytes::{Buf, BytesMut};
use prost::Message;
use tokio_util::codec::{Decoder, Encoder};

/// Largest message that is read. What travels here is small; a larger length is damage or an attack.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Longest varint that [`FRAME_BYTES_MAX`] needs.
const LENGTH_BYTES_MAX: usize = 3;

/// Reads `In` and writes `Out`.
#[derive(Debug)]
pub struct Frames<In, Out>(PhantomData<fn() -> (In, Out)>);

// === impl Frames ===

impl<In, Out> Default for Frames<In, Out> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<In: Message + Default, Out> Decoder for Frames<In, Out> {
    type Item = In;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<In>> {
        let Some((length, prefix)) = frame_length(buffer)? else { return Ok(None) };
        if buffer.len() < prefix + length {
            return Ok(None);
        }
        buffer.advance(prefix);
        let body = buffer.split_to(length).freeze();
        In::decode(body).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl<In, Out: Message> Encoder<Out> for Frames<In, Out> {
    type Error = io::Error;

    fn encode(&mut self, message: Out, buffer: &mut BytesMut) -> io::Result<()> {
        if message.encoded_len() > FRAME_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "message exceeds the frame limit"));
        }
        message.encode_length_delimited(buffer).map_err(io::Error::other)
    }
}

/// Length of the next message and of its prefix, once the prefix is complete.
pub(crate) fn frame_length(buffer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = buffer.iter().take(LENGTH_BYTES_MAX).position(|byte| byte & 0x80 == 0) else {
        return if buffer.len() < LENGTH_BYTES_MAX { Ok(None) } else { Err(too_large()) };
    };
    let length = buffer[..=end].iter().rev().fold(0_usize, |length, byte| length << 7 | usize::from(byte & 0x7f));
    if length > FRAME_BYTES_MAX { Err(too_large()) } else { Ok(Some((length, end + 1))) }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "frame exceeds the limit")
}

#[cfg(test)]
mod tests {
    use argentum_proto::control::v1::Failed;

    use super::*;

    #[test]
    fn a_message_split_anywhere_arrives_whole() {
        let sent = Failed { exit_code: 78, text: "x".repeat(300) };
        let mut frames = Frames::<Failed, Failed>::default();
        let mut encoded = BytesMut::new();
        frames.encode(sent.clone(), &mut encoded).unwrap();
        for cut in 0..encoded.len() {
            let mut buffer = BytesMut::from(&encoded[..cut]);
            assert_eq!(frames.decode(&mut buffer).unwrap(), None, "cut at {cut}");
            buffer.extend_from_slice(&encoded[cut..]);
            assert_eq!(frames.decode(&mut buffer).unwrap(), Some(sent.clone()), "cut at {cut}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_it_is_read() {
        let mut frames = Frames::<Failed, Failed>::default();
        let mut buffer = BytesMut::from(&[0xff, 0xff, 0xff, 0xff, 0x0f][..]);
        assert!(frames.decode(&mut buffer).is_err());
    }
}
