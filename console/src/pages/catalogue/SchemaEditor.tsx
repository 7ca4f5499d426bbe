import { ApiError } from "../../api/client";
import { Field, Form, textOf, TextField } from "../../components/Form";
import { Panel } from "../../components/Panel";
import { formatJson, readJson } from "./jsonText";
import { useSaveType } from "./queries";

type SchemaEditorProps = {
  eventType: string;
  description: string;
  text: string;
  onText: (text: string) => void;
  mayChange: boolean;
};

export function SchemaEditor({ eventType, description, text, onText, mayChange }: SchemaEditorProps) {
  const save = useSaveType(eventType);
  const read = readJson(text);
  if (!mayChange) return <ReadOnly description={description} text={text} />;
  const format = () => {
    if (!read.problem) onText(formatJson(read.value));
  };
  return (
    <Panel title="Schema" hint="JSON Schema, draft 2020-12">
      <Form
        className="wide-form"
        submit="Save"
        busy={save.isPending}
        error={read.problem ? asRefusal(read.problem) : inSchemaField(save.error)}
        actions={
          <button type="button" className="button" disabled={read.problem !== undefined} onClick={format}>
            Format
          </button>
        }
        onSubmit={(data) => {
          if (!read.problem) save.mutate({ schema: read.value, description: textOf(data, "description").trim() });
        }}
      >
        <TextField name="description" label="Description" defaultValue={description} maxLength={1000} autoComplete="off" />
        <Field name="schema" label="Schema of the properties" hint="null takes anything. References stay inside; nothing is fetched.">
          {(control) => (
            <textarea
              {...control}
              className="code"
              rows={18}
              value={text}
              spellCheck={false}
              onChange={({ target }) => {
                save.reset();
                onText(target.value);
              }}
            />
          )}
        </Field>
      </Form>
    </Panel>
  );
}

function ReadOnly({ description, text }: { description: string; text: string }) {
  return (
    <Panel title="Schema" hint="JSON Schema, draft 2020-12">
      {description && <p>{description}</p>}
      <pre className="schema-text" tabIndex={0} role="region" aria-label="JSON Schema">
        {text}
      </pre>
    </Panel>
  );
}

function asRefusal(problem: string): ApiError {
  return new ApiError("refused", problem, { status: 400, fields: { schema: [problem] } });
}

/** The API names places within the schema ("schema.properties.amount"): all of them are the editor's. */
export function inSchemaField(error: Error | null): Error | null {
  if (!(error instanceof ApiError)) return error;
  const ofSchema = (name: string) => name === "schema" || name.startsWith("schema.");
  const inside = Object.entries(error.fields).filter(([name]) => ofSchema(name));
  if (inside.length === 0) return error;
  const others = Object.entries(error.fields).filter(([name]) => !ofSchema(name));
  const schema = inside.map(([name, messages]) => `${name}: ${messages.join(" ")}`);
  return new ApiError(error.kind, error.message, {
    status: error.status ?? 400,
    fields: { ...Object.fromEntries(others), schema },
  });
}
