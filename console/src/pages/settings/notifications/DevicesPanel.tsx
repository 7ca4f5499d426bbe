import { answer, api } from "../../../api/client";
import { ConfirmButton } from "../../../components/ConfirmButton";
import { DataTable, type Column } from "../../../components/DataTable";
import { Moment } from "../../../components/Moment";
import { Panel } from "../../../components/Panel";
import { QueryState } from "../../../components/QueryState";
import { useAction } from "../../../hooks/useAction";
import { plural } from "../../../lib/format";
import { AddDevices } from "./AddDevices";
import { CHANNEL_WORDS, type Channel, type Device } from "./channels";
import { DeliveriesView } from "./DeliveriesView";
import { DEVICES_KEY, useChannels, useDevices } from "./queries";

/** One's browsers, apps, addresses and webhooks. */
export function DevicesPanel() {
  const devices = useDevices();
  const channels = useChannels();
  return (
    <Panel title="Where you are told" className="panel-above panel-table">
      <QueryState query={devices}>
        {(rows) => (
          <>
            {rows.length === 0 ? (
              <p className="footnote">Only here, by the bell above.</p>
            ) : (
              <DataTable
                label="Where you are told, the latest first"
                rows={rows}
                rowKey={({ device_id }) => device_id}
                columns={COLUMNS}
                detail={({ device_id }) => <DeliveriesView deviceId={device_id} />}
              />
            )}
            <QueryState query={channels}>{(data) => <AddDevices channels={data} devices={rows} />}</QueryState>
          </>
        )}
      </QueryState>
    </Panel>
  );
}

const COLUMNS: Column<Device>[] = [
  {
    key: "name",
    title: "Name",
    className: "cell-long",
    cell: ({ name, address }) => (
      <>
        {name}
        <div className="hint">{address}</div>
      </>
    ),
  },
  { key: "channel", title: "By", cell: ({ channel }) => CHANNEL_WORDS[channel as Channel] },
  { key: "state", title: "State", cell: (device) => <DeviceState device={device} /> },
  { key: "since", title: "Since", cell: ({ registered_at }) => <Moment at={registered_at} /> },
  { key: "actions", title: "Actions", className: "cell-actions", cell: (device) => <DeviceActions device={device} /> },
];

function DeviceState({ device }: { device: Device }) {
  const { failures, last_error, unregistered_at } = device;
  if (unregistered_at) return <span className="tag tag-off">gone</span>;
  if (failures === 0) return <span className="tag tag-on">ok</span>;
  return (
    <>
      <span className="tag tag-off">{plural(failures, "failure")}</span>
      {last_error && <div className="hint cell-long">{last_error}</div>}
    </>
  );
}

function DeviceActions({ device }: { device: Device }) {
  const { device_id, name, channel } = device;
  const at = { params: { path: { device_id } } };
  const test = useAction({
    run: () => answer(api.POST("/api/v1/devices/{device_id}/test", at)),
    done: `A test is on its way to ${name}.`,
    renews: [["deliveries"]],
  });
  const remove = useAction({
    run: () => answer(api.DELETE("/api/v1/devices/{device_id}", at)),
    done: `Nothing is sent to ${name} any more.`,
    renews: [DEVICES_KEY],
  });
  return (
    <span className="actions">
      <button type="button" className="button button-small" aria-disabled={test.isPending} onClick={() => !test.isPending && test.mutate()}>
        Test<span className="visually-hidden"> {name}</span>
      </button>
      <ConfirmButton
        label="Delete"
        of={name}
        className="button button-small"
        question={`Send nothing to ${name} any more?`}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        <p>{channel === "webhook" ? "Its secret ends with it." : "It can be added again at any time."}</p>
      </ConfirmButton>
    </span>
  );
}
