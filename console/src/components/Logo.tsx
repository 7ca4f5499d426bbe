export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="9" className="logo-ground" />
      <path d="M4 17h6l3-9 5 16 4-10 1.5 3H28" className="logo-line" pathLength="1" />
    </svg>
  );
}
