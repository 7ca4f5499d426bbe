export interface Store {
  get: (key: string) => string | undefined;
  set: (key: string, value: string) => void;
  remove: (key: string) => void;
  /** The keys that begin so, sorted. */
  keys: (start?: string) => string[];
}

/** localStorage below a prefix; memory for what the browser does not let us store there: in sandboxed frames,
 * with cookies blocked, when the site's quota is full. */
export function openStore(prefix: string): Store {
  const memory = new Map<string, string>();
  return {
    get: (key) => memory.get(key) ?? stored((storage) => storage.getItem(prefix + key)) ?? undefined,
    set(key, value) {
      memory.set(key, value);
      stored((storage) => {
        storage.setItem(prefix + key, value);
        memory.delete(key);
      });
    },
    remove(key) {
      memory.delete(key);
      stored((storage) => storage.removeItem(prefix + key));
    },
    keys(start = "") {
      const names = stored((storage) => Object.keys(storage)) ?? [];
      const ours = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
      return [...new Set([...ours, ...memory.keys()])].filter((key) => key.startsWith(start)).sort();
    },
  };
}

function stored<T>(work: (storage: Storage) => T): T | undefined {
  try {
    return work(localStorage);
  } catch {
    return undefined;
  }
}
