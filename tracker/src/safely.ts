import { warn } from "./warn";

/** The same function, but it never breaks the page, and in a page that the browser prepares ahead, which may never be
 * seen, it waits until the page is there. */
export function safely<Parameters extends unknown[]>(work: (...parameters: Parameters) => unknown) {
  return (...parameters: Parameters): void => {
    const run = () => {
      try {
        work(...parameters);
      } catch (error) {
        warn(error);
      }
    };
    if (isPrerendering()) document.addEventListener("prerenderingchange", run, { once: true });
    else run();
  };
}

function isPrerendering(): boolean {
  return (document as { prerendering?: boolean }).prerendering === true;
}
