import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { answer, api } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Form, SelectField, textOf } from "../../components/Form";
import { TimeZoneField } from "../../components/TimeZoneField";
import { useAction } from "../../hooks/useAction";
import { useAccount } from "../../session/account";
import { usePermission, useProject } from "../../session/project";
import { ownZone } from "./asked";
import { FORMATS, formatNames } from "./exports";
import { ofReport, RENEWS, type Schedule } from "./queries";
import { WEEKDAYS, type ScheduleBody } from "./schedule";

type ScheduleDialogProps = { reportId: number; schedule?: Schedule; onClose: () => void };

/** When a report is exported, as what, and who is told of it. */
export function ScheduleDialog({ reportId, schedule, onClose }: ScheduleDialogProps) {
  const [every, setEvery] = useState(schedule?.every ?? "week");
  const save = useSave(reportId, schedule, onClose);
  return (
    <Dialog title={schedule ? "Change the schedule" : "New schedule"} onClose={onClose}>
      <Form submit="Save" busy={save.isPending} error={save.error} onSubmit={(data) => save.mutate(read(data, schedule))}>
        <SelectField name="every" label="Each" value={every} onChange={({ target }) => setEvery(target.value)}>
          <option value="day">day</option>
          <option value="week">week</option>
          <option value="month">month</option>
        </SelectField>
        {every !== "day" && <DayField key={every} every={every} day={schedule?.every === every ? schedule.on_day : null} />}
        <SelectField name="at_hour" label="At" defaultValue={schedule?.at_hour ?? 7}>
          {Array.from({ length: 24 }, (_, hour) => (
            <option key={hour} value={hour}>
              {String(hour).padStart(2, "0")}:00
            </option>
          ))}
        </SelectField>
        <TimeZoneField name="time_zone" defaultValue={schedule?.time_zone ?? ownZone()} />
        <SelectField name="format" label="As" defaultValue={schedule?.format ?? "pdf"}>
          {formatNames.map((format) => (
            <option key={format} value={format}>
              {FORMATS[format]}
            </option>
          ))}
        </SelectField>
        <Recipients chosen={schedule?.recipients} />
      </Form>
    </Dialog>
  );
}

function DayField({ every, day }: { every: string; day: number | null }) {
  const days = every === "week" ? WEEKDAYS : Array.from({ length: 31 }, (_, index) => `${index + 1}.`);
  const hint = every === "month" ? "Shorter months have their last day." : undefined;
  return (
    <SelectField name="on_day" label="On" hint={hint} defaultValue={day ?? 1}>
      {days.map((label, index) => (
        <option key={label} value={index + 1}>
          {label}
        </option>
      ))}
    </SelectField>
  );
}

/** The members, for those who may see who they are; for others oneself. */
function Recipients({ chosen }: { chosen: string[] | undefined }) {
  const account = useAccount();
  const { projectId } = useProject();
  const seesMembers = usePermission("members:write");
  const members = useQuery({
    queryKey: ["members", projectId],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/projects/{project_id}/members", { params: { path: { project_id: projectId } }, signal })),
    enabled: seesMembers,
  });
  const self = account ? [{ account_id: account.account_id, email: account.email }] : [];
  const people = members.data?.members ?? self;
  const unseen = chosen?.filter((id) => people.every((person) => person.account_id !== id)) ?? [];
  const all = [...people, ...unseen.map((account_id) => ({ account_id, email: "somebody else" }))];
  const initial = chosen ?? self.map(({ account_id }) => account_id);
  return (
    <fieldset className="choices" key={members.isSuccess ? "all" : "self"}>
      <legend>Who is told</legend>
      {all.map(({ account_id, email }) => (
        <label key={account_id} className="choice">
          <input type="checkbox" name="recipients" value={account_id} defaultChecked={initial.includes(account_id)} />
          <span className="cell-long">{email}</span>
        </label>
      ))}
    </fieldset>
  );
}

function read(data: FormData, schedule: Schedule | undefined): ScheduleBody {
  const every = textOf(data, "every") as ScheduleBody["every"];
  return {
    every,
    on_day: every === "day" ? null : Number(textOf(data, "on_day")),
    at_hour: Number(textOf(data, "at_hour")),
    time_zone: textOf(data, "time_zone"),
    format: textOf(data, "format") as ScheduleBody["format"],
    recipients: data.getAll("recipients").map(String),
    paused: schedule?.paused ?? false,
  };
}

function useSave(reportId: number, schedule: Schedule | undefined, onClose: () => void) {
  const { projectId } = useProject();
  const { params } = ofReport(projectId, reportId);
  const path = "/api/v1/projects/{project_id}/reports/{report_id}/schedules";
  return useAction({
    run: (body: ScheduleBody) =>
      answer(
        schedule
          ? api.PUT(`${path}/{schedule_id}`, { params: { path: { ...params.path, schedule_id: schedule.schedule_id } }, body })
          : api.POST(path, { params, body }),
      ),
    done: "The schedule is saved.",
    renews: RENEWS,
    inForm: true,
    onDone: onClose,
  });
}
