import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ErrorNotice } from "./ErrorNotice";
import { Skeleton } from "./Skeleton";

type QueryStateProps<T> = {
  query: Pick<UseQueryResult<T>, "data" | "error" | "isFetching" | "refetch">;
  children: (data: T) => ReactNode;
};

/** What a query has brought; a skeleton before, and why it brought nothing, or nothing newer. */
export function QueryState<T>({ query, children }: QueryStateProps<T>) {
  const { data, error, refetch } = query;
  return (
    <>
      {error && (
        <ErrorNotice
          error={error}
          consequence={data === undefined ? "Nothing could be loaded." : "What is shown may be out of date."}
          onRetry={() => void refetch()}
        />
      )}
      {data === undefined ? !error && <Skeleton className="skeleton-table" /> : children(data)}
    </>
  );
}
