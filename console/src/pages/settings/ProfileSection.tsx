import { answer, api } from "../../api/client";
import { Form, textOf, TextField } from "../../components/Form";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { useAction } from "../../hooks/useAction";
import { ACCOUNT_KEY, useAccount } from "../../session/account";

export default function ProfileSection() {
  const account = useAccount();
  const save = useAction({
    run: (name: string) => answer(api.PATCH("/api/v1/account", { body: { name } })),
    done: "Your name is saved.",
    renews: [ACCOUNT_KEY],
    inForm: true,
  });
  if (!account) return null;
  return (
    <>
      <PageHead title="Profile" />
      <Panel title="You">
        <Form
          submit="Save"
          busy={save.isPending}
          error={save.error}
          onSubmit={(data) => save.mutate(textOf(data, "name").trim())}
        >
          <TextField
            name="name"
            label="Name"
            hint="How the console calls you; the audit log has your address."
            defaultValue={account.name}
            autoComplete="name"
            maxLength={200}
          />
        </Form>
        <dl className="facts">
          <dt>E-mail address</dt>
          <dd>{account.email}</dd>
          <dt>Projects</dt>
          <dd>{account.projects.map(({ name }) => name).join(", ") || "none yet"}</dd>
        </dl>
      </Panel>
    </>
  );
}
