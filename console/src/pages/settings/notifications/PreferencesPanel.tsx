import { useState } from "react";

import { answer, api, type Schemas } from "../../../api/client";
import { DataTable, type Column } from "../../../components/DataTable";
import { Form, TextField } from "../../../components/Form";
import { Panel } from "../../../components/Panel";
import { QueryState } from "../../../components/QueryState";
import { TimeZoneField } from "../../../components/TimeZoneField";
import { useAction } from "../../../hooks/useAction";
import {
  CHANNEL_WORDS,
  KIND_WORDS,
  LEVEL_WORDS,
  levelNames,
  levelOf,
  withLevel,
  type Channel,
  type Kind,
  type Level,
  type Preference,
} from "./channels";
import { PREFERENCES_KEY, useChannels, usePreferences } from "./queries";

type Preferences = Omit<Schemas["Preferences"], "quiet_hours"> & { quiet_hours: QuietHours | null };
type QuietHours = Schemas["QuietHours"];

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** What one wants to be told where, and when not. */
export function PreferencesPanel() {
  const preferences = usePreferences();
  const channels = useChannels();
  return (
    <QueryState query={preferences}>
      {(data) => (
        <QueryState query={channels}>
          {({ channels: known, kinds }) => (
            <PreferencesForm
              saved={data as Preferences}
              channels={known.filter(({ configured }) => configured).map(({ channel }) => channel)}
              kinds={kinds as Kind[]}
            />
          )}
        </QueryState>
      )}
    </QueryState>
  );
}

type PreferencesFormProps = { saved: Preferences; channels: Channel[]; kinds: Kind[] };

function PreferencesForm({ saved, channels, kinds }: PreferencesFormProps) {
  const [wanted, setWanted] = useState<Preference[]>(saved.preferences);
  const [quiet, setQuiet] = useState<QuietHours | null>(saved.quiet_hours);
  const save = useAction({
    run: () => answer(api.PUT("/api/v1/notifications/preferences", { body: { preferences: wanted, quiet_hours: quiet } })),
    done: "Saved.",
    renews: [PREFERENCES_KEY],
    inForm: true,
  });
  const set = (kind: Kind, channel: Channel, level: Level) => setWanted(withLevel(wanted, kind, channel, level));
  return (
    <Panel title="What you are told" className="panel-table">
      <Form className="preferences" submit="Save" busy={save.isPending} error={save.error} onSubmit={() => save.mutate()}>
        <DataTable label="What comes by which way" rows={kinds} rowKey={(kind) => kind} columns={levelColumns(channels, wanted, set)} />
        <QuietFields quiet={quiet} onChange={setQuiet} />
      </Form>
    </Panel>
  );
}

type SetLevel = (kind: Kind, channel: Channel, level: Level) => void;

function levelColumns(channels: Channel[], wanted: Preference[], set: SetLevel): Column<Kind>[] {
  return [
    { key: "kind", title: "Of", cell: (kind) => KIND_WORDS[kind] },
    ...channels.map((channel) => ({
      key: channel,
      title: CHANNEL_WORDS[channel],
      cell: (kind: Kind) => (
        <select
          className="select-small"
          aria-label={`${KIND_WORDS[kind]}, by ${CHANNEL_WORDS[channel]}`}
          value={levelOf(wanted, kind, channel)}
          onChange={({ target }) => set(kind, channel, target.value as Level)}
        >
          {levelNames.map((level) => (
            <option key={level} value={level}>
              {LEVEL_WORDS[level]}
            </option>
          ))}
        </select>
      ),
    })),
  ];
}

function newQuietHours(): QuietHours {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { from: "22:00", to: "07:00", time_zone: timeZone || "UTC", days: [1, 2, 3, 4, 5, 6, 7], critical_passes: true };
}

type QuietFieldsProps = { quiet: QuietHours | null; onChange: (quiet: QuietHours | null) => void };

function QuietFields({ quiet, onChange }: QuietFieldsProps) {
  return (
    <fieldset className="choices quiet-hours">
      <legend>Quiet hours</legend>
      <label className="choice choice-line">
        <input type="checkbox" checked={quiet !== null} onChange={({ target }) => onChange(target.checked ? newQuietHours() : null)} />
        Send nothing to my devices for some hours; it comes afterwards
      </label>
      {quiet && (
        <>
          <div className="quiet-fields">
            {(["from", "to"] as const).map((name) => (
              <TextField
                key={name}
                name={`quiet_hours.${name}`}
                label={name === "from" ? "From" : "To"}
                type="time"
                required
                value={quiet[name].slice(0, 5)}
                onChange={({ target }) => onChange({ ...quiet, [name]: target.value })}
              />
            ))}
            <TimeZoneField name="quiet_hours.time_zone" value={quiet.time_zone} onChange={(time_zone) => onChange({ ...quiet, time_zone })} />
          </div>
          <DayChoices chosen={quiet.days ?? []} onChange={(days) => onChange({ ...quiet, days })} />
          <label className="choice choice-line">
            <input
              type="checkbox"
              checked={quiet.critical_passes ?? true}
              onChange={({ target }) => onChange({ ...quiet, critical_passes: target.checked })}
            />
            What is critical comes all the same
          </label>
        </>
      )}
    </fieldset>
  );
}

function DayChoices({ chosen, onChange }: { chosen: number[]; onChange: (days: number[]) => void }) {
  const toggle = (day: number, on: boolean) => onChange(on ? [...chosen, day].sort() : chosen.filter((other) => other !== day));
  return (
    <div className="days" role="group" aria-label="On the evenings of">
      {DAYS.map((label, index) => (
        <label key={label} className="choice">
          <input
            type="checkbox"
            checked={chosen.includes(index + 1)}
            onChange={({ target }) => toggle(index + 1, target.checked)}
          />
          {label}
        </label>
      ))}
    </div>
  );
}
