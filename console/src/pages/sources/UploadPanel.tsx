import { useRef, useState } from "react";

import { Field, Form, SelectField, textOf, TextField } from "../../components/Form";
import { Panel } from "../../components/Panel";
import { useAction } from "../../hooks/useAction";
import { formatShare } from "../../lib/format";
import { FileDrop } from "./FileDrop";
import { currentKey, IMPORTS_KEY, keysOf, type Project } from "./queries";
import { upload } from "./upload";

type Wanted = { file: File; writeKey: string; eventType: string };

export function UploadPanel({ project }: { project: Project }) {
  const [file, setFile] = useState<File | null>(null);
  const { send, share, cancel } = useUpload(() => setFile(null));
  const keys = keysOf(project);
  return (
    <Panel title="Import a file" hint="CSV with a header row, or JSON lines; also gzip" className="panel-above">
      <Form
        key={send.isSuccess ? send.submittedAt : 0} // empty after each success
        submit="Import"
        busy={send.isPending}
        error={isCancelled(send.error) ? null : send.error}
        className="upload"
        onSubmit={(data) =>
          file && send.mutate({ file, writeKey: textOf(data, "key"), eventType: textOf(data, "event_type").trim() })
        }
      >
        <Field name="file" label="File" hint={file ? undefined : "Columns are named as in docs/imports.md; every other one is a property."}>
          {(control) => <FileDrop control={control} file={file} onChoose={setFile} />}
        </Field>
        <div className="upload-options">
          <TextField name="event_type" label="Type of the events" hint="For rows that name none." maxLength={128} autoComplete="off" />
          <SelectField name="key" label="Write key" defaultValue={currentKey(keys)}>
            {keys.writeKeys.map((key) => (
              <option key={key}>{key}</option>
            ))}
          </SelectField>
        </div>
        {send.isPending && <Sending share={share} onCancel={cancel} />}
      </Form>
    </Panel>
  );
}

function Sending({ share, onCancel }: { share: number; onCancel: () => void }) {
  return (
    <div className="sending">
      <progress aria-label="Sending the file" max={1} value={share} />
      <span>{share < 1 ? `${formatShare(share)} sent` : "Sent, being looked at"}</span>
      <button type="button" className="button button-small" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}

function useUpload(onSent: () => void) {
  const [share, setShare] = useState(0);
  const controller = useRef<AbortController | null>(null);
  const send = useAction({
    run: (wanted: Wanted) => {
      setShare(0);
      controller.current = new AbortController();
      return upload({ ...wanted, onProgress: setShare, signal: controller.current.signal });
    },
    done: ({ file }) => `${file.name} is here; a worker stores it.`,
    renews: [IMPORTS_KEY],
    inForm: true,
    onDone: onSent,
  });
  return { send, share, cancel: () => controller.current?.abort() };
}

function isCancelled(error: Error | null): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
