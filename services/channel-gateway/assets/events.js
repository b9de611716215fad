// The page's one WebSocket: what happens, as it happens. It comes back by itself and then watches the same conversation.

const RECONNECT_MS = [250, 500, 1000, 2000, 5000];
/// Too short a connection counts as a failed one.
const STEADY_MS = 3000;

export class Events {
  /// `onEvent(event)`; `onState("connecting" | "open" | "lost")`; `onRefused()` when the session is no more.
  constructor({ url, onEvent, onState, isAllowed, onRefused }) {
    Object.assign(this, { url, onEvent, onState, isAllowed, onRefused });
    this.attempt = 0;
    this.watched = null;
    this.isClosed = false;
    this.connect();
  }

  watch(conversation) {
    this.watched = conversation;
    this.sayWatched();
  }

  /// Asks for a snapshot of the watched conversation.
  refresh() {
    this.sayWatched();
  }

  /// Tries at once, where it is waiting.
  hurry() {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.connect();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  connect() {
    this.timer = undefined;
    const socket = new WebSocket(this.url);
    const opened = { at: 0 };
    this.socket = socket;
    socket.onopen = () => {
      opened.at = Date.now();
      this.onState("open");
      this.sayWatched();
    };
    socket.onmessage = (message) => this.onEvent(JSON.parse(message.data));
    socket.onclose = () => this.lost(opened.at);
  }

  async lost(openedAt) {
    if (this.isClosed) return;
    this.onState("lost");
    const wasSteady = openedAt > 0 && Date.now() - openedAt > STEADY_MS;
    this.attempt = wasSteady ? 0 : Math.min(this.attempt + 1, RECONNECT_MS.length - 1);
    this.timer = setTimeout(() => this.connect(), RECONNECT_MS[this.attempt]);
    // A browser does not tell a page why a WebSocket was refused; a plain request does.
    const isAllowed = await this.isAllowed().catch(() => true);
    if (!isAllowed && !this.isClosed) {
      this.close();
      this.onRefused();
    }
  }

  sayWatched() {
    const isOpen = this.socket?.readyState === WebSocket.OPEN;
    if (isOpen && this.watched) this.socket.send(JSON.stringify({ type: "watch", conversation: this.watched }));
  }
}
