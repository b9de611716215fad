//! The real core of the router and the real outbox of a gateway, explored together.
//!
//! One outbound of two parts. Breadth-first over hashed states: requests, answers and publications come late and more than
//! once, or all that is on its way is lost; the gateway's memory dies, an old one wakes beside a new one, its hello comes late;
//! the router is killed, the power goes; a send ends without an answer, stored or not, or never leaves. *Safe*: no byte stands
//! twice without a label. *Live*: every reachable state can still finish without further faults. *Sharp*: every rule left out
//! is found.
//!
//! With three faults there are 2,461,000 states, which take some 3.5 GiB; two gateways from the beginning and one fault make
//! 66,000, and 119,000 where the label needs room; two gateways whose late answers are kept, without a fault, 40,000.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod gateway;
mod network;
mod platform;
mod promises;
mod router;
mod steps;
mod world;
