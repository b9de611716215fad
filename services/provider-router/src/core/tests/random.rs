//! Whatever comes in whatever order: the core does not panic, and a replay makes the same state. The fixture compares after
//! every step.

use argentum_proto::channel::v1::AcceptMessageRequest;
use prost::Message;

use super::*;

/// A small generator of its own: the same seed is the same walk for ever.
struct Dice(u64);

// === impl Dice ===

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn turn(&mut self) -> TurnId {
        TurnId::new(Ulid(u128::from(self.roll(12))))
    }

    fn account(&mut self) -> Gateway {
        if self.roll(2) == 0 { web() } else { chat() }
    }

    fn message(&mut self) -> AcceptMessageRequest {
        let content = match self.roll(10) {
            0..=3 => question("why?"),
            4 => edit("better"),
            5 => stop(),
            6 => new(),
            7 => remember("I like tea"),
            8 => forget("tea"),
            _ => status(),
        };
        let id = self.roll(9).to_string();
        AcceptMessageRequest { revision: self.roll(3), platform_time_ms: 1 + self.roll(5), ..message(&id, content) }
    }

    fn report(&mut self) -> Report {
        let (from_byte, to_byte) = (self.roll(4), self.roll(5));
        match self.roll(6) {
            0 | 1 => Report::Taken,
            2 | 3 => Report::Sent { from_byte, to_byte, platform_message_ids: vec![], last: self.roll(4) == 0 },
            4 => Report::Unknown { from_byte },
            _ => Report::Refused { from_byte, code: "403".into(), text: String::new() },
        }
    }

    fn event(&mut self) -> VendorEvent {
        match self.roll(5) {
            0 | 1 => VendorEvent::Delta("öx".into()),
            2 | 3 => VendorEvent::Completed(usage()),
            _ => failure(FailureClass::Overloaded, self.roll(2) == 0),
        }
    }

    /// What memory makes of an errand.
    fn errand(&mut self, turn: TurnId) -> Input {
        match self.roll(4) {
            0 => Input::ErrandDone { turn, done: ErrandDone::Noted { record_id: "fact.1".into() } },
            1 => Input::ErrandDone { turn, done: ErrandDone::Forgotten { records_count: self.roll(3) } },
            _ => Input::ErrandFailed { turn, is_final: self.roll(2) == 0 },
        }
    }

    fn step(&mut self, router: &mut Router) {
        let turn = self.turn();
        let name = ["A", "B"][usize::from(self.roll(2) == 0)];
        match self.roll(18) {
            0..=2 => _ = router.ask(&self.account(), self.message()),
            3 => _ = router.hello(name),
            4..=6 => _ = router.report(name, turn, self.report()),
            7 | 8 => _ = router.handle(Input::RecallFailed { turn }),
            9 | 10 => _ = router.vendor(turn, u32::try_from(1 + self.roll(3)).unwrap(), self.event()),
            11 => _ = router.handle(Input::Remembered { turn }),
            12 => _ = router.handle(Input::StopAsked { request: RequestId(0), place: place(&self.account(), "c"), turn: Some(turn) }),
            13 => _ = router.wait(self.roll(3) * 20_000),
            14 if self.roll(4) == 0 => _ = router.wait(31 * DAY_MS),
            14 => _ = router.handle(Input::Park),
            15 | 16 => _ = router.handle(self.errand(turn)),
            _ => _ = router.restart(),
        }
    }
}

#[test]
fn whatever_comes_a_replay_makes_the_same_state() {
    for seed in 0..150 {
        let (mut dice, mut router) = (Dice(seed), Router::new());
        for _ in 0..60 {
            dice.step(&mut router);
        }
    }
}

#[test]
fn whatever_came_a_checkpoint_makes_the_same_state() {
    for seed in 0..150 {
        let (mut dice, mut router) = (Dice(seed), Router::new());
        for _ in 0..40 {
            dice.step(&mut router);
        }
        let checkpoint = router.core.checkpoint(router.records.len() as u64);
        let restored = Core::recover(config(), Some(checkpoint), []).unwrap();
        assert_eq!(format!("{:?}", restored.state), format!("{:?}", router.core.state), "seed {seed}");
    }
}

#[test]
fn a_record_survives_its_bytes() {
    let (mut dice, mut router) = (Dice(7), Router::new());
    for _ in 0..60 {
        dice.step(&mut router);
    }
    let read: Vec<_> = router.records.iter().map(|record| Record::decode(record.encode_to_vec().as_slice()).unwrap()).collect();
    assert_eq!(read, router.records);
}

#[test]
fn a_record_of_a_later_version_stops_the_start() {
    // Field 99, length-delimited and empty: an event that this version does not know.
    let later = Record::decode([0x08, 1, 0x9a, 0x06, 0].as_slice()).unwrap();
    assert!(Core::recover(config(), None, [(3, later)]).is_err());
}
