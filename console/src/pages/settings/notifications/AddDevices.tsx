import { useState } from "react";

import { answer, api, type Schemas } from "../../../api/client";
import { Dialog } from "../../../components/Dialog";
import { Form, textOf, TextField } from "../../../components/Form";
import { SecretDialog } from "../../../components/SecretDialog";
import { useAction } from "../../../hooks/useAction";
import { notify } from "../../../lib/toasts";
import { describeUserAgent } from "../../../lib/userAgent";
import { isPossible, NoPush, subscribe } from "../../../lib/webPush";
import type { Device } from "./channels";
import { DEVICES_KEY } from "./queries";

type Body = Schemas["DeviceBody"];
type AddDevicesProps = { channels: Schemas["Channels"]; devices: Device[] };

const register = (body: Body) => answer(api.POST("/api/v1/devices", { body }));

/** The ways to be told that can be opened here; those of apps are opened by the apps. */
export function AddDevices({ channels, devices }: AddDevicesProps) {
  const configured = channels.channels.filter((each) => each.configured).map(({ channel }) => channel);
  return (
    <div className="add-devices">
      {configured.includes("web_push") && channels.vapid_public_key && <ThisBrowser publicKey={channels.vapid_public_key} />}
      {configured.includes("email") && devices.every(({ channel }) => channel !== "email") && <Email />}
      {configured.includes("webhook") && <Webhook />}
    </div>
  );
}

function ThisBrowser({ publicKey }: { publicKey: string }) {
  const [asking, setAsking] = useState(false);
  const add = useAction({
    run: register,
    done: "You are notified in this browser from now on.",
    renews: [DEVICES_KEY],
  });
  const begin = async () => {
    setAsking(true);
    try {
      const name = describeUserAgent(navigator.userAgent);
      add.mutate({ channel: "web_push", name, ...(await subscribe(publicKey)) });
    } catch (error) {
      if (!(error instanceof NoPush)) throw error;
      notify(error.message, "failed");
    } finally {
      setAsking(false);
    }
  };
  if (!isPossible()) {
    return <p className="hint">This browser cannot be notified: it has no push, or the page came without HTTPS.</p>;
  }
  const busy = asking || add.isPending;
  return (
    <button type="button" className="button button-primary" aria-disabled={busy} onClick={() => !busy && void begin()}>
      {asking ? "Asking …" : "Notify me in this browser"}
    </button>
  );
}

function Email() {
  const add = useAction({
    run: () => register({ channel: "email", name: "E-mail" }),
    done: "You are told by e-mail from now on.",
    renews: [DEVICES_KEY],
  });
  return (
    <button type="button" className="button" aria-disabled={add.isPending} onClick={() => !add.isPending && add.mutate()}>
      Tell me by e-mail
    </button>
  );
}

function Webhook() {
  const [open, setOpen] = useState(false);
  const [secret, setSecret] = useState("");
  const add = useAction({
    run: register,
    done: "The webhook is called from now on.",
    renews: [DEVICES_KEY],
    inForm: true,
    onDone: (made) => {
      setOpen(false);
      setSecret(made.secret ?? "");
    },
  });
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        Call a webhook …
      </button>
      {open && (
        <Dialog title="Call a webhook" onClose={() => setOpen(false)}>
          <Form
            submit="Add the webhook"
            busy={add.isPending}
            error={add.error}
            onSubmit={(data) => add.mutate({ channel: "webhook", url: textOf(data, "url").trim(), name: textOf(data, "name").trim() })}
          >
            <TextField name="url" label="URL" hint="It gets a signed POST (Standard Webhooks)." type="url" maxLength={2048} required autoComplete="off" />
            <TextField name="name" label="Name" defaultValue="Webhook" maxLength={100} required autoComplete="off" />
          </Form>
        </Dialog>
      )}
      {secret && <SecretDialog title="The webhook’s secret" label="Secret" secret={secret} onClose={() => setSecret("")} />}
    </>
  );
}
