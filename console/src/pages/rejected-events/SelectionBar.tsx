import { ConfirmButton } from "../../components/ConfirmButton";
import { formatInteger, plural } from "../../lib/format";

type SelectionBarProps = {
  selected: number[];
  filtered: boolean;
  busy: boolean;
  onReplay: () => void;
  onReplayAll: () => void;
  onDismiss: () => void;
};

export function SelectionBar({ selected, filtered, busy, onReplay, onReplayAll, onDismiss }: SelectionBarProps) {
  const count = selected.length;
  return (
    <div className="selection-bar" role="group" aria-label="What to do with rejected events">
      <span role="status">{count > 0 ? `${formatInteger(count)} selected` : "None selected"}</span>
      <button type="button" className="button" disabled={count === 0 || busy} onClick={onReplay}>
        Replay selected
      </button>
      {count > 0 && (
        <ConfirmButton label="Dismiss selected" question={`Dismiss ${plural(count, "event")}?`} busy={busy} onConfirm={onDismiss}>
          <p>They are deleted and cannot be replayed any more.</p>
        </ConfirmButton>
      )}
      <ConfirmButton
        label={filtered ? "Replay all that pass the filter" : "Replay all"}
        question={filtered ? "Replay all that pass the filter?" : "Replay all rejected events?"}
        className="button selection-all"
        busy={busy}
        onConfirm={onReplayAll}
      >
        <p>Each is checked against the catalogue of now and stored when it fits, with its own time, and once. The others stay here.</p>
      </ConfirmButton>
    </div>
  );
}
