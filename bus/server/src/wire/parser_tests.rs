//! The parser against hand-written wire text, and the same text in single bytes.

use super::*;

const RULES: Rules = Rules { control_line_bytes_max: 64, payload_bytes_max: 100, headers: true, connect_required: false };

/// All operations of a text as debug strings, then the fault that ended it.
fn parse_in_portions(text: &[u8], portion: usize, rules: &Rules) -> (Vec<String>, Option<Fault>) {
    let mut parser = Parser::default();
    let mut buffer: Vec<u8> = Vec::new();
    let mut operations = Vec::new();
    for bytes in text.chunks(portion) {
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
