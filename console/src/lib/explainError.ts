import { ApiError } from "../api/client";

export type Explanation = {
  title: string;
  detail: string;
  nextStep: string;
  /** What finds this very request in the collector's log. */
  requestId?: string | undefined;
};

/** What a failed request means to the person in front of the page, and what they can do. */
export function explainError(error: Error): Explanation {
  if (!(error instanceof ApiError)) {
    return {
      title: "The console itself has failed",
      detail: error.message,
      nextStep: "Reload the page.",
    };
  }
  switch (error.kind) {
    case "unreachable":
      return {
        title: "Beatline does not answer",
        detail: "The request did not reach the collector.",
        nextStep: "Check that Beatline is running and that your network reaches it.",
      };
    case "timeout":
      return {
        title: "Beatline answers too slowly",
        detail: sentence(error.message),
        nextStep: "It may be overloaded. Look at /health/ready before you restart anything.",
      };
    case "unexpected":
      return {
        title: "That was not Beatline's answer",
        detail: sentence(error.message),
        nextStep: "A proxy or a login page may stand in between, or the versions do not match.",
      };
    case "refused":
      return explainRefusal(error);
  }
}

function explainRefusal(error: ApiError): Explanation {
  const detail = [sentence(error.message), ...fieldMessages(error)].join(" ");
  return { ...classify(error, error.status ?? 0), detail, requestId: error.requestId };
}

function classify(error: ApiError, status: number): Pick<Explanation, "title" | "nextStep"> {
  if (status === 401 || status === 403) {
    return { title: "Not allowed", nextStep: "Sign in, or ask for access." };
  }
  if (status === 429) {
    return { title: "Too many requests", nextStep: "Wait; the page tries again by itself." };
  }
  if (status === 502 || status === 503 || status === 504) {
    return {
      title: "Beatline is not ready",
      nextStep: "Its database may be starting. /health/ready names what is missing.",
    };
  }
  if (status >= 500) {
    return {
      title: "Beatline failed to answer",
      nextStep: error.requestId
        ? "Search the collector's log for the request id."
        : "Look into the collector's log.",
    };
  }
  return { title: "Beatline refused the request", nextStep: "Change the input." };
}

function fieldMessages(error: ApiError): string[] {
  return Object.entries(error.fields).map(([field, messages]) =>
    sentence(`${field}: ${messages.join(" ")}`),
  );
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
