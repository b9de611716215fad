// Which models there are, and which one is meant: plain values and what the browser remembers.
//
// A conversation has the model that was chosen in it last; that one the router keeps. What is chosen here counts from the next
// message on, so until that is taken the tab remembers it; a new conversation begins with what was chosen last in this browser.

/// The built-in provider, which is no model.
const OFFLINE = "offline";
const LAST = "argentum.model";
const CHOSEN = "argentum.model.";

const isModel = (model) => model.provider !== OFFLINE;

/// The models by provider, in the order in which they are told: [{ provider, models: [{ name, label, isDefault }] }].
export function groups(models) {
  const byProvider = new Map();
  for (const { name, provider, is_default: isDefault } of models.filter(isModel)) {
    const label = name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name;
    byProvider.set(provider, [...(byProvider.get(provider) ?? []), { name, label, isDefault }]);
  }
  return [...byProvider].map(([provider, offered]) => ({ provider, models: offered }));
}

/// What is said to have given an answer; empty where nobody did.
export function answeredBy(name) {
  return name.startsWith(`${OFFLINE}/`) ? "no model" : name;
}

export class ModelChoice {
  /// `local` remembers for the browser, `session` for the tab.
  constructor({ local, session }) {
    this.local = new Memory(local);
    this.session = new Memory(session);
    // null = nobody told.
    this.models = null;
    this.open("");
  }

  /// Turns to another conversation.
  open(conversation) {
    Object.assign(this, { conversation, named: "", isNew: false });
  }

  /// What is known of the conversation: the model that it has, and whether nothing was said in it yet.
  learn({ named, isNew }) {
    Object.assign(this, { named, isNew });
    if (named !== "" && this.chosen() === named) this.session.forget(CHOSEN + this.conversation);
  }

  choose(name) {
    this.local.keep(LAST, name);
    if (name === this.named) this.session.forget(CHOSEN + this.conversation);
    else this.session.keep(CHOSEN + this.conversation, name);
  }

  /// The model that will answer; empty where that is not known.
  meant() {
    return this.chosen() || this.named || this.last() || this.models?.filter(isModel).find((model) => model.is_default)?.name || "";
  }

  /// The model to name with the next message; empty = the one that the conversation has, else the default one.
  take() {
    const name = this.chosen() || (this.named === "" ? this.last() : "");
    if (name !== "") this.session.keep(CHOSEN + this.conversation, name);
    return name;
  }

  isOffered(name) {
    return this.models?.some((model) => isModel(model) && model.name === name) ?? false;
  }

  chosen() {
    return this.session.get(CHOSEN + this.conversation);
  }

  /// What a new conversation begins with: nothing that is not there any more.
  last() {
    const last = this.isNew ? this.local.get(LAST) : "";
    return this.isOffered(last) ? last : "";
  }
}

/// What the browser's storage keeps; where it keeps nothing, for the life of the page.
class Memory {
  constructor(storage) {
    this.storage = storage;
    this.unkept = new Map();
  }

  get(name) {
    try {
      return this.unkept.get(name) ?? this.storage.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  keep(name, value) {
    this.unkept.delete(name);
    try {
      this.storage.setItem(name, value);
    } catch {
      this.unkept.set(name, value);
    }
  }

  forget(name) {
    this.unkept.delete(name);
    try {
      this.storage.removeItem(name);
    } catch {
      // Then it has kept nothing.
    }
  }
}
