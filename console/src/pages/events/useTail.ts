import { useEffect, useReducer, useRef } from "react";

import { openLive } from "../../api/live";
import { useProject } from "../../session/project";
import type { Filter } from "./filter";
import { afterNews, NO_TAIL, readMessage, tailQuery, type Tail } from "./tail";

/** The events that arrive from now on and pass a filter; while held they wait. `attempt`: another one connects anew. */
export function useTail(filter: Filter, held: boolean, attempt: number): Tail {
  const { projectId } = useProject();
  const [tail, hear] = useReducer(afterNews, NO_TAIL);
  const now = useRef({ filter, held });
  useEffect(() => {
    now.current = { filter, held };
    if (!held) hear({ kind: "release" });
  }, [filter, held]);

  const query = tailQuery(filter, projectId).toString();
  const here = JSON.stringify(filter);
  useEffect(() => {
    hear({ kind: "start" });
    return openLive({
      query: new URLSearchParams(query),
      onMessage: (text) => {
        const news = readMessage(text, now.current.filter, now.current.held);
        if (news) hear(news);
      },
      onStatus: (status, detail = "") => hear({ kind: "status", status, detail }),
    });
  }, [query, here, attempt]);
  return tail;
}
