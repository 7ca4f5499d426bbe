import { CopyableText } from "./CopyableText";
import { Dialog } from "./Dialog";

type SecretDialogProps = {
  title: string;
  /** What the secret is: "API token". */
  label: string;
  secret: string;
  onClose: () => void;
};

/** A secret that is shown this once. */
export function SecretDialog({ title, label, secret, onClose }: SecretDialogProps) {
  return (
    <Dialog title={title} onClose={onClose} keep>
      <div className="dialog-text">
        <p>Copy it now. It is kept nowhere and cannot be shown again.</p>
        <CopyableText text={secret} label={label} />
      </div>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Dialog>
  );
}
