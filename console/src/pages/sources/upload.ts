import { ApiError, type Schemas } from "../../api/client";
import { toApiError } from "../../api/errors";

type Upload = {
  file: File;
  writeKey: string;
  /** For rows that name none; "": there are none. */
  eventType: string;
  /** How much of the file has left, between 0 and 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
};

/**
 * Sends a file to be imported. By XMLHttpRequest, since fetch does not tell how far it is; it may take
 * as long as it takes.
 */
export function upload({ file, writeKey, eventType, onProgress, signal }: Upload): Promise<Schemas["ImportBegun"]> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", importPath(eventType));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Write-Key", writeKey);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 1);
    request.onerror = () => reject(new ApiError("unreachable", "The connection broke off"));
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText) as Schemas["ImportBegun"]);
      else void toApiError(asResponse(request)).then(reject);
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

export function importPath(eventType: string): string {
  const path = "/api/v1/imports";
  return eventType ? `${path}?${new URLSearchParams({ event_type: eventType })}` : path;
}

function asResponse(request: XMLHttpRequest): Response {
  const wait = request.getResponseHeader("Retry-After");
  return new Response(request.responseText, {
    status: request.status,
    headers: wait ? { "Retry-After": wait } : {},
  });
}
