//! The rules of the contract that this code holds and that a test may leave out, one at a time.

/// A rule of PATH, the contract of a message's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A key is known from its record on, synced or not.
    KeyIsKnown,
    /// After a purge of keys, what is not later than the newest purged key is TooOld.
    PurgedIsTooOld,
    /// One turn of a conversation at a time, from Started to delivered-or-failed.
    OneTurnAtATime,
    /// A turn with an outcome is not run again.
    CompletedIsFinal,
    /// What comes from the vendor counts only for the attempt that runs.
    AttemptIsCurrent,
    /// Taken is granted to one incarnation, the one that is known to live.
    TakenByTheLiving,
    /// When the holder is gone, the first part without receipt is unknown.
    HolderGoneIsUnknown,
    /// A receipt is answered only to the holder, even where the part is known.
    ReceiptOfTheHolder,
    /// A receipt is answered only to the hold that it is of: who lost an outbound and got it again goes on from the new grant.
    ReceiptOfThisHold,
    /// A holder that takes again what it has sent a part of has lost what it knew of the rest: that may have been sent.
    TakenAgainIsUnknown,
    /// After a start, a gateway with open outbounds is asked who lives.
    HelloIsAsked,
}
