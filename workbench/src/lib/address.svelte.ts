/** The address as a rune: components read `here.now`, and change it with `go` and `put`. */

import { read, write, type Address, type View } from "./address";

class Here {
  now: Address = $state.raw(read(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.now = read(location.hash)));
  }

  /** Open another view: a step that the back button undoes. */
  go(view: View, id = "", state: Record<string, string> = {}): void {
    location.hash = write({ view, id, state });
  }

  /** Note a change of the same view (time, zoom, search): the last step is replaced, not added to. */
  put(changes: Record<string, string>): void {
    const state = { ...this.now.state, ...changes };
    for (const key of Object.keys(state)) if (state[key] === "") delete state[key];
    const address = { ...this.now, state };
    const text = write(address);
    if (text === write(this.now)) return;
    // The path is named so that a server's first address, with its token, is not kept in what is shared by accident.
    history.replaceState(null, "", `${location.pathname}${location.search}${text}`);
    this.now = address;
  }
}

export const here = new Here();
