import { CopyableText } from "../../components/CopyableText";
import { ABOUT, asKind, signingCode, type Kind } from "./kinds";
import type { WebhookSource } from "./queries";

/** Where a source sends, and how it signs. */
export function SourceDetail({ source: { source, url, kind } }: { source: WebhookSource }) {
  return (
    <>
      <CopyableText text={url} label={`Address of ${source}`} />
      <HowToSign kind={asKind(kind)} url={url} />
    </>
  );
}

export function HowToSign({ kind, url }: { kind: Kind; url: string }) {
  return (
    <>
      <p className="hint">{ABOUT[kind].signing}</p>
      {kind === "generic" && (
        <div className="snippet">
          <CopyableText text={signingCode(url)} label="How to sign, in Python" />
        </div>
      )}
    </>
  );
}
