export const USER_PAGE = "/users/details";

/** The page of a user or of an anonymous id, whatever characters it has. */
export function userPath(userId: string): string {
  return `${USER_PAGE}?${new URLSearchParams({ user_id: userId })}`;
}
