import { useState } from "react";

import { answer, api, ApiError, type Schemas } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Field, Form, SelectField, textOf, TextField } from "../../components/Form";
import { useAction } from "../../hooks/useAction";
import { ABOUT, asKind, KINDS, type Kind } from "./kinds";
import { EXAMPLE, readMapping } from "./mapping";
import { inProject, WEBHOOKS_KEY } from "./queries";
import { SecretField } from "./SecretField";
import type { MadeSource } from "./SecretOfSourceDialog";

type NewSourceDialogProps = { projectId: number; onClose: () => void; onMade: (made: MadeSource) => void };

export function NewSourceDialog({ projectId, onClose, onMade }: NewSourceDialogProps) {
  const [kind, setKind] = useState<Kind>("generic");
  const [mappingError, setMappingError] = useState<Error | null>(null);
  const make = useAction({
    run: (body: Schemas["NewSourceBody"]) =>
      answer(api.POST("/api/v1/projects/{project_id}/webhook-sources", { ...inProject(projectId), body })),
    renews: [WEBHOOKS_KEY, ["audit-log"]],
    inForm: true,
    onDone: ({ secret, url }, { source }) => onMade({ source, kind, url, secret }),
  });
  const submit = (data: FormData) => {
    const { mapping, problems } = readMapping(textOf(data, "mapping"));
    setMappingError(problems.length > 0 ? refusal("mapping", problems) : null);
    if (problems.length > 0) return;
    make.mutate({ source: textOf(data, "source").trim(), kind, mapping, secret: textOf(data, "secret").trim() || null });
  };
  return (
    <Dialog title="New source of webhooks" onClose={onClose}>
      <Form submit="Make the source" busy={make.isPending} error={mappingError ?? make.error} onSubmit={submit}>
        <TextField
          name="source"
          label="Name"
          hint="Part of its address: a to z, digits, - and _."
          pattern="[a-z0-9][a-z0-9_\-]*"
          maxLength={64}
          required
          autoFocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <SelectField name="kind" label="Sender" value={kind} onChange={({ target }) => setKind(asKind(target.value))} hint={`Read are ${ABOUT[kind].fields}`}>
          {KINDS.map((name) => (
            <option key={name} value={name}>
              {ABOUT[name].label}
            </option>
          ))}
        </SelectField>
        <MappingField />
        <SecretField />
      </Form>
    </Dialog>
  );
}

function MappingField() {
  return (
    <Field
      name="mapping"
      label="Mapping"
      hint="What is read in another way: JSON of fields and JMESPath expressions over body and headers. Empty: as above."
    >
      {(control) => <textarea {...control} className="code" rows={5} placeholder={EXAMPLE} spellCheck={false} />}
    </Field>
  );
}

/** What is wrong with a field, said as the API says it. */
function refusal(field: string, problems: string[]): ApiError {
  return new ApiError("refused", "The form cannot be sent.", { status: 400, fields: { [field]: problems } });
}
