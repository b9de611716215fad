//! Bytes into lines. What is not UTF-8 is read as Latin-1, which older programs still write.

use std::io;

use tokio_util::{
    bytes::{Buf, BytesMut},
    codec::Decoder,
};

/// Longest line that is read: tags (IRCv3 message-tags: 8191 bytes) and a long message. The rest of a longer one is passed over.
const LINE_BYTES_MAX: usize = 16 * 1_024;

/// Cuts lines out of what comes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Within a line that is too long.
    is_skipping: bool,
}

// === impl Lines ===

impl Decoder for Lines {
    type Item = String;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, io::Error> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let line = bytes.split_to(end);
            bytes.advance(1);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            let is_rest = std::mem::take(&mut self.is_skipping);
            if !is_rest && !line.is_empty() && line.len() <= LINE_BYTES_MAX {
                return Ok(Some(text(line)));
            }
        }
        if LINE_BYTES_MAX < bytes.len() {
            self.is_skipping = true;
            bytes.clear();
        }
        Ok(None)
    }
}

fn text(line: &[u8]) -> String {
    std::str::from_utf8(line).map_or_else(|_| line.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let (mut decoder, mut bytes, mut lines) = (Lines::default(), BytesMut::new(), Vec::new());
        for chunk in chunks {
            bytes.extend_from_slice(chunk);
            while let Some(line) = decoder.decode(&mut bytes).unwrap() {
                lines.push(line);
            }
        }
        lines
    }

    #[test]
    fn lines_come_whole_however_they_arrive() {
        assert_eq!(lines(&[b"PING :1\r", b"\n\r\n\nPI", b"NG :2\n"]), ["PING :1", "PING :2"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_read() {
        assert_eq!(lines(&[&vec![b'a'; LINE_BYTES_MAX + 1], b"b\r\nPING :1\r\n"]), ["PING :1"]);
    }

    #[test]
    fn what_is_not_utf_8_is_read_as_latin_1() {
        assert_eq!(lines(&[b"caf\xe9\r\n"]), ["caf\u{e9}"]);
    }
}
