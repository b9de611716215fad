//! The parser against hand-written wire text, and the same text in single bytes.

use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules { control_line_bytes_max: 64, payload_bytes_max: 100, headers: true, connect_required: false };

fn parse_in_portions(text: &[u8], portion: usize, rules: &Rules) -> (Vec<String>, Option<Fault>) {
    parse_portions(text.chunks(portion), rules)
}

/// All operations of a text as debug strings, then the fault that ended it.
fn parse_portions<'t>(portions: impl Iterator<Item = &'t [u8]>, rules: &Rules) -> (Vec<String>, Option<Fault>) {
    let mut parser = Parser::default();
    let mut buffer: Vec<u8> = Vec::new();
    let mut operations = Vec::new();
    for bytes in portions {
        buffer.extend_from_slice(bytes);
        loop {
            match parser.step(&buffer, rules) {
                Ok(Step::Operation { operation, consumed }) => {
                    operations.push(format!("{operation:?}"));
                    buffer.drain(..consumed);
                }
                Ok(Step::Incomplete { bytes_wanted }) => {
                    assert!(buffer.len() < bytes_wanted);
                    break;
                }
                Err(fault) => return (operations, Some(fault)),
            }
        }
    }
    (operations, None)
}

fn parse(text: &str) -> (Vec<String>, Option<Fault>) {
    let whole = parse_in_portions(text.as_bytes(), text.len().max(1), &RULES);
    let bytewise = parse_in_portions(text.as_bytes(), 1, &RULES);
    assert_eq!(whole, bytewise, "one byte at a time must give the same as all at once");
    whole
}

fn fault(text: &str) -> Option<Fault> {
    parse(text).1
}

#[test]
fn reads_every_verb_in_any_case_and_spacing() {
    let (operations, fault) = parse(
        "connect {\"a\":1} \r\nPuB  a\t 2 \r\nhi\r\nHPUB a r 3 5\r\nh\r\nhi\r\nSUB a.* 1\r\nsub a q 2\nUNSUB 1\r\nUNSUB 1 5\r\nping\r\nPONG junk\r\n+OK\r\nINFO {}\r\n-ERR 'x'\r\n",
    );
    assert_eq!((operations.len(), fault), (12, None));
}

#[test]
fn a_publication_carries_subject_reply_header_and_body() {
    let mut parser = Parser::default();
    let Ok(Step::Operation { operation: Operation::Publish(publish), consumed }) = parser.step(b"HPUB a r 3 5\r\nh\r\nhi\r\nPING", &RULES)
    else {
        panic!("complete")
    };
    assert_eq!((publish, consumed), (Publish { subject: b"a", reply: Some(b"r"), header_bytes: 3, body: b"h\r\nhi" }, 21));
}

#[test]
fn an_unknown_verb_is_found_at_its_first_wrong_byte() {
    assert_eq!(fault("PUX"), Some(Fault::UnknownOperation));
    assert_eq!(fault("\r\n"), Some(Fault::UnknownOperation));
    assert_eq!(fault("SUB\r\n"), Some(Fault::UnknownOperation));
}

#[test]
fn a_body_must_end_with_crlf() {
    assert_eq!(fault("PUB a 3\r\nabcde\r\n"), Some(Fault::UnknownOperation));
    assert_eq!(fault("PUB a 2\nhi\nPING\r\n"), Some(Fault::UnknownOperation));
}

#[test]
fn bad_arguments_close_without_text() {
    let texts = [
        "PUB a\r\n",
        "PUB a b c 2\r\n",
        "PUB a -1\r\n",
        "PUB a +1\r\n",
        "PUB a 9999999999\r\n",
        "SUB a\r\n",
        "SUB a b c d\r\n",
        "UNSUB 1 2 3\r\n",
        "HPUB a 5 3\r\n",
    ];
    assert!(texts.iter().all(|text| fault(text) == Some(Fault::Arguments)));
    assert_eq!(Fault::Arguments.text(), None);
}

#[test]
fn a_large_payload_is_refused_before_its_body() {
    assert_eq!(fault("PUB a 101\r\n"), Some(Fault::PayloadTooLarge));
}

#[test]
fn a_long_control_line_is_refused_with_and_without_its_end() {
    let subject = "a".repeat(70);
    assert_eq!(fault(&format!("SUB {subject} 1\r\n")), Some(Fault::ControlLineTooLong));
    assert_eq!(fault(&format!("SUB {subject}")), Some(Fault::ControlLineTooLong));
}

#[test]
fn headers_need_consent_and_credentials_come_first() {
    let closed = Rules { headers: false, connect_required: true, ..RULES };
    assert_eq!(parse_in_portions(b"P", 1, &closed).1, Some(Fault::ConnectExpected));
    let plain = Rules { headers: false, ..RULES };
    assert_eq!(parse_in_portions(b"HPUB a 0 0\r\n", 1, &plain).1, Some(Fault::HeadersUnsupported));
}

#[test]
fn blanks_do_not_fill_the_buffer() {
    assert_eq!(fault(&format!("PUB {}", " ".repeat(70))), Some(Fault::ControlLineTooLong));
}

/// Pieces that the protocol is made of, and some that it is not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "PUB ", "HPUB ", "SUB ", "UNSUB ", "PING", "PONG\r\n", "CONNECT ", "+OK\r\n", "-ERR ", "INFO ", "\r\n", "\n", "\r", " ", "\t",
        "a.b", "*", "3", "11", "99", "{}",
    ];
    prop_oneof![
        4 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..80),
    ]
}

/// A well-formed operation.
fn operation() -> impl Strategy<Value = Vec<u8>> {
    let body = proptest::collection::vec(any::<u8>(), 0..100);
    prop_oneof![
        body.prop_map(|body| [format!("PUB a r {}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat()),
        (0_usize..50, proptest::collection::vec(any::<u8>(), 50..100)).prop_map(|(header, body)| [
            format!("hpub a.b {header} {}\r\n", body.len()).as_bytes(),
            &body,
            b"\r\n"
        ]
        .concat()),
        Just(b"SUB a.* q 1\r\n".to_vec()),
        Just(b"UNSUB 1 5\n".to_vec()),
        Just(b"PING\r\n".to_vec()),
        Just(b"CONNECT {\"a\":1}\r\n".to_vec()),
    ]
}

/// The text cut at the given places.
fn cut<'t>(text: &'t [u8], places: &'t [proptest::sample::Index]) -> impl Iterator<Item = &'t [u8]> {
    let mut ends: Vec<usize> = places.iter().map(|place| place.index(text.len() + 1)).chain([text.len()]).collect();
    ends.sort_unstable();
    let starts: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &text[start..end])
}

proptest! {
    #[test]
    fn every_operation_comes_out_however_the_bytes_are_cut(
        operations in proptest::collection::vec(operation(), 0..20),
        places in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let text = operations.concat();
        let (parsed, fault) = parse_portions(cut(&text, &places), &RULES);
        prop_assert_eq!((parsed.len(), fault), (operations.len(), None));
    }

    #[test]
    fn any_bytes_give_the_same_answer_however_they_are_cut(
        pieces in proptest::collection::vec(piece(), 0..40),
        places in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let text = pieces.concat();
        let whole = parse_portions(std::iter::once(&text[..]), &RULES);
        prop_assert_eq!(whole, parse_portions(cut(&text, &places), &RULES));
    }
}
