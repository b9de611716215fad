// Shows the state of the bundle, live. Everything is built from DOM nodes; no text ever becomes markup.

const RECONNECT_MS = [250, 500, 1000, 2000, 5000];

const byId = (id) => document.getElementById(id);

function show(id, text, className = "") {
  byId(id).textContent = text;
  byId(id).className = className;
}

function cell(text, className = "") {
  const td = document.createElement("td");
  td.textContent = text;
  td.className = className;
  return td;
}

function serviceRow(service) {
  const row = document.createElement("tr");
  const state = service.text ? `${service.state}: ${service.text}` : service.state;
  row.append(cell(service.name), cell(state, service.state), cell(service.pid || "–"), cell(service.restarts));
  return row;
}

const handlers = {
  bundle(event) {
    show("state", `${event.state} · ${event.version}`, event.state);
    byId("services").replaceChildren(...event.services.map(serviceRow));
  },
  models(event) {
    show("models", event.models ? event.models.map((model) => model.name).join(", ") : "not known: the provider-router does not answer");
  },
};

function connect(attempt = 0) {
  const url = new URL("/api/v1/events", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  let opened = false;
  socket.onopen = () => { opened = true; };
  socket.onmessage = (message) => {
    const event = JSON.parse(message.data);
    handlers[event.type]?.(event);
  };
  socket.onclose = () => {
    show("state", "connection lost, trying again", "lost");
    const next = opened ? 0 : Math.min(attempt + 1, RECONNECT_MS.length - 1);
    setTimeout(connect, RECONNECT_MS[next], next);
  };
}

connect();
