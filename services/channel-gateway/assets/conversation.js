// What the page knows of one conversation, as plain values: told by events, asked by the view.
//
// The gateway sends a snapshot and then what follows it. Whatever does not fit (an unknown turn, a gap in the sequence) makes
// `apply` answer that a new snapshot is wanted; the page never guesses.

export const APPLIED = "applied";
export const IGNORED = "ignored";
export const SNAPSHOT_WANTED = "snapshot wanted";

export function createConversation(id) {
  return {
    id,
    title: "",
    // The one that was chosen last; empty = none.
    model: "",
    // Whether a snapshot has arrived.
    isLoaded: false,
    turns: [],
    running: null,
    queued: [],
    // Accepted from this page and not seen in a snapshot yet: { turn, message, question }.
    accepted: [],
    // The turn that began before it was known here: the answer to its message is still on the way.
    begun: null,
  };
}

/// Takes in an event of the gateway.
export function apply(state, event) {
  switch (event.type) {
    case "conversation": return event.id === state.id ? replace(state, event) : IGNORED;
    case "started": return event.conversation === state.id ? start(state, event) : IGNORED;
    case "delta": return event.conversation === state.id ? append(state, event) : IGNORED;
    case "ended": return event.conversation === state.id ? end(state, event) : IGNORED;
    default: return IGNORED;
  }
}

function replace(state, { title, model, turns, running, queued }) {
  // A snapshot that crossed with what is on its way does not take back text that the page has already.
  const isBehind = running && state.running?.turn === running.turn && isLater(state.running, running);
  const known = { title, model, turns, queued, isLoaded: true };
  Object.assign(state, known, { running: isBehind ? { ...running, ...progressOf(state.running) } : running });
  const taken = new Set([...turns, ...queued, ...(running ? [running] : [])].map((turn) => turn.turn));
  state.accepted = state.accepted.filter((turn) => !taken.has(turn.turn));
  return APPLIED;
}

function isLater(mine, theirs) {
  return mine.attempt > theirs.attempt || (mine.attempt === theirs.attempt && mine.sequence > theirs.sequence);
}

function progressOf({ text, attempt, sequence }) {
  return { text, attempt, sequence };
}

function start(state, { turn, attempt }) {
  if (state.turns.some((past) => past.turn === turn)) return IGNORED;
  if (state.running?.turn === turn) {
    if (attempt <= state.running.attempt) return IGNORED;
    state.running = { ...state.running, attempt, sequence: 0, text: "", outcome: undefined };
    return APPLIED;
  }
  const waiting = [...state.queued, ...state.accepted].find((queued) => queued.turn === turn);
  if (!waiting) {
    state.begun = { turn, attempt };
    return SNAPSHOT_WANTED;
  }
  state.queued = state.queued.filter((queued) => queued.turn !== turn);
  state.accepted = state.accepted.filter((queued) => queued.turn !== turn);
  const isReplacing = state.running !== null;
  state.running = { turn, message: waiting.message, question: waiting.question, text: "", attempt, sequence: 0 };
  // The turn before has its outcome in the snapshot only.
  return isReplacing ? SNAPSHOT_WANTED : APPLIED;
}

function append(state, { turn, attempt, sequence, text }) {
  const running = state.running;
  if (running?.turn !== turn) return state.turns.some((past) => past.turn === turn) ? IGNORED : SNAPSHOT_WANTED;
  if (attempt < running.attempt || (attempt === running.attempt && sequence <= running.sequence)) return IGNORED;
  if (attempt > running.attempt && sequence !== 1) return SNAPSHOT_WANTED;
  if (attempt === running.attempt && sequence !== running.sequence + 1) return SNAPSHOT_WANTED;
  const before = attempt === running.attempt ? running.text : "";
  state.running = { ...running, attempt, sequence, text: before + text };
  return APPLIED;
}

/// The outcome itself stands in the snapshot that follows; until then the text so far stays.
function end(state, { turn, outcome }) {
  if (state.running?.turn !== turn) return state.turns.some((past) => past.turn === turn) ? IGNORED : SNAPSHOT_WANTED;
  state.running = { ...state.running, outcome };
  return APPLIED;
}

/// The gateway has taken a message of this page.
export function accepted(state, { turn, message, question }) {
  const known = [...state.turns, ...state.queued, ...state.accepted, ...(state.running ? [state.running] : [])];
  if (known.some((other) => other.turn === turn)) return;
  state.accepted.push({ turn, message, question });
  if (state.begun?.turn === turn) start(state, state.begun);
}

/// Whether a turn is being answered, so that there is something to stop.
export function isRunning(state) {
  return state.running !== null && state.running.outcome === undefined;
}

/// Whether nothing was said here, as far as the router tells.
export function isEmpty({ turns, running, queued, accepted: taken }) {
  return turns.length + queued.length + taken.length === 0 && running === null;
}

/// What the transcript shows, oldest first. `pending` are messages that nobody has taken yet.
export function entries(state, pending = []) {
  const past = state.turns.map((turn) => ({ key: turn.turn, state: turn.outcome, question: turn.question, answer: turn.answer, model: turn.model, at: turn.completed_at_ms }));
  const { running } = state;
  const now = running && !past.some((entry) => entry.key === running.turn)
    ? [{ key: running.turn, state: running.outcome ? "ending" : "running", question: running.question, answer: running.text }]
    : [];
  const isFree = !isRunning(state);
  const waiting = [...state.queued, ...state.accepted].map((turn, index) => ({ key: turn.turn, state: isFree && index === 0 ? "starting" : "queued", question: turn.question, answer: "" }));
  const messages = new Set([...state.turns, ...state.queued, ...state.accepted].map((turn) => turn.message));
  const unsent = pending.filter((message) => !messages.has(message.key));
  const sending = unsent.map((message) => ({ key: message.key, state: message.state, question: message.text, answer: "", problem: message.problem }));
  return [...past, ...now, ...waiting, ...sending];
}
