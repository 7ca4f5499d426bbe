/** A grey shape where content is about to appear. */
export function Skeleton({ className = "" }: { className?: string }) {
  return (
    <div className={`skeleton ${className}`}>
      <span className="visually-hidden">Loading</span>
    </div>
  );
}
