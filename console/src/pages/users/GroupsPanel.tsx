import { JsonView } from "../../components/JsonView";
import { Moment } from "../../components/Moment";
import { Panel } from "../../components/Panel";
import type { UserDetails } from "./queries";

/** The groups that a user's newest events name. */
export function GroupsPanel({ groups }: { groups: UserDetails["groups"] }) {
  return (
    <Panel title="Groups" hint="named by their events" className="panel-wide">
      <ul className="groups">
        {groups.map((group) => (
          <li key={`${group.group_type} ${group.group_key}`}>
            <p className="group-name">
              <span className="tag">{group.group_type}</span> {group.group_key}
              <span className="hint">
                last seen <Moment at={group.last_seen_at} />
              </span>
            </p>
            {Object.keys(group.traits).length > 0 && <JsonView value={group.traits} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
