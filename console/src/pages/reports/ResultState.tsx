import type { UseQueryResult } from "@tanstack/react-query";

import { ErrorNotice } from "../../components/ErrorNotice";
import { Skeleton } from "../../components/Skeleton";
import { ofFields } from "./BuilderForm";
import type { Result } from "./result";
import { ResultView } from "./ResultView";

/** What a report has answered. What is wrong with its fields is said by the form. */
export function ResultState({ result }: { result: UseQueryResult<Result> }) {
  const { data, error, isFetching, refetch } = result;
  if (isFetching && !data) return <Skeleton className="skeleton-page" />;
  return (
    <>
      {error && !ofFields(error) && (
        <ErrorNotice
          error={error}
          consequence={data ? "What is shown is as old as it says." : "The report has no answer."}
          onRetry={() => void refetch()}
        />
      )}
      {data && <ResultView result={data} />}
    </>
  );
}
