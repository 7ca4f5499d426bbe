import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { JsonView } from "../../components/JsonView";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useQueryParam } from "../../hooks/useQueryParam";
import { useGrafanaAlerts, type GrafanaAlert } from "./queries";

/** What Grafana told of its alerts. */
export default function GrafanaSection() {
  const [asked, setAsked] = useQueryParam("status");
  const status = asked === "firing" || asked === "resolved" ? asked : "";
  const alerts = useGrafanaAlerts(status);
  return (
    <>
      <PageHead title="Grafana’s alerts">
        <select className="select-small" aria-label="Which alerts" value={status} onChange={({ target }) => setAsked(target.value)}>
          <option value="">all</option>
          <option value="firing">firing</option>
          <option value="resolved">resolved</option>
        </select>
      </PageHead>
      <QueryState query={alerts}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyNotice title="No alerts">
              <p>Grafana has told of none{status ? " that are so" : ""}. Its contact point Beatline sends them here.</p>
            </EmptyNotice>
          ) : (
            <>
              <DataTable
                label="Alerts of Grafana, the newest first"
                rows={rows}
                rowKey={({ id }) => id}
                columns={COLUMNS}
                detail={(alert) => <AlertDetail alert={alert} />}
              />
              <LoadMore query={alerts} shown={rows.length} one="alert" />
            </>
          )
        }
      </QueryState>
    </>
  );
}

const COLUMNS: Column<GrafanaAlert>[] = [
  {
    key: "name",
    title: "Alert",
    className: "cell-long",
    cell: ({ alertname, severity, annotations }) => (
      <>
        {alertname ?? "without a name"} {severity && <span className="tag">{severity}</span>}
        {annotations.summary && <div className="hint">{annotations.summary}</div>}
      </>
    ),
  },
  {
    key: "status",
    title: "State",
    cell: ({ status }) => <span className={`tag ${status === "firing" ? "tag-off" : "tag-on"}`}>{status}</span>,
  },
  { key: "since", title: "Since", className: "cell-shrink", cell: ({ starts_at }) => <Moment at={starts_at} /> },
  { key: "until", title: "Over", className: "cell-shrink", cell: ({ resolved_at }) => <Moment at={resolved_at} /> },
];

function AlertDetail({ alert }: { alert: GrafanaAlert }) {
  const { labels, annotations, values, links } = alert;
  const safe = Object.entries(links).filter(([, href]) => /^https?:/i.test(href));
  return (
    <>
      <JsonView name="labels" value={labels} />
      <JsonView name="annotations" value={annotations} />
      {values && <JsonView name="values" value={values} />}
      {safe.length > 0 && (
        <p className="alert-links">
          {safe.map(([name, href]) => (
            <a key={name} href={href} rel="noreferrer">
              {name} in Grafana
            </a>
          ))}
        </p>
      )}
    </>
  );
}
