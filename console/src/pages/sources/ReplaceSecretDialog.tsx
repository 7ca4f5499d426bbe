import { answer, api } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Form, textOf } from "../../components/Form";
import { useAction } from "../../hooks/useAction";
import { useProject } from "../../session/project";
import { asKind } from "./kinds";
import { WEBHOOKS_KEY, type WebhookSource } from "./queries";
import { SecretField } from "./SecretField";
import type { MadeSource } from "./SecretOfSourceDialog";

type ReplaceSecretDialogProps = {
  source: WebhookSource;
  onClose: () => void;
  onMade: (made: MadeSource) => void;
};

export function ReplaceSecretDialog({ source: { source, kind }, onClose, onMade }: ReplaceSecretDialogProps) {
  const { projectId } = useProject();
  const replace = useAction({
    run: (secret: string | null) =>
      answer(
        api.POST("/api/v1/projects/{project_id}/webhook-sources/{source}/secret", {
          params: { path: { project_id: projectId, source } },
          body: { secret },
        }),
      ),
    renews: [WEBHOOKS_KEY, ["audit-log"]],
    inForm: true,
    onDone: ({ secret, url }) => onMade({ source, kind: asKind(kind), url, secret }),
  });
  return (
    <Dialog title={`Replace the secret of ${source}?`} onClose={onClose}>
      <Form
        submit="Replace the secret"
        busy={replace.isPending}
        error={replace.error}
        onSubmit={(data) => replace.mutate(textOf(data, "secret").trim() || null)}
      >
        <p>The old one ends at once: what is signed with it is refused from now on.</p>
        <SecretField />
      </Form>
    </Dialog>
  );
}
