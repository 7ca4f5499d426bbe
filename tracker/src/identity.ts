import type { Store } from "./store";
import { uuid7 } from "./uuid";

const SESSION_IDLE_MS = 30 * 60_000;
const USER = "user";
const ANONYMOUS = "anonymous";
const SESSION = "session";

export interface Identity {
  user: () => string | undefined;
  anonymous: () => string;
  /** The id of the session that goes on at this time (Unix milliseconds), in all tabs. */
  session: (now: number) => string;
  identify: (userId: string) => void;
  reset: () => void;
}

/** Who events are from. Ids are made when they are first needed. */
export function openIdentity(store: Store): Identity {
  const reset = () => [USER, ANONYMOUS, SESSION].forEach(store.remove);

  return {
    user: () => store.get(USER),
    anonymous() {
      const id = store.get(ANONYMOUS) ?? uuid7(Date.now());
      store.set(ANONYMOUS, id);
      return id;
    },
    session(now) {
      const [last = "", known] = (store.get(SESSION) ?? "").split(" ");
      const id = known && Math.abs(now - Number(last)) < SESSION_IDLE_MS ? known : uuid7(now);
      store.set(SESSION, `${now} ${id}`);
      return id;
    },
    identify(userId) {
      const before = store.get(USER);
      if (before && before !== userId) reset();
      store.set(USER, userId);
    },
    reset,
  };
}
