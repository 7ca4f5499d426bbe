import { EmptyNotice } from "../components/EmptyNotice";
import { PageHead } from "../components/PageHead";
import { useAccount } from "../session/account";
import { useProject } from "../session/project";

/** Instead of a page that the role does not reach. */
export function NotAllowed({ label }: { label: string }) {
  const account = useAccount();
  const { name } = useProject();
  const nowhere = account?.projects.length === 0;
  return (
    <>
      <PageHead title={label} />
      <EmptyNotice title={nowhere ? "You have no project yet" : "This is not for your role"}>
        <p>
          {nowhere
            ? `Ask an administrator to give ${account.email} a role in a project.`
            : `In ${name} you may not see this page. An administrator of the project can change your role, or you choose another project above.`}
        </p>
      </EmptyNotice>
    </>
  );
}
