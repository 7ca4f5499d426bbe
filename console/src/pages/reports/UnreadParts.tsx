/** Names the parts of the address that do not count. */
export function UnreadParts({ unread }: { unread: string[] }) {
  if (unread.length === 0) return null;
  return (
    <p className="tail-note" role="alert">
      The address has parts that could not be read and do not count: {[...new Set(unread)].join(", ")}.
    </p>
  );
}
