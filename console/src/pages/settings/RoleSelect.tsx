import type { Role } from "../../api/client";
import { roleNames } from "../../lib/access";

type RoleSelectProps = {
  /** Whose role, and where, for those who do not see its row. */
  label: string;
  role: Role | null;
  /** What no role is called; absent: it cannot be chosen. */
  none?: string;
  busy: boolean;
  onChange: (role: Role | null) => void;
};

export function RoleSelect({ label, role, none, busy, onChange }: RoleSelectProps) {
  return (
    <select
      className="select-small"
      aria-label={label}
      value={role ?? ""}
      disabled={busy}
      onChange={({ target }) => onChange(roleNames.find((name) => name === target.value) ?? null)}
    >
      {none && <option value="">{none}</option>}
      {roleNames.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
