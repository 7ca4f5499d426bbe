const PATIENCE_MS = 30_000;

/** Hands the only session to one connection at a time, first come first served. */
export class Turns {
  #holder = null;
  #waiting = [];

  has(connection) {
    return this.#holder === connection;
  }

  /** Resolves when `connection` holds the session; fails when another one does not let go. */
  async take(connection) {
    if (this.has(connection)) return;
    if (this.#holder === null) this.#holder = connection;
    else await this.#wait(connection);
  }

  giveBack(connection) {
    if (!this.has(connection)) return;
    const next = this.#waiting.shift();
    this.#holder = next?.connection ?? null;
    next?.resolve();
  }

  #wait(connection) {
    return new Promise((resolve, reject) => {
      const entry = { connection };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== entry);
        const text = "another connection keeps the only session in an open transaction";
        reject(Object.assign(new Error(text), { sqlState: "55P03" }));
      }, PATIENCE_MS);
      entry.resolve = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push(entry);
    });
  }
}
