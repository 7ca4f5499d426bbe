import { answer, api, type Permission, type Schemas } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Form, SelectField, textOf, TextField } from "../../components/Form";
import { useAction } from "../../hooks/useAction";
import { permissionNames, PERMISSIONS } from "../../lib/access";
import { useAccount } from "../../session/account";

export const TOKENS_KEY = ["account-tokens"] as const;

const DAY_MS = 86_400_000;
const LIFETIMES = [
  { days: 30, label: "in 30 days" },
  { days: 90, label: "in 90 days" },
  { days: 365, label: "in a year" },
  { days: 0, label: "never" },
];

type NewTokenDialogProps = { onClose: () => void; onMade: (token: string) => void };

export function NewTokenDialog({ onClose, onMade }: NewTokenDialogProps) {
  const scopes = useOwnPermissions();
  const make = useAction({
    run: (body: Schemas["ApiTokenBody"]) => answer(api.POST("/api/v1/account/tokens", { body })),
    renews: [TOKENS_KEY],
    inForm: true,
    onDone: ({ token }) => onMade(token),
  });
  return (
    <Dialog title="New token" onClose={onClose}>
      <Form
        submit="Make the token"
        busy={make.isPending}
        error={make.error}
        onSubmit={(data) => make.mutate(wanted(data, scopes))}
      >
        <TextField name="name" label="Name" hint="What it is for." maxLength={200} required autoComplete="off" />
        <SelectField name="lifetime" label="Ends" defaultValue="90">
          {LIFETIMES.map(({ days, label }) => (
            <option key={days} value={days}>
              {label}
            </option>
          ))}
        </SelectField>
        <fieldset className="choices">
          <legend>What it may do</legend>
          {scopes.map((scope) => (
            <label key={scope} className="choice">
              <input type="checkbox" name="scopes" value={scope} defaultChecked={scope === "numbers:read"} />
              <span>{PERMISSIONS[scope]}</span> <code>{scope}</code>
            </label>
          ))}
        </fieldset>
      </Form>
    </Dialog>
  );
}

function wanted(data: FormData, scopes: Permission[]): Schemas["ApiTokenBody"] {
  const days = Number(textOf(data, "lifetime"));
  const chosen = data.getAll("scopes");
  return {
    name: textOf(data, "name").trim(),
    scopes: scopes.filter((scope) => chosen.includes(scope)),
    expires_at: days ? new Date(Date.now() + days * DAY_MS).toISOString() : null,
  };
}

/** What one may do anywhere: a token can do no more. */
function useOwnPermissions(): Permission[] {
  const account = useAccount();
  const all = [...(account?.permissions ?? []), ...(account?.projects.flatMap((project) => project.permissions) ?? [])];
  return permissionNames.filter((permission) => all.includes(permission));
}
