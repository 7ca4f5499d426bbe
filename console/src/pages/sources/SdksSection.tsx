import { Link } from "wouter";

import { CopyableText } from "../../components/CopyableText";
import { EmptyNotice } from "../../components/EmptyNotice";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useQueryParam } from "../../hooks/useQueryParam";
import { currentKey, keysOf, useProjectDetails, type Project } from "./queries";
import { snippetsFor, type Snippet } from "./snippets";
import { Tabs } from "./Tabs";

const NO_DOMAIN = "shop.example";

export default function SdksSection() {
  const project = useProjectDetails();
  return (
    <>
      <PageHead title="What to paste" />
      <QueryState query={project}>{(data) => data && <Snippets project={data} />}</QueryState>
    </>
  );
}

function Snippets({ project }: { project: Project }) {
  const [sdk, setSdk] = useQueryParam("sdk");
  const keys = keysOf(project);
  const writeKey = currentKey(keys);
  if (!writeKey) {
    return (
      <EmptyNotice title="The project has no write key">
        <p>
          Make one under <Link href="/sources">Write keys</Link>.
        </p>
      </EmptyNotice>
    );
  }
  const host = window.location.origin;
  const snippets = snippetsFor({ host, writeKey, domain: keys.domains[0] ?? NO_DOMAIN });
  const chosen = snippets.find(({ id }) => id === sdk) ?? snippets[0];
  if (!chosen) return null;
  return (
    <div className="panel">
      <Tabs label="SDKs" tabs={snippets} chosen={chosen.id} onChoose={setSdk}>
        <SnippetView key={chosen.id} snippet={chosen} />
        {chosen.id === "plausible" && keys.domains.length === 0 && (
          <p className="form-error">
            The project has no domain yet: add yours under <Link href="/sources">Write keys</Link>.
          </p>
        )}
      </Tabs>
      <p className="footnote">
        For {project.name}, with its current key, at {host}: the address of this page. Where your pages and apps reach the
        collector by another one, put that in its place.
      </p>
    </div>
  );
}

function SnippetView({ snippet: { label, install, code, note } }: { snippet: Snippet }) {
  return (
    <>
      {install && <CopyableText text={install} label={`To install ${label}`} />}
      <div className="snippet">
        <CopyableText text={code} label={label} />
      </div>
      {note && <p className="hint">{note}</p>}
    </>
  );
}
