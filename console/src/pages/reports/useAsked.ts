import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSearchParams } from "wouter";

import { PROJECT_PARAM } from "../../session/project";
import { asksForReport, readAsked, writeAsked, type Asked } from "./asked";
import { RUNS_KEY } from "./queries";

type InAddress = {
  /** What the address asks; null: nothing. */
  asked: Asked | null;
  unread: string[];
  /** Puts a report into the address; the one that is there already is answered anew. */
  ask: (asked: Asked) => void;
  /** Takes it out again. */
  clear: () => void;
};

/** The report of the address. */
export function useAsked(): InAddress {
  const [params, setParams] = useSearchParams();
  const client = useQueryClient();
  const text = withoutProject(params).toString();
  const { asked, unread } = useMemo(() => {
    const given = new URLSearchParams(text);
    return asksForReport(given) ? readAsked(given) : { asked: null, unread: [] };
  }, [text]);
  const put = (next: URLSearchParams) =>
    setParams((now) => {
      const project = now.get(PROJECT_PARAM);
      if (project !== null) next.set(PROJECT_PARAM, project);
      return next;
    });
  const ask = (wanted: Asked) => {
    const next = writeAsked(wanted);
    if (next.toString() === (asked && writeAsked(asked).toString())) void client.resetQueries({ queryKey: RUNS_KEY });
    else put(next);
  };
  return { asked, unread, ask, clear: () => put(new URLSearchParams()) };
}

function withoutProject(params: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(params);
  rest.delete(PROJECT_PARAM);
  return rest;
}
