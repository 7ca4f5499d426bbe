import { useLocation } from "wouter";

import { useQueryParam } from "../../hooks/useQueryParam";
import { NotFound } from "../../shell/NotFound";
import { UserDetailsView } from "./UserDetailsView";
import { UserList } from "./UserList";
import { USER_PAGE } from "./userPath";
import "./users.css";

export default function UsersPage() {
  const [path] = useLocation();
  const [userId] = useQueryParam("user_id");
  if (path === USER_PAGE && userId) return <UserDetailsView key={userId} userId={userId} />;
  return path === "/users" ? <UserList /> : <NotFound />;
}
