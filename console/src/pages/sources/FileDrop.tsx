import { useRef, useState, type ComponentProps } from "react";

import { formatBytes } from "../../lib/bytes";

type FileDropProps = {
  control: ComponentProps<"input">;
  file: File | null;
  onChoose: (file: File | null) => void;
};

/** A file by choice, or by being dropped here. */
export function FileDrop({ control, file, onChoose }: FileDropProps) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <div
      className={`drop ${over ? "drop-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (input.current) input.current.files = event.dataTransfer.files;
        onChoose(event.dataTransfer.files[0] ?? null);
      }}
    >
      <input
        {...control}
        ref={input}
        type="file"
        required
        accept=".csv,.tsv,.txt,.json,.jsonl,.ndjson,.gz"
        onChange={({ target }) => onChoose(target.files?.[0] ?? null)}
      />
      <p className="drop-text" aria-live="polite">
        {file ? (
          <>
            <strong>{file.name}</strong> {formatBytes(file.size)}
          </>
        ) : (
          "or drop it here"
        )}
      </p>
    </div>
  );
}
