import { SelectField, TextField } from "../../components/Form";
import { WholeNumberField } from "../../components/WholeNumberField";
import { usePermission } from "../../session/project";
import { BYS, hasProperty, MOST_GROUPINGS, MOST_GROUPS, type Asked, type By, type Grouping } from "./asked";
import type { Change } from "./BuilderForm";

const BY_WORDS: Record<By, string> = {
  event_type: "event type",
  page: "page",
  property: "a property",
  segment: "a trait of the user",
};

/** What the measure is split by, beside time. Properties and traits are for those who may read events. */
export function GroupingFields({ asked, onChange }: { asked: Asked; onChange: Change }) {
  const { groupings, top } = asked;
  const replace = (index: number, ...by: Grouping[]) => onChange({ groupings: groupings.toSpliced(index, 1, ...by) });
  const unused = BYS.find((by) => by !== "segment" && groupings.every((each) => each.by !== by)) ?? "property";
  return (
    <fieldset className="builder-group">
      <legend>Grouped by</legend>
      {groupings.map((each, index) => (
        <GroupingRow
          key={index}
          place={index}
          grouping={each}
          onChange={(next) => replace(index, next)}
          onRemove={() => replace(index)}
        />
      ))}
      <div className="builder-line">
        {groupings.length < MOST_GROUPINGS && (
          <button
            type="button"
            className="button button-small"
            onClick={() => onChange({ groupings: [...groupings, { by: unused, property: "" }] })}
          >
            {groupings.length === 0 ? "Add a grouping" : "Group by one more"}
          </button>
        )}
        {groupings.length > 0 && (
          <WholeNumberField
            name="definition.top"
            label="Groups shown"
            min={1}
            max={MOST_GROUPS}
            value={top}
            onChange={(next) => onChange({ top: next })}
          />
        )}
      </div>
    </fieldset>
  );
}

type GroupingRowProps = { place: number; grouping: Grouping; onChange: (next: Grouping) => void; onRemove: () => void };

function GroupingRow({ place, grouping, onChange, onRemove }: GroupingRowProps) {
  const { by, property } = grouping;
  const mayReadEvents = usePermission("events:read");
  const bys = BYS.filter((name) => mayReadEvents || !hasProperty(name) || name === by);
  return (
    <div className="builder-line">
      <SelectField
        name={`definition.groupings.${place}`}
        label={place === 0 ? "By" : "And by"}
        value={by}
        onChange={({ target }) => onChange({ ...grouping, by: target.value as By })}
      >
        {bys.map((name) => (
          <option key={name} value={name}>
            {BY_WORDS[name]}
          </option>
        ))}
      </SelectField>
      {hasProperty(by) && (
        <TextField
          name={`definition.groupings.${place}.property`}
          label={by === "segment" ? "Trait" : "Property"}
          placeholder="plan or address.city"
          value={property}
          maxLength={200}
          required
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={({ target }) => onChange({ ...grouping, property: target.value })}
        />
      )}
      <button type="button" className="icon-button" aria-label={`Remove grouping ${place + 1}`} onClick={onRemove}>
        <span aria-hidden="true">×</span>
      </button>
    </div>
  );
}
