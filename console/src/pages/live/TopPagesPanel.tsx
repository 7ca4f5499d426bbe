import type { PageViews } from "./answers";
import { Panel } from "../../components/Panel";
import { Skeleton } from "../../components/Skeleton";
import { formatInteger, formatShare, formatWindow, plural } from "../../lib/format";
import { sharedHost, splitUrl } from "../../lib/pageUrl";
import { staleSince, type LiveNumbers } from "./numbers";

export function TopPagesPanel(numbers: LiveNumbers) {
  const { overview, failed } = numbers;
  return (
    <Panel
      title="Top pages"
      className="panel-wide"
      hint={
        overview &&
        `${plural(overview.page_views, "page view")} in the last ${formatWindow(overview.windows.top_pages)}`
      }
      staleSince={staleSince(numbers)}
      loading={!overview && !failed}
    >
      {overview && <PageBars pages={overview.top_pages} total={overview.page_views} />}
      {!overview && (failed ? <p className="footnote">Not known.</p> : <BarsSkeleton />)}
    </Panel>
  );
}

function PageBars({ pages, total }: { pages: PageViews[]; total: number }) {
  if (pages.length === 0) return <p className="footnote">No page has been viewed in this time.</p>;
  const most = Math.max(...pages.map((page) => page.views));
  const host = sharedHost(pages.map((page) => page.page_url));
  return (
    <>
      <ol className="bars">
        {pages.map((page) => (
          <li key={page.page_url} className="bar-row">
            <span
              className="bar"
              aria-hidden="true"
              style={{ transform: `scaleX(${most ? page.views / most : 0})` }}
            />
            <PageName url={page.page_url} withHost={host === null} />
            <span className="bar-count">
              {formatInteger(page.views)}
              <span className="visually-hidden"> views, </span>
              <span className="bar-share">{formatShare(total ? page.views / total : 0)}</span>
            </span>
          </li>
        ))}
      </ol>
      {host && <p className="footnote">All on {host}.</p>}
    </>
  );
}

function PageName({ url, withHost }: { url: string; withHost: boolean }) {
  const { host, rest } = splitUrl(url);
  return (
    <span className="bar-label" title={url}>
      {withHost && host && <span className="bar-host">{host}</span>}
      {rest}
    </span>
  );
}

function BarsSkeleton() {
  return (
    <div className="bars">
      <Skeleton className="skeleton-bar skeleton-bar-1" />
      <Skeleton className="skeleton-bar skeleton-bar-2" />
      <Skeleton className="skeleton-bar skeleton-bar-3" />
      <Skeleton className="skeleton-bar skeleton-bar-4" />
      <Skeleton className="skeleton-bar skeleton-bar-5" />
    </div>
  );
}
