//! The life of the bundle, told as stories.

use argentum_bus::Credential::{ChannelGateway, ProviderRouter};

use super::*;

/// A bundle of two, and a clock.
struct Story {
    lifecycle: Lifecycle,
    now_ms: u64,
}

impl Story {
    fn begun() -> Self {
        let mut story = Self { lifecycle: Lifecycle::new(&[ChannelGateway, ProviderRouter]), now_ms: 0 };
        story.tell(Input::Begin);
        story
    }

    fn ready() -> Self {
        let mut story = Self::begun();
        for service in [ChannelGateway, ProviderRouter] {
            story.tell(Input::Spawned { service, pid: 7 });
            story.tell(Input::Ready { service });
        }
        story
    }

    fn tell(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.lifecycle.handle(input, self.now_ms, 0);
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Tell | Effect::WakeAt(_))).collect()
    }

    fn after(&mut self, ms: u64) -> Vec<Effect> {
        self.now_ms += ms;
        self.tell(Input::Tick)
    }

    fn exit(&mut self, service: Credential) -> Vec<Effect> {
        self.tell(Input::Exited { service, exit: None, text: "killed by signal 9".into() })
    }
}

#[test]
fn all_services_start_at_once() {
    let mut lifecycle = Lifecycle::new(&[ChannelGateway, ProviderRouter]);
    let spawned = lifecycle.handle(Input::Begin, 0, 0).into_iter().filter(|effect| matches!(effect, Effect::Spawn { .. }));
    assert_eq!(spawned.count(), 2);
}

#[test]
fn the_bundle_is_ready_when_every_service_is() {
    let mut story = Story::begun();
    story.tell(Input::Ready { service: ChannelGateway });
    assert_eq!(story.lifecycle.state(), BundleState::Starting);
    story.tell(Input::Ready { service: ProviderRouter });
    assert_eq!(story.lifecycle.state(), BundleState::Ready);
}

#[test]
fn a_killed_service_comes_back_and_is_counted() {
    let mut story = Story::ready();
    assert_eq!(story.exit(ProviderRouter), []);
    assert_eq!(story.lifecycle.state(), BundleState::Degraded);
    assert_eq!(story.after(100), [Effect::Spawn { service: ProviderRouter, restarts: 1 }]);
    story.tell(Input::Ready { service: ProviderRouter });
    assert_eq!(story.lifecycle.state(), BundleState::Ready);
}

#[test]
fn a_service_that_keeps_failing_is_given_up_and_the_others_go_on() {
    let mut story = Story::ready();
    for _ in 0..4 {
        story.exit(ProviderRouter);
        assert_eq!(story.after(10_000).len(), 1);
    }
    story.exit(ProviderRouter);
    assert_eq!(story.after(10_000), [], "no restart soon after one failure too many");
    assert_eq!(story.lifecycle.statuses()[1].state(), argentum_proto::control::v1::ServiceState::Failed);
    assert_eq!(story.after(300_000), [Effect::Spawn { service: ProviderRouter, restarts: 5 }]);
}

#[test]
fn failures_far_apart_never_add_up() {
    let mut story = Story::ready();
    for round in 1..20 {
        story.exit(ProviderRouter);
        assert_eq!(story.after(20_000), [Effect::Spawn { service: ProviderRouter, restarts: round }]);
        story.tell(Input::Ready { service: ProviderRouter });
    }
}

#[test]
fn a_wrong_configuration_ends_the_start_with_its_code() {
    let mut story = Story::begun();
    story.tell(Input::Ready { service: ChannelGateway });
    let failure = Failure::new(Exit::Config, "`provider_router.models` is empty");
    story.tell(Input::Failed { service: ProviderRouter, failure });
    assert_eq!(story.exit(ProviderRouter), [Effect::Quiesce { service: ChannelGateway, deadline_ms: 3_000 }]);
    story.tell(Input::Quiesced { service: ChannelGateway });
    let expected = Failure::new(Exit::Config, "provider-router: `provider_router.models` is empty");
    assert_eq!(story.exit(ChannelGateway), [Effect::End(Err(expected))]);
}

#[test]
fn a_service_that_fails_three_times_at_the_first_start_ends_it() {
    let mut story = Story::begun();
    for _ in 0..2 {
        assert_eq!(story.exit(ProviderRouter), []);
        story.after(1_000);
    }
    assert_eq!(story.exit(ProviderRouter), [Effect::Quiesce { service: ChannelGateway, deadline_ms: 3_000 }]);
}

#[test]
fn a_process_that_never_gets_ready_is_killed() {
    let mut story = Story::begun();
    story.tell(Input::Ready { service: ChannelGateway });
    assert_eq!(story.after(30_000), [Effect::Kill { service: ProviderRouter }]);
}

#[test]
fn a_drain_goes_from_the_gateway_to_the_router_and_back() {
    let mut story = Story::ready();
    assert_eq!(story.tell(Input::Stop), [Effect::Quiesce { service: ChannelGateway, deadline_ms: 3_000 }]);
    assert_eq!(story.tell(Input::Quiesced { service: ChannelGateway }), [Effect::Quiesce { service: ProviderRouter, deadline_ms: 20_000 }]);
    assert_eq!(story.tell(Input::Quiesced { service: ProviderRouter }), [Effect::Stop { service: ChannelGateway }]);
    assert_eq!(story.exit(ChannelGateway), [Effect::Stop { service: ProviderRouter }]);
    assert_eq!(story.exit(ProviderRouter), [Effect::End(Ok(()))]);
}

#[test]
fn a_drain_waits_for_nobody_for_ever() {
    let mut story = Story::ready();
    story.tell(Input::Stop);
    assert_eq!(story.after(4_000), [Effect::Quiesce { service: ProviderRouter, deadline_ms: 20_000 }]);
    assert_eq!(story.after(21_000), [Effect::Stop { service: ChannelGateway }]);
    assert_eq!(story.after(4_000), [Effect::Kill { service: ChannelGateway }]);
    assert_eq!(story.exit(ChannelGateway), [Effect::Stop { service: ProviderRouter }]);
}

#[test]
fn a_service_that_dies_while_draining_is_not_started_again() {
    let mut story = Story::ready();
    story.tell(Input::Stop);
    assert_eq!(story.exit(ChannelGateway), [Effect::Quiesce { service: ProviderRouter, deadline_ms: 20_000 }]);
    assert_eq!(story.exit(ProviderRouter), [Effect::End(Ok(()))]);
}

#[test]
fn a_second_stop_waits_no_longer() {
    let mut story = Story::ready();
    story.tell(Input::Stop);
    assert_eq!(story.tell(Input::Stop), [Effect::Kill { service: ChannelGateway }, Effect::Kill { service: ProviderRouter }]);
}

#[test]
fn a_restart_by_the_operator_drains_first_and_is_no_failure() {
    let mut story = Story::ready();
    assert_eq!(story.tell(Input::Restart { service: ProviderRouter }), [Effect::Quiesce { service: ProviderRouter, deadline_ms: 20_000 }]);
    assert_eq!(story.tell(Input::Quiesced { service: ProviderRouter }), [Effect::Stop { service: ProviderRouter }]);
    assert_eq!(story.exit(ProviderRouter), [Effect::Spawn { service: ProviderRouter, restarts: 1 }]);
}

#[test]
fn a_process_that_ends_with_a_code_of_ours_gives_it_to_up() {
    let mut story = Story::begun();
    story.exit(ChannelGateway);
    let exited = Input::Exited { service: ProviderRouter, exit: Some(Exit::Config), text: "ended with code 78".into() };
    let failure = Failure::new(Exit::Config, "provider-router: ended with code 78");
    assert_eq!(story.tell(exited), [Effect::End(Err(failure))]);
}

#[test]
fn a_restart_by_hand_gives_a_service_its_patience_back() {
    let mut story = Story::ready();
    for _ in 0..5 {
        story.exit(ProviderRouter);
        story.after(1_000);
    }
    story.tell(Input::Restart { service: ProviderRouter });
    story.tell(Input::Ready { service: ProviderRouter });
    story.exit(ProviderRouter);
    assert_eq!(story.after(1_000), [Effect::Spawn { service: ProviderRouter, restarts: 6 }]);
}

#[test]
fn a_service_that_was_given_up_can_be_started_by_hand() {
    let mut story = Story::ready();
    for _ in 0..5 {
        story.exit(ProviderRouter);
        story.after(10_000);
    }
    assert_eq!(story.tell(Input::Restart { service: ProviderRouter }), [Effect::Spawn { service: ProviderRouter, restarts: 5 }]);
}
