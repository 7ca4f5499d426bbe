import { TextField } from "../../components/Form";

/** A secret that the sender made. */
export function SecretField() {
  return (
    <TextField
      name="secret"
      label="Secret of the sender"
      hint="Only when the sender made one, as Stripe does. Empty: a random one is made."
      minLength={8}
      maxLength={200}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
