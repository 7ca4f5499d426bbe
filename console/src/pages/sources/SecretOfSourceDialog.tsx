import { CopyableText } from "../../components/CopyableText";
import { Dialog } from "../../components/Dialog";
import type { Kind } from "./kinds";
import { HowToSign } from "./SourceDetail";

export type MadeSource = { source: string; kind: Kind; url: string; secret: string };

export function SecretOfSourceDialog({ made, onClose }: { made: MadeSource; onClose: () => void }) {
  const { source, kind, url, secret } = made;
  return (
    <Dialog title={`Secret of ${source}`} onClose={onClose} keep>
      <div className="dialog-text">
        <p>Copy it now: it is not shown again.</p>
        <CopyableText text={secret} label="Secret" />
        <p>It signs what is sent to this address:</p>
        <CopyableText text={url} label="Address" />
        <HowToSign kind={kind} url={url} />
      </div>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Dialog>
  );
}
