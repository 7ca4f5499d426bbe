import { useState } from "react";

import { ApiError } from "../../api/client";
import { isObject } from "../../api/errors";
import { Field, Form, textOf, TextField } from "../../components/Form";
import { Panel } from "../../components/Panel";
import { exampleOf, formatJson, readJson } from "./jsonText";
import { useTry, type Verdict } from "./queries";
import { errorLines } from "../../lib/errorLines";

/** Whether an event would fit the schema as it stands in the editor; nothing is stored. */
export function TryPanel({ eventType, schemaText }: { eventType: string; schemaText: string }) {
  const check = useTry(eventType);
  const [problem, setProblem] = useState<Error | null>(null);
  const [example] = useState(() => formatJson(exampleOf(readJson(schemaText).value)));
  const submit = (data: FormData) => {
    const properties = readJson(textOf(data, "properties"));
    const schema = readJson(schemaText);
    const wrong = wrongWith(properties.value, properties.problem, schema.problem);
    setProblem(wrong);
    check.reset();
    if (wrong || !isObject(properties.value)) return;
    check.mutate({ properties: properties.value, page_url: textOf(data, "page_url").trim() || null, schema: schema.value });
  };
  return (
    <Panel title="Try an event" hint="nothing is stored">
      <Form className="wide-form" submit="Try" busy={check.isPending} error={problem ?? check.error} onSubmit={submit}>
        <Field name="properties" label="Properties">
          {(control) => <textarea {...control} className="code" rows={9} defaultValue={example} spellCheck={false} />}
        </Field>
        <TextField name="page_url" label="Page" hint="Counts where the schema names page_url." maxLength={2048} autoComplete="off" />
      </Form>
      <div role="status">{check.data && <VerdictView verdict={check.data} />}</div>
    </Panel>
  );
}

function VerdictView({ verdict }: { verdict: Verdict }) {
  if (verdict.fits) return <p className="verdict verdict-fits">It fits.</p>;
  return (
    <div className="verdict verdict-wrong">
      <p>It does not fit:</p>
      <ul>
        {errorLines(verdict.errors).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}

function wrongWith(properties: unknown, problem: string | undefined, schemaProblem: string | undefined): ApiError | null {
  const message = problem ?? (isObject(properties) ? undefined : "Properties are an object.");
  const fields = { ...(message && { properties: [message] }), ...(schemaProblem && { schema: [schemaProblem] }) };
  return Object.keys(fields).length > 0 ? new ApiError("refused", "The event cannot be tried.", { status: 400, fields }) : null;
}
