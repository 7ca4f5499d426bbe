import { answer, api, ApiError } from "../../api/client";
import { useAction } from "../../hooks/useAction";
import { download } from "../../lib/download";
import { notify } from "../../lib/toasts";
import { useProject } from "../../session/project";
import { EXPORTS_KEY, ofExport } from "./exports";
import { DOWNLOADS } from "./paths";

type DownloadButtonProps = { exportId: string; of: string };

/** Takes the file of an export. A link opens it for some minutes only, so each click asks for one. */
export function DownloadButton({ exportId, of }: DownloadButtonProps) {
  const { projectId } = useProject();
  const take = useAction({
    run: () => linkOf(projectId, exportId),
    renews: [EXPORTS_KEY],
    onDone: (link) => {
      if (link) download(link);
      else notify("There is no file to download now.", "failed", { href: DOWNLOADS, label: "Downloads" });
    },
  });
  return (
    <button type="button" className="button button-small" aria-disabled={take.isPending} onClick={() => !take.isPending && take.mutate()}>
      Download<span className="visually-hidden"> {of}</span>
    </button>
  );
}

/** The link to the file of an export; null: it has none yet, or none any more. */
async function linkOf(projectId: number, exportId: string): Promise<string | null> {
  const asked = api.GET("/api/v1/projects/{project_id}/exports/{export_id}", ofExport(projectId, exportId));
  try {
    return (await answer(asked)).link;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
