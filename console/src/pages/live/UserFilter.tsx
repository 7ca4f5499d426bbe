import { useEffect, useId, useRef } from "react";

import { useDebouncedCallback } from "../../hooks/useDebouncedCallback";

const DEBOUNCE_MS = 400;

type UserFilterProps = {
  userId: string;
  onChange: (userId: string) => void;
  error: string | null;
};

/** A field for a user id: takes effect shortly after the last key, or at once with Enter. */
export function UserFilter({ userId, onChange, error }: UserFilterProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const change = useDebouncedCallback(onChange, DEBOUNCE_MS);

  useEffect(() => {
    // The address changed by other means, such as the back button.
    if (input.current && input.current.value.trim() !== userId) input.current.value = userId;
  }, [userId]);

  const clear = () => {
    if (input.current) input.current.value = "";
    change.now("");
    input.current?.focus();
  };

  return (
    <form
      className="user-filter"
      onSubmit={(event) => {
        event.preventDefault();
        change.now(input.current?.value.trim() ?? "");
      }}
    >
      <label className="visually-hidden" htmlFor={id}>
        Only the sessions of this user id
      </label>
      <input
        ref={input}
        id={id}
        defaultValue={userId}
        placeholder="User id, e.g. usr_1"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={200}
        aria-invalid={error !== null}
        aria-describedby={error ? `${id}-error` : undefined}
        onChange={(event) => change.later(event.target.value.trim())}
        onKeyDown={(event) => event.key === "Escape" && clear()}
      />
      {userId && (
        <button type="button" className="clear-button" onClick={clear} aria-label="Clear the user filter">
          ×
        </button>
      )}
      {error && (
        <p id={`${id}-error`} className="field-error">
          {error}
        </p>
      )}
    </form>
  );
}
