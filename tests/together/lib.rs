//! Several services in one process over a real bus. They are tests only: no service crate depends on another.

#[cfg(test)]
mod api;
#[cfg(test)]
mod channel;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod home;
#[cfg(test)]
mod http;
#[cfg(test)]
mod irc;
#[cfg(test)]
mod irc_home;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod telegram;
