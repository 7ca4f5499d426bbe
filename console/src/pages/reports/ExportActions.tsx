import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { useAction } from "../../hooks/useAction";
import { useAccount } from "../../session/account";
import { usePermission, useProject } from "../../session/project";
import { DownloadButton } from "./DownloadButton";
import { formatName, isOpen, ofExport, RENEWS, type Export } from "./exports";

/** Downloading, cancelling and deleting; the last two for who asked for it, and admins. */
export function ExportActions({ row }: { row: Export }) {
  const { projectId } = useProject();
  const account = useAccount();
  const administers = usePermission("members:write");
  const { export_id, account_id, title, format, state } = row;
  const open = isOpen(row);
  const { params } = ofExport(projectId, export_id);
  const chosen = { params: { ...params, query: { only_open: open } } };
  const end = useAction({
    run: () => answer(api.DELETE("/api/v1/projects/{project_id}/exports/{export_id}", chosen)),
    done: `${title} is ${open ? "cancelled" : "deleted"}.`,
    renews: RENEWS,
  });
  const of = `${title}, ${formatName(format)}`;
  return (
    <span className="actions">
      {state === "done" && <DownloadButton exportId={export_id} of={of} />}
      {(administers || account_id === account?.account_id) && (
        <ConfirmButton
          key={String(open)}
          label={open ? "Stop" : "Delete"}
          of={of}
          className="button button-small"
          question={`${open ? "Stop making" : "Delete"} this file?`}
          busy={end.isPending}
          onConfirm={() => end.mutate()}
        >
          <p>{open ? "What is written so far is thrown away." : "It can be exported again, as long as its events are there."}</p>
        </ConfirmButton>
      )}
    </span>
  );
}
