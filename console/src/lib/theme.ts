export type Theme = "light" | "dark";

const STORAGE_KEY = "beatline.theme";
const CHANGED = "beatline:theme";
const systemDark = () => window.matchMedia("(prefers-color-scheme: dark)");

/** The theme that is shown: the viewer's choice, or else the system's. */
export function currentTheme(): Theme {
  return chosenTheme() ?? systemTheme();
}

/** Puts the viewer's choice on the document; without one the system's scheme applies. */
export function applyTheme(): void {
  const chosen = chosenTheme();
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}

/** Shows the other theme and remembers it; choosing the system's own follows the system again. */
export function toggleTheme(): void {
  const next = currentTheme() === "dark" ? "light" : "dark";
  store(next === systemTheme() ? null : next);
  applyTheme();
  window.dispatchEvent(new Event(CHANGED));
}

export function subscribeTheme(onChange: () => void): () => void {
  const system = systemDark();
  system.addEventListener("change", onChange);
  window.addEventListener(CHANGED, onChange);
  return () => {
    system.removeEventListener("change", onChange);
    window.removeEventListener(CHANGED, onChange);
  };
}

function systemTheme(): Theme {
  return systemDark().matches ? "dark" : "light";
}

function chosenTheme(): Theme | null {
  const stored = read();
  return stored === "light" || stored === "dark" ? stored : null;
}

/** A browser that forbids storage still has the toggle, only without memory. */
let unstored: string | null = null;

function read(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return unstored;
  }
}

function store(theme: Theme | null): void {
  unstored = theme;
  try {
    if (theme) localStorage.setItem(STORAGE_KEY, theme);
    else localStorage.removeItem(STORAGE_KEY);
  } catch {
    // Kept in `unstored`.
  }
}
