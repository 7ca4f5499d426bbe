import { Menu } from "../../components/Menu";
import type { Definition } from "./asked";
import { FORMATS, formatNames, useRequest } from "./exports";

type ExportButtonProps = { content: { definition: Definition } | { report_id: number } };

/** Has a file made of a report's answer. */
export function ExportButton({ content }: ExportButtonProps) {
  const request = useRequest();
  return (
    <Menu label="Export" className="button" button="Export">
      {formatNames.map((format) => (
        <button
          key={format}
          type="button"
          className="nav-link nav-button"
          aria-disabled={request.isPending}
          onClick={() => !request.isPending && request.mutate({ kind: "report", format, ...content })}
        >
          {FORMATS[format]}
        </button>
      ))}
    </Menu>
  );
}
