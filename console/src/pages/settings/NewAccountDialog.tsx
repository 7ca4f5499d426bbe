import { Dialog } from "../../components/Dialog";
import { Form, SelectField, textOf, TextField } from "../../components/Form";
import { roleNames, ROLES } from "../../lib/access";
import { useNewAccount } from "./accounts";

type NewAccountDialogProps = { onClose: () => void; onMade: (email: string, password: string) => void };

export function NewAccountDialog({ onClose, onMade }: NewAccountDialogProps) {
  const make = useNewAccount(onMade);
  return (
    <Dialog title="New account" onClose={onClose}>
      <Form
        submit="Make the account"
        busy={make.isPending}
        error={make.error}
        onSubmit={(data) =>
          make.mutate({
            email: textOf(data, "email").trim(),
            name: textOf(data, "name").trim(),
            role: roleNames.find((role) => role === textOf(data, "role")) ?? null,
          })
        }
      >
        <TextField name="email" label="E-mail address" type="email" maxLength={254} required autoComplete="off" />
        <TextField name="name" label="Name" hint="May be empty." maxLength={200} autoComplete="off" />
        <SelectField name="role" label="Role in all projects" hint="A role in a single project is given under Members.">
          <option value="">None</option>
          {roleNames.map((role) => (
            <option key={role} value={role}>
              {ROLES[role]}
            </option>
          ))}
        </SelectField>
      </Form>
    </Dialog>
  );
}
