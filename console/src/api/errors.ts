export type ApiErrorKind = "unreachable" | "timeout" | "refused" | "unexpected";

type ApiErrorDetails = {
  status?: number;
  code?: string;
  fields?: Record<string, string[]>;
  requestId?: string;
  retryAfter?: number;
};

/**
 * Why a request brought no usable answer.
 *
 * - `unreachable`: nothing answered; `timeout`: nothing answered in time
 * - `refused`: the collector answered with its error shape, or any other error status
 * - `unexpected`: a success whose body is not what the collector sends
 */
export class ApiError extends Error {
  readonly kind: ApiErrorKind;
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** What is wrong with which field: { "payload.url": ["Missing."] }. */
  readonly fields: Record<string, string[]>;
  readonly requestId: string | undefined;
  /** Seconds until it is worth to ask again. */
  readonly retryAfter: number | undefined;

  constructor(kind: ApiErrorKind, message: string, details: ApiErrorDetails = {}) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.status = details.status;
    this.code = details.code;
    this.fields = details.fields ?? {};
    this.requestId = details.requestId;
    this.retryAfter = details.retryAfter;
  }

  /** Whether the same request may succeed later without anyone changing it. */
  get isTransient(): boolean {
    return this.kind !== "refused" || this.status === 429 || (this.status ?? 0) >= 500;
  }
}

/** Whether the request was refused because nobody is signed in (any more). */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** Reads the collector's error shape; a body that is none (a proxy's page) keeps the status. */
export async function toApiError(response: Response): Promise<ApiError> {
  const body = parseJson(await response.text());
  const details: ApiErrorDetails = { status: response.status };
  const retryAfter = Number(response.headers.get("Retry-After"));
  if (retryAfter > 0) details.retryAfter = retryAfter;
  if (!isObject(body) || typeof body.message !== "string") {
    return new ApiError("refused", `Answer with status ${response.status}`, details);
  }
  if (typeof body.code === "string") details.code = body.code;
  if (typeof body.request_id === "string") details.requestId = body.request_id;
  details.fields = readFields(body.errors);
  return new ApiError("refused", body.message, details);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Field errors are nested as the request is; here each path becomes one name: "payload.url". */
function readFields(errors: unknown, path = ""): Record<string, string[]> {
  if (!isObject(errors)) return {};
  const fields: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(errors)) {
    const field = path ? `${path}.${name}` : name;
    if (isObject(value)) Object.assign(fields, readFields(value, field));
    else fields[field] = (Array.isArray(value) ? value : [value]).map(String);
  }
  return fields;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
