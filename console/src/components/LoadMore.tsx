import type { UseInfiniteQueryResult } from "@tanstack/react-query";

import { explainError } from "../lib/explainError";
import { plural } from "../lib/format";

type LoadMoreProps = {
  /** Pages by cursor. */
  query: Pick<UseInfiniteQueryResult, "hasNextPage" | "isFetchingNextPage" | "isFetchNextPageError" | "error" | "fetchNextPage">;
  shown: number;
  /** What the rows are: "entry". */
  one: string;
  many?: string;
};

/** How many rows are shown, and a button for those that follow. */
export function LoadMore({ query, shown, one, many }: LoadMoreProps) {
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, error, fetchNextPage } = query;
  return (
    <div className="load-more">
      <span role="status">
        {plural(shown, one, many)} shown{hasNextPage ? "" : ", that is all"}
      </span>
      {hasNextPage && (
        <button type="button" className="button" aria-disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? "Loading …" : "Load more"}
        </button>
      )}
      {isFetchNextPageError && error && (
        <span role="alert" className="field-error">
          {explainError(error).title}
        </span>
      )}
    </div>
  );
}
